"""`threegates publications`: what is public, and the proof that nobody changed it."""

import asyncio
from pathlib import Path
from typing import Annotated

import orjson
import typer
from pydantic import TypeAdapter, ValidationError

from registry.database import engine, transaction
from registry.errors import BadFile, Conflict
from registry.publishing.chain import Link, Verified, problems_of, verify
from registry.publishing.publication_list import PublicationFilter, PublicationPage, list_publications


def register(app: typer.Typer) -> None:
    """Add the commands."""
    publications = typer.Typer(help="What the register publishes.", no_args_is_help=True)
    app.add_typer(publications, name="publications")

    @publications.command("list")
    def show(
        state: Annotated[str | None, typer.Option("--state", help="displayed, published or withdrawn.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    ) -> None:
        """List the register's own publications, newest first."""
        page = asyncio.run(_list(PublicationFilter(origin="register", state=state)))
        if as_json:
            typer.echo(page.model_dump_json(indent=1))
            return
        typer.echo(f"{page.total} 项公布 publications")
        for one in page.items:
            typer.echo(f"{one.reference}  {one.state:<10} {one.on_date}  {one.title_zh or one.withdrawn_reason}")

    @publications.command("verify")
    def prove(
        file: Annotated[
            Path | None,
            typer.Option(
                "--file", help="Verify a chain that somebody downloaded instead (/api/v1/publications/chain)."
            ),
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Recompute the chain of everything that became public; exit 1 where something was changed."""
        done = _of_file(file) if file else asyncio.run(_verify())
        if as_json:
            said = {name: getattr(done, name) for name in ("links", "contents", "withdrawn", "problems")}
            typer.echo(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode())
        else:
            typer.echo(
                f"{done.links} 环 links, {done.contents} 份内容 contents, {done.withdrawn} 次撤回 withdrawals: "
                + ("完好 intact" if not done.problems else "被改动 changed")
            )
            for problem in done.problems:
                typer.echo(f"  {problem}")
        if done.problems:
            raise Conflict(
                "What was published does not verify.",
                where="publications",
                remedy="Compare with a backup and with a chain that somebody else downloaded.",
            )


async def _list(wanted: PublicationFilter) -> PublicationPage:
    try:
        async with transaction() as session:
            return await list_publications(session, wanted, limit=1000)
    finally:
        await engine().dispose()


async def _verify() -> Verified:
    try:
        async with transaction() as session:
            return await verify(session)
    finally:
        await engine().dispose()


def _of_file(file: Path) -> Verified:
    """A chain by itself: its links follow from one another; of contents a file tells nothing."""
    try:
        links = TypeAdapter(list[Link]).validate_python(orjson.loads(file.read_bytes())["items"])
    except (OSError, KeyError, TypeError, ValueError, ValidationError) as error:
        raise BadFile(
            "This is no chain of publications.", where=str(file), remedy="Save /api/v1/publications/chain as it is."
        ) from error
    return Verified(links=len(links), problems=[f"link {number}" for number in problems_of(links)])
