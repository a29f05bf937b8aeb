"""`threegates backtest`: what a drafted rule or value of the law would change in the findings, over all history."""

import asyncio
import json
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from registry.backtesting import WHATS, Difference, backtest, drafted
from registry.clock import today
from registry.database import engine, transaction
from registry.errors import BadInput
from registry.law_in_force import catalogue_in_force
from registry.reading_yaml import Document, read_document

SHOWN: Final = 100
WORDS: Final = {"more": "增加 more", "fewer": "减少 fewer", "other": "改变 other"}


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(name="backtest")
    def try_draft(
        values: Annotated[
            Path | None, typer.Option("--values", help="Drafted values of the law (YAML): parameter, day, value.")
        ] = None,
        rules: Annotated[
            Path | None, typer.Option("--rules", help="A folder of drafted rules, each a folder as in registry/rules.")
        ] = None,
        as_of: Annotated[
            datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The day judged; today unless given.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    ) -> None:
        """Judge the whole register by the law in force and by a draft, and show which findings would differ.

        Nothing is written: a value is put in force on the page /rules/drafts, by two people.
        """
        if values is None and rules is None:
            raise BadInput("There is no draft to try.", remedy="Name --values FILE or --rules FOLDER.")
        if rules is not None and not any(rules.glob("*/rule.yml")):
            raise BadInput(
                "There is no rule in this folder.", where=str(rules), remedy="It holds ID/rule.yml, ID/rule.sql."
            )
        document = None if values is None else read_document(values)
        found = asyncio.run(_try(document, rules, as_of.date() if as_of else today()))
        if as_json:
            typer.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=1))
        else:
            _say(found, Console())


async def _try(values: Document | None, rules: Path | None, as_of: date) -> Difference:
    try:
        async with transaction() as session:
            current = await catalogue_in_force(session)
            return await backtest(session, current, drafted(current, values, rules), as_of)
    finally:
        await engine().dispose()


def _say(found: Difference, console: Console) -> None:
    totals = Counter(one.what for one in found.changes)
    console.print(
        f"截至 as of {found.as_of}: {found.before:,} → {found.after:,} 条 findings; "
        + ", ".join(f"{WORDS[what]} {totals[what]:,}" for what in WHATS)
    )
    console.print(f"涉及的规则 rules touched: {', '.join(found.rules) or '无 none'}")
    for by, heading in (("rule", "规则 rule"), ("province", "省份 province"), ("sector", "行业 sector")):
        table = Table(heading, *(WORDS[what] for what in WHATS), show_edge=False)
        for key, counts in found.counts(by).items():
            table.add_row(key or "不明 unknown", *(f"{counts[what]:,}" for what in WHATS))
        if table.row_count:
            console.print(table)
    listed = Table("改变 change", "规则 rule", "对象 subject", "行为日 day", "原 before", "拟 after", show_edge=False)
    for one in found.changes[:SHOWN]:
        listed.add_row(
            WORDS[one.what], one.rule, one.subject, one.acted_on, ", ".join(one.before), ", ".join(one.after)
        )
    if listed.row_count:
        console.print(listed)
    if len(found.changes) > SHOWN:
        console.print(f"只列前 the first {SHOWN}; 全部见 all with --json")
