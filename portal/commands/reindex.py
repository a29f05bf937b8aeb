"""`threegates reindex`: build the search indices anew beside those in use, and swap."""

import asyncio
import time
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from registry.database import engine
from search.client import servers
from search.reindex import Progress as Report
from search.reindex import Rebuilt
from search.reindex import reindex as rebuild


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def reindex(
        accept_fewer: Annotated[
            bool, typer.Option("--accept-fewer", help="Swap even when the new indices hold much less than the old.")
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of progress.")] = False,
    ) -> None:
        """Build all search indices from the register, compare them with it, and swap; searches go on meanwhile.

        Nothing is swapped when the new indices disagree with the register: those in use stay, exit 1. An interrupted
        run leaves nothing in use; the next one removes what it left.
        """
        console = Console(stderr=True, quiet=as_json)
        started = time.monotonic()
        with Progress(
            SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, disable=as_json
        ) as progress:
            rebuilt = asyncio.run(_run(_told(progress, progress.add_task("准备 · preparing")), accept_fewer))
        seconds = time.monotonic() - started
        if as_json:
            said = {
                "documents": rebuilt.documents,
                "rounds": rebuilt.rounds,
                "caught_up": rebuilt.caught_up,
                "marked": rebuilt.marked,
                "dropped": rebuilt.dropped,
                "seconds": round(seconds, 3),
            }
            typer.echo(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode())
            return
        for target, count in rebuilt.documents.items():
            typer.echo(f"{target}: {count:,}")
        typer.echo(f"已切换 · Swapped ({seconds:.1f} s)")
        if rebuilt.marked:
            typer.echo(f"{rebuilt.marked:,} documents changed at the moment of the swap: the worker writes them now.")


def _told(progress: Progress, task: TaskID) -> Report:
    def tell(phase: str, done: int, expected: int) -> None:
        words = {
            "copy": f"写入 · writing {done:,}",
            "compare": f"比对 · comparing, round {done}: {expected:,} differ",
            "swap": "切换 · swapping",
        }
        progress.update(task, description=words[phase])

    return tell


async def _run(report: Report, accept_fewer: bool) -> Rebuilt:
    try:
        return await rebuild(servers(), progress=report, accept_fewer=accept_fewer)
    finally:
        await engine().dispose()
