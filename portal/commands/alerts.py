"""`threegates alerts`: which desk has how many, and what cannot be told; and what a mail server says came back."""

import os
import sys
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table
from sqlmodel.ext.asyncio.session import AsyncSession

from portal.commands._operating import AsJson, run
from registry import clock
from registry.alerting.bounces import LARGEST, Returned, read_notice, take_notice
from registry.alerting.health import Health, alert_health
from registry.alerting.wording import problem_words
from registry.errors import BadInput, Unavailable


def register(app: typer.Typer) -> None:
    """Add the commands."""

    group = typer.Typer(invoke_without_command=True)
    app.add_typer(group, name="alerts")

    @group.callback()
    def alerts(context: typer.Context, as_json: AsJson = False) -> None:
        """Show how many alerts each desk has, and what has no desk or cannot be sent; exit 1 if someone must look."""
        if context.invoked_subcommand is not None:
            return
        found = run(lambda session: alert_health(session, clock.now()))
        if as_json:
            typer.echo(orjson.dumps(found.as_json(), option=orjson.OPT_INDENT_2).decode())
        else:
            show(found, Console())
        raise typer.Exit(1 if found.problems else 0)

    @group.command("bounce")
    def bounce(
        recipient: Annotated[
            str, typer.Option(help="The address that the notice came to, where the mail server names it.")
        ] = "",
    ) -> None:
        """Take one notice of returned mail (RFC 3464) from standard input, as a mail server pipes it.

        Exit 0: noted, or nothing to note; 65: this is no such notice, or of no mail of ours; 75: try again later.
        """
        raw = sys.stdin.buffer.read(LARGEST + 1)
        try:
            done = run(lambda session: _take(session, raw, recipient))
        except BadInput as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(os.EX_DATAERR) from None
        except Unavailable as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(os.EX_TEMPFAIL) from None
        noted = "已停发 · nothing more is sent there" if done.stopped else "已记录 · noted"
        typer.echo(noted if done.noted else "无须处理 · nothing to note")


async def _take(session: AsyncSession, raw: bytes, recipient: str) -> Returned:
    return await take_notice(session, read_notice(raw, recipient), clock.now())


def show(found: Health, console: Console) -> None:
    """The table for people, and below it what has to be looked at."""
    desks = Table(title="警报 · Alerts", title_justify="left")
    desks.add_column("机关 Desk")
    for heading in ("待签收 Open", "已签收 Acknowledged", "已立案 In a case"):
        desks.add_column(heading, justify="right")
    for desk in found.desks:
        name = f"{desk['name_zh']}\n{desk['organisation_id']}" if desk["organisation_id"] else "没有主管机关 · no desk"
        desks.add_row(name, *(f"{desk[state]:,}" for state in ("open", "acknowledged", "in_case")))
    console.print(desks)
    for line in lines(found):
        console.print(line, style="bold yellow", highlight=False, soft_wrap=True)


def lines(found: Health) -> list[str]:
    """What somebody has to look at, in both languages."""
    said = []
    if found.unrouted:
        said.append(f"{found.unrouted} 条警报没有主管机关 · {found.unrouted} alerts have no desk: add an office")
    if found.unmanned:
        names = ", ".join(found.unmanned)
        said.append(f"无人可签收 · nobody there may acknowledge: {names}")
    for hook in found.failing_webhooks:
        why = f"{problem_words(hook['problem'], 'zh')} · {problem_words(hook['problem'], 'en')}"
        said.append(f"推送 {hook['id']}（{hook['name']}）{hook['state']}: {why}")
    if found.bouncing:
        said.append(f"{found.bouncing} 人的邮件被退回 · mail to {found.bouncing} people comes back")
    if found.late:
        said.append(f"{found.late} 条通知逾时未发 · {found.late} deliveries are late: look at the workers")
    if found.given_up:
        said.append(f"一周内放弃 {found.given_up} 条通知 · {found.given_up} deliveries were given up within a week")
    return said
