"""`threegates facts import`: dispositions, plans, eliminations, orders, restrictions and equipment from a file."""

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

from portal.commands._operating import operator_name
from portal.commands.projects import Import, OnlyTried, show
from registry import clock
from registry.auditing import audit
from registry.database import engine, transaction
from registry.import_problems import ItemsRejected
from registry.law_fact_files import LawFactsFile, columns_of, read_law_facts
from registry.law_fact_writing import FACT_KINDS, tell_facts
from registry.restating import Telling
from registry.settings import settings
from registry.viewers import Viewer


class Kind(StrEnum):
    """The kinds of `registry.law_fact_writing.FACT_KINDS`."""

    DISPOSITIONS = "dispositions"
    PLANS = "plans"
    ELIMINATIONS = "eliminations"
    ORDERS = "orders"
    RESTRICTIONS = "restrictions"
    RECTIFICATIONS = "rectifications"
    EQUIPMENT = "equipment"


def register(app: typer.Typer) -> None:
    """Add the command."""
    facts = typer.Typer(
        help="What authorities decided: dispositions, plans, eliminations, orders, restrictions.", no_args_is_help=True
    )
    app.add_typer(facts, name="facts")

    @facts.command("columns")
    def columns(
        kind: Annotated[Kind, typer.Argument(help="What the file holds.")],
    ) -> None:
        """Print the heading of a file of this kind, in Chinese; English headings are read as well."""
        typer.echo(",".join(names[0] for names in columns_of(kind.value).values()))

    @facts.command("import")
    def import_file(
        kind: Annotated[Kind, typer.Argument(help="What the file holds.")],
        file: Annotated[Path, typer.Argument(help="CSV, XLSX or JSONL; see docs/importing-facts.md.")],
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen and write nothing.")] = False,
        valid_rows: Annotated[
            bool, typer.Option("--valid-rows", help="Write the valid rows although others are not valid.")
        ] = False,
        reason: Annotated[str, typer.Option(help="Why: it stands in the history of every fact.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    ) -> None:
        """Tell the register what a file says: new facts are added, changed ones corrected, equal ones left alone.

        Exit code 0: every row is in the register (or would be); 1: some rows were refused, the others written
        (--valid-rows); 2: nothing was written because the file or some of its rows are not valid.
        """
        telling = Telling(operator_name(), clock.now(), reason.strip() or f"imported from {file.name}")
        read = read_law_facts(kind.value, FACT_KINDS[kind.value], file)

        async def run() -> Import:
            try:
                return await import_facts(
                    engine(), kind.value, file.name, read, telling, dry_run=dry_run, valid_rows=valid_rows
                )
            finally:
                await engine().dispose()

        done = asyncio.run(run())
        if as_json:
            typer.echo(orjson.dumps(done.as_json(), option=orjson.OPT_INDENT_2).decode())
        else:
            show(done, Console(), chinese=settings().language == "zh")
        raise typer.Exit(done.exit_code)


async def import_facts(
    on: AsyncEngine, kind: str, name: str, read: LawFactsFile, telling: Telling, *, dry_run: bool, valid_rows: bool
) -> Import:
    """Tell what a file says, all or nothing unless `valid_rows`, and nothing in a dry run."""
    done = Import(name, dry_run, problems=list(read.problems), notes=read.notes)
    try:
        async with transaction(on) as session:
            # With problems in the file itself the rest is still checked, so that all are told at once.
            done.outcome = await tell_facts(
                session, FACT_KINDS[kind], read.items, telling, rows=read.rows, valid_only=True
            )
            done.problems += [read.locate(one) for one in done.outcome.rejected]
            if dry_run or (done.problems and not valid_rows):
                raise OnlyTried
            done.written = bool(done.outcome.ids)
            counts = {"new": done.outcome.new, "changed": sorted(done.outcome.changed), "rows": len(read.items)}
            operator = Viewer(kind="key", actor=telling.actor)
            await audit(session, operator, f"{kind}.import", "file", name, why=telling.reason, after=counts)
    except OnlyTried:
        pass
    except ItemsRejected as error:
        done.problems += [read.locate(one) for one in error.problems]
    done.problems.sort(key=lambda one: (one.row, one.column))
    return done
