"""`threegates users`: accounts from the command line, above all the first administrator's."""

from datetime import date
from typing import Annotated, Any

import orjson
import typer
from sqlmodel.ext.asyncio.session import AsyncSession

from portal.commands._operating import AsJson, operator, run, tell
from registry import clock
from registry.account_writing import NewAccount, create_account, end_account, reset_account
from registry.errors import BadInput, NotFound
from registry.granting import Grant, grant_role, revoke_grant
from registry.organising import NewOrganisation, create_organisation
from registry.reading import first, rows
from registry.roles import ROLES
from registry.viewers import NATION

Reason = Annotated[str, typer.Option(help="Why: it stands in the audit.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    users = typer.Typer(help="Accounts of people and their roles.", no_args_is_help=True)
    app.add_typer(users, name="users")
    users.command("create")(create)
    users.command("list")(list_users)
    users.command("grant")(grant)
    users.command("revoke")(revoke)
    users.command("end")(end)
    users.command("reset-password")(reset_password)


def create(
    login: Annotated[str, typer.Option(prompt="Login", help="3 to 40 small letters, digits, dots, hyphens.")],
    name: Annotated[str, typer.Option(prompt="Name", help="The person's name.")],
    organisation: Annotated[str, typer.Option(prompt="Organisation (short name)", help="Made where there is none.")],
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")] = "administrator",
    organisation_name: Annotated[str, typer.Option(help="Name of an organisation that is made.")] = "",
    region: Annotated[str, typer.Option(help="Region of an organisation that is made; 000000 is the nation.")] = NATION,
    as_json: AsJson = False,
) -> None:
    """Make an account with a role and print its one-time password; the first administrator is made like this."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        found = await first(session, "SELECT 1 AS one FROM organisations WHERE id = :id", id=organisation)
        if found is None:
            new = NewOrganisation(organisation, "agency", organisation_name or organisation, "", region)
            await create_organisation(session, operator("accounts"), new, clock.now())
        account, password = await create_account(
            session, operator("accounts"), NewAccount(login, name, organisation), clock.now()
        )
        given = Grant(account, role, clock.today(), None, "made on the command line")
        await grant_role(session, operator("accounts"), given, clock.now())
        return {"login": login, "role": role, "organisation": organisation, "one_time_password": password}

    tell(run(work), as_json=as_json)


def list_users(as_json: AsJson = False) -> None:
    """All accounts with the roles they hold today."""

    async def work(session: AsyncSession) -> list[dict[str, Any]]:
        return await rows(
            session,
            "SELECT a.login, a.name, a.organisation_id AS organisation, a.region, a.state, "
            "array(SELECT g.role FROM role_grants AS g WHERE g.account_id = a.id AND g.revoked_at IS NULL "
            "AND g.held_from <= :today AND coalesce(g.held_to, 'infinity') >= :today ORDER BY g.role) AS roles "
            "FROM accounts AS a ORDER BY a.login",
            today=clock.today(),
        )

    found = run(work)
    if as_json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    for one in [] if as_json else found:
        typer.echo(f"{one['login']}  {one['name']}  {one['organisation']}  {one['state']}  {', '.join(one['roles'])}")


def grant(
    login: str,
    role: str,
    reason: Reason = "granted on the command line",
    until: Annotated[str, typer.Option(help="The last day, like 2027-01-31; without it no end.")] = "",
    as_json: AsJson = False,
) -> None:
    """Grant a role from today on."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        given = Grant(await _account(session, login), role, clock.today(), _day(until), reason)
        return {"grant": await grant_role(session, operator("accounts"), given, clock.now())}

    tell(run(work), as_json=as_json)


def revoke(login: str, role: str, reason: Reason = "revoked on the command line", as_json: AsJson = False) -> None:
    """Take a role away."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        held = await rows(
            session,
            "SELECT id FROM role_grants WHERE account_id = :id AND role = :role AND revoked_at IS NULL",
            id=await _account(session, login),
            role=role,
        )
        if not held:
            raise NotFound("There is no such grant.")
        for one in held:
            await revoke_grant(session, operator("accounts"), one["id"], reason, clock.now())
        return {"revoked": len(held)}

    tell(run(work), as_json=as_json)


def end(
    login: str,
    reason: Annotated[str, typer.Option(prompt="Reason", help="Why: it stands in the audit.")],
    successor: Annotated[str, typer.Option(help="Login of who takes over what is open.")] = "",
    as_json: AsJson = False,
) -> None:
    """End an account and hand over what is open."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        taker = await _account(session, successor) if successor else None
        leaving = await _account(session, login)
        return {"handed_over": await end_account(session, operator("accounts"), leaving, taker, reason, clock.now())}

    tell(run(work), as_json=as_json)


def reset_password(login: str, reason: Reason = "reset on the command line", as_json: AsJson = False) -> None:
    """Print a one-time password in place of password, one-time code and recovery codes."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        account = await _account(session, login)
        return {
            "login": login,
            "one_time_password": await reset_account(session, operator("accounts"), account, reason, clock.now()),
        }

    tell(run(work), as_json=as_json)


async def _account(session: AsyncSession, login: str) -> int:
    found = await first(session, "SELECT id FROM accounts WHERE login = :login", login=login)
    if found is None:
        raise NotFound("There is no such account.", where=login)
    return int(found["id"])


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput("This is not a date.", where="--until", remedy="Write it like 2014-06-01.") from None
