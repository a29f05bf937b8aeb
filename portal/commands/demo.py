"""`threegates demo load`: the demo's sources, enterprises, projects and notices into the register."""

import asyncio
import contextlib
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import orjson
import typer
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from portal.demo_cases import add_demo_cases
from portal.demo_people import add_demo_people
from portal.demo_publications import add_demo_publications
from portal.demo_reports import add_demo_reports
from registry import clock
from registry.database import engine, json_text, transaction
from registry.errors import BadFile, Conflict, ThreegatesError
from registry.law_fact_writing import FACT_KINDS, tell_facts
from registry.registering import (
    EnterpriseItem,
    ItemsRejected,
    NoticeItem,
    Outcome,
    ProjectItem,
    SourceItem,
    Telling,
    read_items,
    register_enterprises,
    register_notices,
    register_projects,
    register_sources,
)
from registry.settings import settings

FACT: Final = "demo"
# Written last by the generator: a folder without it was not finished.
LAST_FILE: Final = "stories.json"
REGISTER_FILES: Final = (
    "sources.jsonl",
    "enterprises.jsonl",
    "projects.jsonl",
    "notices.jsonl",
    "dispositions.jsonl",
    "plans.jsonl",
)
TELLING: Final = ("demo", "demo data: real plants and notices with their sources, everything else invented")

Model = TypeVar("Model", bound=BaseModel)


class DemoNotMade(ThreegatesError):
    """The demo's generator did not end well."""

    title = "The demo could not be made"


def register(app: typer.Typer) -> None:
    """Add the command."""
    demo = typer.Typer(help="The demo: real plants and notices in an invented nation.", no_args_is_help=True)
    app.add_typer(demo, name="demo")

    @demo.callback()
    def _root() -> None:
        """The demo's commands."""

    @demo.command("cases")
    def cases() -> None:
        """Open a few cases about invented projects, once something of them is flagged; again it does nothing."""

        async def run() -> list[str]:
            try:
                return await add_demo_cases(engine(), clock.now())
            finally:
                await engine().dispose()

        numbers = asyncio.run(run())
        typer.echo("演示案件 · the demo's cases: " + (", ".join(numbers) or "—"))

    @demo.command("load")
    def load(
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Load the demo's register, making its files first where they are missing; files that are loaded stay so.

        What a person corrected since is left as corrected. Refuses a register that holds anything else: invented
        enterprises never mix with real work.
        """
        folder = settings().data_folder / "demo"
        make(folder)

        async def run() -> dict[str, dict[str, int]]:
            try:
                if await is_loaded(engine(), folder):
                    return {}
                counts = await load_demo(engine(), folder)
                counts["publications"] = {"new": await add_demo_publications(engine(), clock.now())}
                counts["reports"] = {"new": await add_demo_reports(engine(), clock.today())}
                return counts
            finally:
                await engine().dispose()

        counts = asyncio.run(run())
        if as_json:
            typer.echo(orjson.dumps(counts, option=orjson.OPT_INDENT_2).decode())
        else:
            if not counts:
                typer.echo("演示数据已装入,没有变化 · the demo is loaded already, nothing is new")
            for name, count in counts.items():
                typer.echo(f"{name}: " + ", ".join(f"{number} {word}" for word, number in count.items()))


def make(folder: Path) -> None:
    """Make the demo's files where they are missing or unfinished (about half a minute)."""
    if (folder / LAST_FILE).exists():
        return
    # Made beside and moved: a killed run leaves no half demo behind.
    draft = folder.with_name(".demo-draft")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    typer.echo("Making the demo's files (about half a minute, once).", err=True)
    made = subprocess.run([sys.executable, "-m", "deploy.demo", "--updates", "--to", str(draft)], check=False)
    if made.returncode != 0:
        raise DemoNotMade(
            f"The generator ended with {made.returncode}.",
            remedy="Its own words stand above; check the free disk space.",
        )
    draft.rename(folder)


async def is_loaded(on: AsyncEngine, folder: Path) -> bool:
    """Whether the register was loaded from these very files: then there is nothing to read again."""
    async with transaction(on) as session:
        connection = await session.connection()
        loaded = await connection.scalar(
            text("SELECT value ->> 'files' FROM register_facts WHERE name = :fact"), {"fact": FACT}
        )
    return bool(loaded == _digest(folder))


def _digest(folder: Path) -> str:
    """What the register's files hold, as one number."""
    digest = hashlib.sha256()
    for file in REGISTER_FILES:
        with contextlib.suppress(OSError):  # loading says which file is missing
            digest.update((folder / file).read_bytes())
    return digest.hexdigest()


async def load_demo(on: AsyncEngine, folder: Path) -> dict[str, dict[str, int]]:
    """Register what the folder's files say in one transaction; returns counts by part."""
    sources = _read(SourceItem, folder / "sources.jsonl")
    enterprises = _read(EnterpriseItem, folder / "enterprises.jsonl")
    projects = _read(ProjectItem, folder / "projects.jsonl")
    notices = _read(NoticeItem, folder / "notices.jsonl")
    decided = {name: _read(FACT_KINDS[name].item, folder / f"{name}.jsonl") for name in ("dispositions", "plans")}
    async with transaction(on) as session:
        await _claim_register(session)
        telling = Telling(TELLING[0], clock.now(), TELLING[1])
        counts = {"sources": {"new or changed": await register_sources(session, sources)}}
        counts["enterprises"] = _counted(await register_enterprises(session, enterprises, telling))
        counts["projects"] = _counted(await register_projects(session, projects, telling))
        for name, items in decided.items():
            counts[name] = _counted(await tell_facts(session, FACT_KINDS[name], items, telling))
        counts["notices"] = _counted(await register_notices(session, notices))
        counts["people"] = {"new": await add_demo_people(session, clock.now(), clock.today())}
        connection = await session.connection()
        value = json_text({"loaded_at": clock.now().isoformat(), "files": _digest(folder)})
        await connection.execute(
            text("UPDATE register_facts SET value = CAST(:value AS jsonb) WHERE name = :fact"),
            {"fact": FACT, "value": value},
        )
        return counts


async def _claim_register(session: AsyncSession) -> None:
    """Mark the register as the demo's, once; refuse one that holds projects or enterprises of others."""
    connection = await session.connection()
    if await connection.scalar(text("SELECT true FROM register_facts WHERE name = :fact"), {"fact": FACT}):
        return
    if await connection.scalar(text("SELECT EXISTS (SELECT FROM projects) OR EXISTS (SELECT FROM enterprises)")):
        raise Conflict(
            "This register holds data that is not the demo's.",
            where="demo load",
            remedy="Point THREEGATES_DATABASE_URL at an empty database for the demo.",
        )
    await connection.execute(
        text("INSERT INTO register_facts (name, value) VALUES (:fact, CAST(:value AS jsonb))"),
        {"fact": FACT, "value": json_text({"loaded_at": clock.now().isoformat()})},
    )


def _read(model: type[Model], file: Path) -> list[Model]:
    items, _, problems = read_items(model, _lines(file))
    if problems:
        error = ItemsRejected(problems)
        error.where = f"{file.name}, {error.where}"
        raise error
    return items


def _lines(file: Path) -> Iterator[Any]:
    try:
        with file.open("rb") as stream:
            for line in stream:
                yield orjson.loads(line)
    except (OSError, orjson.JSONDecodeError) as error:
        raise BadFile(
            f"The demo's file cannot be read ({error}).",
            where=str(file),
            remedy="Remove the folder and load again: it is made anew.",
        ) from None


def _counted(outcome: Outcome) -> dict[str, int]:
    return {"new": len(outcome.new), "changed": len(outcome.changed), "unchanged": len(outcome.unchanged)}
