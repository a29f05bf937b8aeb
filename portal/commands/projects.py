"""`threegates projects import`: projects from a CSV, XLSX or JSONL file, tried first or written at once."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from portal.commands._operating import operator_name
from registry import clock
from registry.auditing import audit
from registry.database import engine, transaction
from registry.outcomes import Outcome
from registry.project_files import ProjectsFile, read_projects
from registry.registering import ItemsRejected, Problem, Telling, register_projects
from registry.settings import settings
from registry.viewers import Viewer

# So many lines of each kind are shown; --json has all of them.
SHOWN = 50


class OnlyTried(Exception):
    """Takes back a dry run after everything was done as if it stayed."""


@dataclass(slots=True)
class Import:
    """What an import did, or would do."""

    file: str
    dry_run: bool
    written: bool = False
    outcome: Outcome = field(default_factory=Outcome)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 all rows are in the register or would be, 1 some were refused and the others written, 2 nothing valid."""
        if not self.problems:
            return 0
        return 1 if self.written else 2

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "file": self.file,
            "dry_run": self.dry_run,
            "written": self.written,
            "new": self.outcome.new,
            "changed": self.outcome.changed,
            "unchanged": self.outcome.unchanged,
            "enterprises_added": self.outcome.enterprises_added,
            "rejected": [_problem_json(one) for one in self.problems],
            "warnings": [_problem_json(one) for one in self.warnings],
            "notes": [{"zh": zh, "en": en} for zh, en in self.notes],
        }


def register(app: typer.Typer) -> None:
    """Add the command."""
    projects = typer.Typer(help="Projects of the register.", no_args_is_help=True)
    app.add_typer(projects, name="projects")

    @projects.callback()
    def _root() -> None:
        """Keeps `import` a word of its own while it is the only one."""

    @projects.command("import")
    def import_file(
        file: Annotated[Path, typer.Argument(help="CSV, XLSX or JSONL; see docs/importing-projects.md.")],
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen and write nothing.")] = False,
        valid_rows: Annotated[
            bool, typer.Option("--valid-rows", help="Write the valid rows although others are not valid.")
        ] = False,
        reason: Annotated[str, typer.Option(help="Why: it stands in the history of every project.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    ) -> None:
        """Register the projects of a file: new ones are added, changed ones corrected, equal ones left alone.

        Exit code 0: every row is in the register (or would be); 1: some rows were refused, the others written
        (--valid-rows); 2: nothing was written because the file or some of its rows are not valid.
        """
        telling = Telling(operator_name(), clock.now(), reason.strip() or f"imported from {file.name}")
        read = read_projects(file)

        async def run() -> Import:
            try:
                return await import_projects(engine(), file.name, read, telling, dry_run=dry_run, valid_rows=valid_rows)
            finally:
                await engine().dispose()

        done = asyncio.run(run())
        if as_json:
            typer.echo(orjson.dumps(done.as_json(), option=orjson.OPT_INDENT_2).decode())
        else:
            show(done, Console(), chinese=settings().language == "zh")
        raise typer.Exit(done.exit_code)


async def import_projects(
    on: AsyncEngine, name: str, read: ProjectsFile, telling: Telling, *, dry_run: bool, valid_rows: bool
) -> Import:
    """Register what a file says, all or nothing unless `valid_rows`, and nothing in a dry run."""
    done = Import(name, dry_run, problems=list(read.problems), notes=read.notes)
    try:
        async with transaction(on) as session:
            # With problems in the file itself the rest is still checked, so that all are told at once.
            done.outcome = await register_projects(session, read.items, telling, rows=read.rows, valid_only=True)
            done.problems += [read.locate(one) for one in done.outcome.rejected]
            done.warnings = [read.locate(one) for one in done.outcome.warnings]
            if dry_run or (done.problems and not valid_rows):
                raise OnlyTried
            done.written = bool(done.outcome.ids)
            counts = {"new": done.outcome.new, "changed": sorted(done.outcome.changed), "rows": len(read.items)}
            operator = Viewer(kind="key", actor=telling.actor)
            await audit(session, operator, "project.import", "file", name, why=telling.reason, after=counts)
    except OnlyTried:
        pass
    except ItemsRejected as error:
        done.problems += [read.locate(one) for one in error.problems]
    done.problems.sort(key=lambda one: (one.row, one.column))
    return done


def _problem_json(problem: Problem) -> dict[str, Any]:
    return {
        "row": problem.row,
        "column": problem.column,
        "value": problem.value,
        "message": problem.en,
        "remedy": problem.remedy_en,
        "message_zh": problem.zh,
        "remedy_zh": problem.remedy_zh,
    }


def show(done: Import, console: Console, *, chinese: bool) -> None:
    """Print what an import did."""
    for zh, en in done.notes:
        console.print(escape(zh if chinese else en))
    if done.problems:
        console.print(_table("错误" if chinese else "Errors", done.problems, chinese))
    if done.warnings:
        console.print(_table("提示" if chinese else "Warnings", done.warnings, chinese))
    for reference, parts in list(done.outcome.changed.items())[:SHOWN]:
        console.print(("变更 " if chinese else "changed ") + escape(f"{reference}: {', '.join(parts)}"))
    counts = {
        ("新增", "new"): len(done.outcome.new),
        ("变更", "changed"): len(done.outcome.changed),
        ("不变", "unchanged"): len(done.outcome.unchanged),
        ("新登记单位", "enterprises added"): len(done.outcome.enterprises_added),
        ("错误", "errors"): len(done.problems),
    }
    console.print("，".join(f"{zh} {count}" for (zh, _), count in counts.items()) if chinese else
                  ", ".join(f"{en} {count}" for (_, en), count in counts.items()))  # fmt: skip
    if not done.written:
        why_zh = "试导入，未写入任何内容。" if done.dry_run else "有错误，未写入任何内容。"
        why_en = "Dry run: nothing was written." if done.dry_run else "There are errors: nothing was written."
        console.print(why_zh if chinese else why_en)


def _table(title: str, problems: list[Problem], chinese: bool) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in ("行", "列", "内容", "说明") if chinese else ("Row", "Column", "Value", "What to do"):
        table.add_column(heading, overflow="fold")
    for one in problems[:SHOWN]:
        table.add_row(str(one.row), escape(one.column), escape(one.value), escape(one.say("zh" if chinese else "en")))
    if len(problems) > SHOWN:
        rest = len(problems) - SHOWN
        table.add_row("…", "", "", f"另有 {rest} 条，见 --json" if chinese else f"{rest} more: see --json")
    return table
