"""`threegates review`: what awaits reviewers, and their decisions as a labelled set for training."""

from pathlib import Path
from typing import Annotated

import orjson
import typer
from sqlmodel.ext.asyncio.session import AsyncSession

from portal.commands._operating import AsJson, run
from registry.errors import BadInput
from registry.reading import rows
from registry.review_export import Exported, export_decisions


def register(app: typer.Typer) -> None:
    """Add the commands."""
    review = typer.Typer(help="Records that await a person, and what people decided.", no_args_is_help=True)
    app.add_typer(review, name="review")
    review.command("list")(list_waiting)
    review.command("export")(export)


def list_waiting(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many to show.")] = 20, as_json: AsJson = False
) -> None:
    """How many records await a person, and the likeliest of them; credit records without names."""

    async def work(session: AsyncSession) -> list[dict[str, object]]:
        return await rows(
            session,
            """
            SELECT i.record_id, r.feed, r.act, r.acted_on, r.region, i.cause, i.best_score, i.candidates,
                   count(*) OVER () AS total
            FROM review_items AS i JOIN records AS r ON r.record_id = i.record_id AND r.known_to = 'infinity'
            WHERE i.known_to = 'infinity' ORDER BY i.best_score DESC, i.record_id LIMIT :limit
            """,
            limit=limit,
        )

    found = run(work)
    total = found[0]["total"] if found else 0
    if as_json:
        items = [{name: value for name, value in row.items() if name != "total"} for row in found]
        typer.echo(orjson.dumps({"total": total, "items": items}).decode())
        return
    typer.echo(f"{total} records await a person.")
    for row in found:
        typer.echo(
            f"{row['record_id']:>10}  {row['best_score']:.3f}  {row['candidates']:>2} candidates  "
            f"{row['acted_on']}  {row['act']}  {row['region'] or '-'}  {row['feed']}  {row['cause']}"
        )


def export(
    folder: Annotated[
        Path, typer.Argument(help="A folder for projects.csv, records.csv and truth.csv; made if absent.")
    ],
    credit: Annotated[bool, typer.Option("--credit", help="With credit records, which are confidential.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the decisions in force as a labelled linkage set, as `threegates link-bench` reads it."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} is not an empty folder.", remedy="Name a folder that is empty or not there yet.")
    folder.mkdir(parents=True, exist_ok=True)

    async def work(session: AsyncSession) -> Exported:
        return await export_decisions(session, folder, credit=credit)

    done = run(work)
    if as_json:
        typer.echo(orjson.dumps({"projects": done.projects, "records": done.records, "truth": done.truth}).decode())
    else:
        typer.echo(f"{done.records} decided records and {done.projects} projects written to {folder}.")
