"""`threegates agencies`: what agencies there are, whether a folder is sound, and what a feed would bring."""

import itertools
import json
from pathlib import Path
from typing import Annotated

import typer

from connectors.agency import Agency, load_agency
from connectors.cases import plain_row, run_cases
from connectors.errors import RecordRejected
from connectors.fetch import fetch
from jobs.scheduler import all_agencies
from registry.errors import NotFound

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def register(app: typer.Typer) -> None:
    """Add the command with its three sub-commands."""
    group = typer.Typer(help="List agencies, check an agency's folder, try a feed.", no_args_is_help=True)
    group.command("list")(list_agencies)
    group.command("check")(check)
    group.command("try")(try_feed)
    app.add_typer(group, name="agencies")


def list_agencies(as_json: AsJson = False) -> None:
    """List the agencies that the register pulls from."""
    agencies = all_agencies()
    if as_json:
        rows = [
            {
                "id": agency.id,
                "names": agency.names.model_dump(),
                "lanes": agency.lanes,
                "schedule": agency.schedule,
                "address": agency.address,
                "folder": str(agency.folder),
            }
            for agency in agencies.values()
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for agency in agencies.values():
        typer.echo(f"{agency.id}  {agency.names.zh} / {agency.names.en}")
        typer.echo(f"    {', '.join(agency.lanes)}; {agency.schedule}; {agency.address}; {agency.folder}")


def check(folder: Annotated[Path, typer.Argument(help="An agency's folder: agency.yml, cases.yml, payloads.")]) -> None:
    """Check an agency's folder: read its agency.yml and run its cases. Nothing is fetched."""
    agency = load_agency(folder.absolute())
    outcomes = list(run_cases(agency))
    for outcome in outcomes:
        typer.echo(f"{'ok  ' if not outcome.problems else 'FAIL'}  {outcome.case}")
        for problem in outcome.problems:
            typer.echo(f"      {problem}")
    wrong = sum(bool(outcome.problems) for outcome in outcomes)
    typer.echo(f"{agency.id}: agency.yml is sound; {len(outcomes) - wrong} of {len(outcomes)} cases hold.")
    if not outcomes:
        typer.echo("There is no case: write cases.yml with a payload of the agency (docs/connectors.md).")
    if wrong:
        raise typer.Exit(1)


def try_feed(
    name: Annotated[str, typer.Argument(metavar="AGENCY", help="An agency's id, or its folder.")],
    show: Annotated[int, typer.Option("--show", min=0, help="How many records to show.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Fetch one page of an agency and show what would be stored. Stores nothing."""
    agency = _find(name)
    page = next(iter(fetch(agency)), None)
    rows, rejected = [], []
    for position, entry in enumerate(page.entries if page else []):
        try:
            rows.append(plain_row(agency.interpreter(entry, page.raws[position] if page else b"")))
        except RecordRejected as error:
            rejected.append(str(error))
    rejected = [f"{one.field_name}: {one.reason}" for one in (page.rejected if page else [])] + rejected
    found = {
        "agency": agency.id,
        "page": page.label if page else "",
        "received": len(page.entries) + len(page.rejected) if page else 0,
        "claimed_total": page.claimed_total if page else None,
        "readable": len(rows),
        "rejected": len(rejected),
        "notes": page.notes if page else [],
    }
    if as_json:
        typer.echo(json.dumps({**found, "rejections": rejected, "rows": rows[:show]}, ensure_ascii=False, indent=1))
        return
    for label, value in found.items():
        typer.echo(f"{label:14} {'; '.join(value) if isinstance(value, list) else value}")
    for reason in itertools.islice(rejected, show):
        typer.echo(f"rejected       {reason}")
    for row in rows[:show]:
        typer.echo("")
        for field, value in row.items():
            typer.echo(f"  {field:16} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
    typer.echo("\nNothing was stored.")


def _find(name: str) -> Agency:
    agencies = all_agencies()
    if name in agencies:
        return agencies[name]
    if Path(name).is_dir():
        return load_agency(Path(name).absolute())
    raise NotFound(
        f"No agency is called {name}; there are {', '.join(agencies)}.",
        remedy="Give one of these, or the folder of another.",
    )
