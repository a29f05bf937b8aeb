"""`threegates audit`: verify the chain of the audit, export it for others to verify, search it."""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import orjson
import typer
from cryptography.x509 import Certificate
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.exc import DBAPIError

from jobs.audit import note_verified, outcome, verify_now
from portal.commands._operating import operator_name
from registry import clock
from registry.audit_anchors import Anchor, anchor_file, read_anchors
from registry.audit_export import exported, verify_file
from registry.audit_search import AuditFilter, AuditLine, search_audit
from registry.audit_time_stamps import read_roots, verify_stamps
from registry.audit_verifying import Verified
from registry.auditing import audit
from registry.clock import CIVIL_ZONE
from registry.database import connect, engine, transaction
from registry.errors import BadInput
from registry.settings import settings
from registry.viewers import Viewer

Result = TypeVar("Result")
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    audit = typer.Typer(help="The audit: who did or read what, and proof that nobody changed it.", no_args_is_help=True)
    app.add_typer(audit, name="audit")

    @audit.command()
    def verify(
        anchors: Annotated[
            Path | None, typer.Option(help="Anchors to hold it against: best a copy kept elsewhere.")
        ] = None,
        file: Annotated[
            Path | None, typer.Option(help="Verify a file of `audit export` instead of the database.")
        ] = None,
        time_stamp_ca: Annotated[
            Path | None, typer.Option(help="Root certificates (PEM) of the authority that stamped the anchors.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Compute every digest again from the rows and hold the chain against the anchors; exit 1 at a breach."""
        known = _anchors(anchors)
        started = time.monotonic()
        authority = time_stamp_ca or settings().audit_time_stamp_ca_file
        roots = read_roots(authority) if authority else []
        if file:
            found = verify_stamps(known, roots, _verify_export(file, known))
        else:
            found = asyncio.run(_ended(lambda: _verify(known, roots)))
        seconds = time.monotonic() - started
        if as_json:
            said = {**outcome(found), "seconds": round(seconds, 1)}
            typer.echo(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode())
        else:
            _show(found, seconds)
        raise typer.Exit(0 if found.holds else 1)

    @audit.command()
    def export(
        file: Annotated[Path | None, typer.Argument(help="Where to write; standard output without it.")] = None,
    ) -> None:
        """Write what is sealed as JSON lines; `threegates audit verify --file` needs nothing but that file."""
        asyncio.run(_export(file))

    @audit.command()
    def search(
        actor: Annotated[str, typer.Option(help="Who, as signed in.")] = "",
        action: Annotated[str, typer.Option(help="An action (project.correct) or its thing (project).")] = "",
        subject_kind: Annotated[str, typer.Option(help="project, record, finding …")] = "",
        subject: Annotated[str, typer.Option(help="The subject's number or code.")] = "",
        request: Annotated[str, typer.Option(help="The x-request-id of one request.")] = "",
        since: Day = None,
        until: Day = None,
        limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    ) -> None:
        """Show entries, newest first."""
        wanted = AuditFilter(
            actor, action, subject_kind, subject, request, since and since.date(), until and until.date()
        )
        found = asyncio.run(_ended(lambda: _search(wanted, limit)))
        if as_json:
            for one in found:
                typer.echo(one.model_dump_json())
        else:
            _show_lines(found)


async def _ended(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    try:
        return await work()
    finally:
        await engine().dispose()


def _anchors(file: Path | None) -> list[Anchor]:
    """The anchors of a named file, which must be there; else those of the register's own, if there are any yet."""
    if file is not None:
        return read_anchors(file)
    return read_anchors(anchor_file()) if anchor_file().exists() else []


async def _verify(anchors: list[Anchor], roots: list[Certificate]) -> Verified:
    found = verify_stamps(anchors, roots, await verify_now(engine(), anchors))
    # A standby or a copy that is only read is verified as well, it just cannot note it.
    with suppress(DBAPIError):
        await note_verified(engine(), operator_name(), clock.now(), found)
    return found


def _verify_export(file: Path, anchors: list[Anchor]) -> Verified:
    try:
        with file.open("rb") as lines:
            return verify_file(lines, file.name, anchors)
    except OSError as error:
        raise BadInput(f"The file cannot be read ({error.strerror}).", where=str(file), remedy="Name it.") from error


async def _export(file: Path | None) -> None:
    connection = await connect(settings().database_dsn())
    try:
        target = file.open("wb") if file else sys.stdout.buffer
        try:
            async for line in exported(connection):
                target.write(line)
            # A standby or a copy that is only read is exported as well, it just cannot note it.
            with suppress(DBAPIError):
                async with transaction() as session:
                    said = {"file": str(file) if file else "standard output"}
                    await audit(session, Viewer("key", actor=operator_name()), "audit.export", "audit", after=said)
        finally:
            target.flush()
            if file:
                target.close()
    except OSError as error:
        raise BadInput(
            f"The file cannot be written ({error.strerror}).", where=str(file), remedy="Name another."
        ) from error
    finally:
        await connection.close()
        await engine().dispose()


async def _search(wanted: AuditFilter, limit: int) -> list[AuditLine]:
    async with transaction() as session:
        return (await search_audit(session, wanted, limit=limit)).items


def _show(found: Verified, seconds: float) -> None:
    chinese = settings().language == "zh"
    counts = (
        f"{found.entries:,} 条记录，{found.batches:,} 个批次，{found.anchors:,} 个锚定，{seconds:.1f} 秒"
        if chinese
        else f"{found.entries:,} entries, {found.batches:,} batches, {found.anchors:,} anchors, {seconds:.1f} s"
    )
    if found.breach is None:
        typer.echo(("审计完好：" if chinese else "The audit is whole: ") + counts)
        if found.waiting:
            typer.echo(
                f"另有 {found.waiting:,} 条待封存，最早 {found.waiting_since}；尚不受保护。"
                if chinese
                else f"{found.waiting:,} more wait for a seal, the oldest of {found.waiting_since}: not protected yet."
            )
        if found.stamps:
            typer.echo(
                f"其中 {found.stamps:,} 个锚定带有可信机构的时间戳，最近 {found.last_stamped}。"
                if chinese
                else f"{found.stamps:,} anchors bear a trusted authority's time-stamp, the last {found.last_stamped}."
            )
        if found.unverified_stamps:
            typer.echo(
                f"有 {found.unverified_stamps:,} 个时间戳未核验：请用 --time-stamp-ca 指定签发机构的根证书。"
                if chinese
                else f"{found.unverified_stamps:,} time-stamps were not verified: "
                "name the authority's root certificates with --time-stamp-ca."
            )
        if not found.anchors:
            typer.echo(
                "没有锚定可以对照：整体重写或截尾不会被发现。请用 --anchors 指定保存在别处的锚定。"
                if chinese
                else "No anchor to hold it against: a chain written anew or cut would not be seen. "
                "Name anchors kept elsewhere with --anchors."
            )
        return
    breach = found.breach
    place = ", ".join(
        f"{word} {value}"
        for word, value in (
            ("批次" if chinese else "batch", breach.batch),
            ("序号" if chinese else "place", breach.place),
            ("记录" if chinese else "entry", breach.entry),
        )
        if value is not None
    )
    typer.echo(
        f"审计被篡改（{place}）：{breach.zh}\n此前完好：{counts}"
        if chinese
        else f"THE AUDIT WAS TAMPERED WITH ({place}): {breach.en}\nWhole up to there: {counts}"
    )


def _show_lines(found: list[AuditLine]) -> None:
    table = Table()
    for heading in ("时间 At", "谁 Who", "行为 Action", "对象 Subject", "原因 Why"):
        table.add_column(heading, overflow="fold")
    for one in found:
        at = one.at.astimezone(CIVIL_ZONE).strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(
            *(escape(text) for text in (at, one.actor, one.action, f"{one.subject_kind} {one.subject}", one.why))
        )
    Console().print(table)
