"""`threegates verify`: does the search index agree with the register, and what differs."""

import asyncio
import time
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from registry.database import engine
from search.client import servers
from search.verify import Compared
from search.verify import repair as mend
from search.verify import verify as compare


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def verify(
        repair: Annotated[
            bool, typer.Option("--repair", help="Mark what differs, so that the worker writes it again.")
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
    ) -> None:
        """Compare every document of the search index with the register, by digest; exit 1 when something differs.

        What awaits linking, judging or indexing is counted as waiting, not as differing.
        """
        started = time.monotonic()
        compared, repaired = asyncio.run(_run(repair=repair))
        seconds = time.monotonic() - started
        agrees = all(one.agrees for one in compared)
        if as_json:
            said = {
                "agrees": agrees,
                "waiting": sum(len(one.waiting) for one in compared),
                "repaired": repaired,
                "seconds": round(seconds, 3),
                "indices": [one.as_json() for one in compared],
            }
            typer.echo(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode())
        else:
            show(compared, repaired, seconds, Console())
        raise typer.Exit(0 if agrees else 1)


async def _run(*, repair: bool) -> tuple[list[Compared], int]:
    reached = servers()
    try:
        compared = await compare(reached)
        return compared, await mend(reached, compared) if repair else 0
    finally:
        await engine().dispose()


def show(compared: list[Compared], repaired: int, seconds: float, console: Console) -> None:
    """The table for people, and the first ids of what differs."""
    table = Table(title="登记库与检索索引 · Register and index", title_justify="left")
    table.add_column("索引 Index")
    for heading in ("登记 Registered", "索引 Indexed", "缺 Missing", "多 Extra", "异 Changed", "待 Waiting"):
        table.add_column(heading, justify="right")
    for one in compared:
        counts = (one.registered, one.indexed, *map(len, (one.missing, one.extra, one.changed, one.waiting)))
        table.add_row(one.target, *(f"{count:,}" for count in counts))
    console.print(table)
    for one in compared:
        for word, ids in (("缺 missing", one.missing), ("多 extra", one.extra), ("异 changed", one.changed)):
            if ids:
                more = f" …（共 {len(ids):,}）" if len(ids) > 10 else ""
                console.print(f"{one.target}: {word}: {', '.join(map(str, ids[:10]))}{more}")
    if all(one.agrees for one in compared):
        console.print(f"一致 · They agree ({seconds:.1f} s)")
    elif repaired:
        console.print(f"不一致，已标记 {repaired:,} 条待重新索引 · They differed; {repaired:,} documents are marked.")
    else:
        console.print("不一致 · They differ. Remedy: `threegates verify --repair`, or `threegates reindex`.")
