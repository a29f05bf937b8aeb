"""`threegates obligations`: what agencies owe where an elimination deadline passed undone."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from registry import clock
from registry.database import engine, transaction
from registry.errors import BadInput
from registry.law.measures import measures
from registry.obligation_list import STATES, ObligationFilter, ObligationPage, list_obligations
from registry.obligations import settle_obligations

WORDS = {"open": "待办 open", "late": "逾期 late", "done": "已办结 done", "lapsed": "已终止 lapsed"}


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(name="obligations")
    def show(
        state: Annotated[str | None, typer.Option("--state", help="open, late, done or lapsed.")] = None,
        measure: Annotated[str | None, typer.Option("--measure", help="A measure by its id.")] = None,
        owner: Annotated[str | None, typer.Option("--owner", help="An agency by its id, such as mee.")] = None,
        province: Annotated[str | None, typer.Option("--province", help="The two digits of a province.")] = None,
        settle: Annotated[
            bool, typer.Option("--settle", help="First bring them up to date, as the hourly job does.")
        ] = False,
        limit: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 200,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    ) -> None:
        """List the measures of Guofa [2010] 7, 4(3) with their owners and states, longest due first."""
        for name, value, allowed in (("state", state, STATES), ("measure", measure, tuple(measures().by_id()))):
            if value is not None and value not in allowed:
                raise BadInput(
                    f"There is no {name} “{value}”.", where=f"--{name}", remedy=f"One of {', '.join(allowed)}."
                )
        page = asyncio.run(_ask(ObligationFilter(state, measure, owner, province), limit, settle=settle))
        if as_json:
            typer.echo(page.model_dump_json(indent=1))
        else:
            _say(page, Console())


async def _ask(wanted: ObligationFilter, limit: int, *, settle: bool) -> ObligationPage:
    try:
        async with transaction() as session:
            if settle:
                await settle_obligations(session, clock.today(), clock.now())
            return await list_obligations(session, wanted, limit=limit)
    finally:
        await engine().dispose()


def _say(page: ObligationPage, console: Console) -> None:
    console.print(f"{page.total:,} 项措施 obligations")
    table = Table("企业 enterprise", "措施 measure", "责任机关 owner", "应办结 due", "状态 state", show_edge=False)
    for one in page.items:
        table.add_row(
            one.enterprise_name or str(one.enterprise_id),
            f"{one.measure_zh} {one.measure}",
            one.owner_zh or one.owner,
            one.due.isoformat(),
            WORDS[one.state],
        )
    if table.row_count:
        console.print(table)
    if page.next_cursor:
        console.print("其余 the rest: --limit")
