"""`threegates cases`: the cases of the register, one with everything in it, all of them as JSON lines."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Final, TextIO, TypeVar

import typer
from rich.console import Console
from rich.table import Column, Table

from registry import clock
from registry.auditing import audit
from registry.cases.case_file import CaseDossier, case_file
from registry.cases.case_list import STATES, CaseFilter, CasePage, list_cases
from registry.database import engine, transaction
from registry.errors import BadInput
from registry.viewers import NATION, Viewer

# Who runs the machine enters the database as its owner; the trail says that it was the command line.
_OPERATOR: Final = Viewer("key", actor="command-line", region=NATION, permissions=frozenset({"internal", "credit"}))
_AT_ONCE: Final = 200

Result = TypeVar("Result")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    cases = typer.Typer(help="Cases: list them, show one, export them.", no_args_is_help=True)
    app.add_typer(cases, name="cases")

    @cases.command("list")
    def show_list(
        state: Annotated[str, typer.Option("--state", help="open, closed, merged or all.")] = "open",
        late: Annotated[bool, typer.Option("--late", help="Only those whose deadline is over.")] = False,
        q: Annotated[str, typer.Option("--q", help="Number, title, project or enterprise.")] = "",
        limit: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 200,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    ) -> None:
        """List cases, those due first first."""
        if state not in STATES:
            raise BadInput(f"There is no state “{state}”.", where="--state", remedy=f"One of {', '.join(STATES)}.")
        page = _run(lambda: _list(CaseFilter(state, late=late, q=q or None), limit))
        if as_json:
            typer.echo(page.model_dump_json(indent=1))
        else:
            _say(page, Console())

    @cases.command("show")
    def show_one(
        number: str, as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False
    ) -> None:
        """Show one case with its decisions, tasks and trail."""
        file = _run(lambda: _one(number))
        if as_json:
            typer.echo(file.model_dump_json(indent=1))
        else:
            _say_one(file, Console())

    @cases.command("export")
    def export(
        to: Annotated[Path, typer.Argument(help="The file to write, one case a line (JSON lines).")],
        state: Annotated[str, typer.Option("--state", help="open, closed, merged or all.")] = "all",
    ) -> None:
        """Export cases with everything in them but the bytes of their files; the audit says that it was done."""
        if state not in STATES:
            raise BadInput(f"There is no state “{state}”.", where="--state", remedy=f"One of {', '.join(STATES)}.")
        typer.echo(f"{_run(lambda: _export(state, to))} 个案件 cases: {to}")


def _run(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    async def run() -> Result:
        try:
            return await work()
        finally:
            await engine().dispose()

    return asyncio.run(run())


async def _list(wanted: CaseFilter, limit: int) -> CasePage:
    async with transaction() as session:
        return await list_cases(session, _OPERATOR, wanted, clock.today(), limit=limit)


async def _one(number: str) -> CaseDossier:
    async with transaction() as session:
        return await case_file(session, _OPERATOR, number, clock.today())


async def _export(state: str, to: Path) -> int:
    written, cursor = 0, ""
    # Cases hold names and what agencies wrote to each other: for the owner of the file alone.
    with _private(to) as stream:
        async with transaction() as session:
            while True:
                today = clock.today()
                page = await list_cases(session, _OPERATOR, CaseFilter(state), today, cursor=cursor, limit=_AT_ONCE)
                for one in page.items:
                    file = await case_file(session, _OPERATOR, one.number, today)
                    stream.write(file.model_dump_json() + "\n")
                    written += 1
                if not page.next_cursor:
                    break
                cursor = page.next_cursor
            await audit(session, _OPERATOR, "case.export", "case", "", after={"cases": written, "state": state})
    return written


def _private(path: Path) -> TextIO:
    """A new or emptied file that only its owner reads."""
    path.touch(mode=0o600)
    return path.open("w", encoding="utf-8")


def _say(page: CasePage, console: Console) -> None:
    console.print(f"{page.total:,} 个案件 cases")
    table = Table(
        Column("编号 number", no_wrap=True), "标题 title", "环节 stage", "期限 due", "承办 desk", show_edge=False
    )
    for one in page.items:
        late = " 逾期 late" if one.overdue else ""
        due = (one.due.isoformat() if one.due else "—") + late
        table.add_row(one.number, one.title, f"{one.stage_zh} {one.stage}", due, one.desk_zh)
    if table.row_count:
        console.print(table)
    if page.next_cursor:
        console.print("其余 the rest: --limit")


def _say_one(file: CaseDossier, console: Console) -> None:
    console.print(f"{file.number} {file.title}")
    console.print(f"{file.path_zh} · {file.stage_zh} {file.stage} · {file.due or '—'} · {file.desk_zh} {file.owner}")
    for decided in file.decisions:
        console.print(f"{decided.decided} {decided.step_zh} {decided.authority} {decided.number} → {decided.reference}")
    for task in file.tasks:
        console.print(f"{task.state}  {task.due}  {task.title}  {task.organisation_zh}  {task.position}")
    for one in file.files:
        console.print(f"{one.sha256}  {one.size:>10,}  {one.name}")
    for event in file.events:
        at = event.at.astimezone(clock.CIVIL_ZONE)
        console.print(f"{at:%Y-%m-%d %H:%M} {event.actor or '—'} {event.kind} {event.content.get('reason', '')}")
