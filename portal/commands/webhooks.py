"""`threegates webhooks`: list, add, test, renew, pause, enable and remove the addresses that are told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Table
from sqlmodel.ext.asyncio.session import AsyncSession

from jobs.requesting import ping
from registry import clock
from registry.alerting.webhooks import NewWebhook, add_webhook, renew_secret, set_state, webhook_of, webhooks
from registry.alerting.wording import problem_words
from registry.auditing import audit
from registry.database import engine, transaction
from registry.viewers import NATION, Viewer

OPERATOR: Final = Viewer("person", actor="operator", region=NATION, permissions=frozenset({"accounts"}))

Number = Annotated[int, typer.Argument(help="The webhook's number, as `webhooks list` shows it.")]
Result = TypeVar("Result")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Addresses of organisations that are told by signed requests.", no_args_is_help=True)
    app.add_typer(group, name="webhooks")

    @group.command("list")
    def show(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False) -> None:
        """Show every webhook, its state and what waits for it."""
        found = _run(webhooks)
        if as_json:
            typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
            return
        table = Table()
        for heading in ("", "单位 Organisation", "名称 Name", "状态 State", "问题 Problem", "待发 Waiting"):
            table.add_column(heading)
        for one in found:
            problem = problem_words(one["problem"], "en") if one["problem"] else ""
            table.add_row(
                str(one["id"]), one["organisation_id"], one["name"], one["state"], problem, str(one["waiting"])
            )
        Console().print(table)

    @group.command("add")
    def add(
        organisation: Annotated[str, typer.Argument(help="The organisation's short name.")],
        name: Annotated[str, typer.Argument(help="What the receiver is called.")],
        url: Annotated[str, typer.Argument(help="Where it listens: https://…")],
        kind: Annotated[list[str] | None, typer.Option(help="A kind of event (alert.opened); default: all.")] = None,
    ) -> None:
        """Add a webhook and print its secret, this once."""
        new = NewWebhook(organisation, name, url, tuple(kind or ()))
        number, secret = _run(lambda session: add_webhook(session, OPERATOR, new, clock.now()))
        typer.echo(f"{number} {secret}")

    @group.command("renew")
    def renew(webhook: Number) -> None:
        """Print a new secret, this once; the old one signs beside it for a week."""
        typer.echo(_run(lambda session: renew_secret(session, OPERATOR, webhook, clock.now())))

    @group.command("test")
    def test(webhook: Number) -> None:
        """Send a test; exit 1 where it is not taken."""

        async def work(session: AsyncSession) -> bool:
            found = await webhook_of(session, OPERATOR, webhook)
            outcome = await ping(found, clock.now())
            after = {"outcome": outcome.problem or "sent", "code": outcome.code}
            await audit(session, OPERATOR, "webhook.try", "webhook", str(webhook), after=after)
            said = problem_words(outcome.problem, "en") if outcome.problem else "taken"
            typer.echo(f"{said} ({outcome.code})" if outcome.code else said)
            return not outcome.problem

        raise typer.Exit(0 if _run(work) else 1)

    for act, state, told in (
        ("enable", "active", "Send to it again."),
        ("pause", "paused", "Send nothing to it until it is enabled."),
        ("remove", "removed", "Forget it; what waits for it is dropped."),
    ):
        group.command(act, help=told)(_setter(state))


def _setter(state: str) -> Callable[[int], None]:
    def set_it(webhook: Number) -> None:
        _run(lambda session: set_state(session, OPERATOR, webhook, state, clock.now()))

    return set_it


def _run(work: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
    async def once() -> Result:
        try:
            async with transaction() as session:
                return await work(session)
        finally:
            await engine().dispose()

    return asyncio.run(once())
