"""Roles over time: granted and taken by administrators, never to themselves; delegated to a colleague until a day."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.auditing import audit
from registry.clock import civil_day
from registry.errors import BadInput, Conflict, NotAllowed, NotFound
from registry.reading import Row, first, rows
from registry.roles import ROLES, Role
from registry.viewers import NATION, RECOGNISING, Viewer, become

LONGEST_DELEGATION: Final = timedelta(days=90)
# Who runs the accounts is not who reads what was done with them.
_APART: Final = frozenset({"administrator", "auditor"})


@dataclass(frozen=True, slots=True)
class Grant:
    """A role for a person from a day on, to a day included or open, and why."""

    account_id: int
    role: str
    held_from: date
    held_to: date | None
    reason: str


async def grants_of(session: AsyncSession, account_id: int) -> list[Row]:
    """All grants of an account, newest first."""
    return await rows(session, "SELECT * FROM role_grants WHERE account_id = :id ORDER BY id DESC", id=account_id)


async def delegations_by(session: AsyncSession, viewer: Viewer, today: date) -> list[Row]:
    """What the viewer has delegated and has not ended: id, role, colleague, held_from, held_to."""
    colleagues = {row["id"]: row["name"] for row in await colleagues_of(session, viewer)}
    found = await rows(
        session,
        "SELECT id, role, account_id, held_from, held_to FROM role_grants WHERE delegated_by = :id "
        "AND revoked_at IS NULL AND held_to >= :today ORDER BY id",
        id=viewer.account_id,
        today=today,
    )
    return [{**row, "colleague": colleagues.get(row["account_id"], "")} for row in found]


async def colleagues_of(session: AsyncSession, viewer: Viewer) -> list[Row]:
    """To whom the viewer may delegate: id and name of people of the same organisation within the viewer's region."""
    # Names of colleagues, and nothing else of their accounts: no policy shows the rows themselves.
    await become(session, RECOGNISING)
    found = await rows(
        session,
        """
        SELECT a.id, a.name FROM accounts AS a WHERE a.organisation_id = :organisation AND a.id <> :id
            AND a.state = 'active' AND (a.region = :region OR :region = :nation OR EXISTS (
                SELECT FROM region_within WHERE outer_code = :region AND inner_code = a.region))
        ORDER BY a.name, a.id
        """,
        organisation=viewer.organisation_id,
        id=viewer.account_id,
        region=viewer.region,
        nation=NATION,
    )
    await become(session, viewer)
    return found


async def grant_role(session: AsyncSession, viewer: Viewer, grant: Grant, now: datetime) -> int:
    """Grant a role to a person whom the viewer administers; returns the grant's number."""
    viewer.require("accounts")
    if grant.account_id == viewer.account_id:
        raise NotAllowed("Nobody grants a role to themselves.", remedy="Ask another administrator.")
    _check(grant)
    person = await first(
        session,
        "SELECT a.id, o.kind FROM accounts AS a JOIN organisations AS o ON o.id = a.organisation_id "
        "WHERE a.id = :id AND a.state <> 'ended'",
        id=grant.account_id,
    )
    if person is None:
        raise NotFound("There is no such account.")
    if person["kind"] == "bank" and grant.role not in ("reader", "administrator", "auditor"):
        raise BadInput("A bank's people are readers, administrators or auditors.", where="role")
    await _keep_apart(session, viewer, grant)
    return await _write(session, viewer, grant, None, now)


async def delegate_role(session: AsyncSession, viewer: Viewer, grant: Grant, now: datetime) -> int:
    """Let a colleague hold one of the viewer's own roles until a day; what was delegated goes no further."""
    _check(grant)
    today = civil_day(now)
    own = await first(
        session,
        "SELECT max(coalesce(held_to, DATE '9999-12-31')) AS until FROM role_grants WHERE account_id = :id "
        "AND role = :role AND delegated_by IS NULL AND revoked_at IS NULL AND held_from <= :today "
        "AND coalesce(held_to, 'infinity') >= :today",
        id=viewer.account_id,
        role=grant.role,
        today=today,
    )
    if own is None or own["until"] is None:
        raise NotAllowed(
            "Only a role of one's own can be delegated.", remedy="A delegated role cannot be delegated further."
        )
    if grant.held_to is None or grant.held_to < today or grant.held_to > today + LONGEST_DELEGATION:
        raise BadInput("A delegation ends within 90 days.", where="held_to")
    if grant.held_to > own["until"]:
        raise BadInput("The delegation would outlast the role.", where="held_to")
    if grant.account_id not in {row["id"] for row in await colleagues_of(session, viewer)}:
        raise BadInput("Choose a colleague of the same organisation and region.", where="colleague")
    await _keep_apart(session, viewer, grant)
    return await _write(session, viewer, grant, viewer.account_id, now)


async def revoke_grant(session: AsyncSession, viewer: Viewer, grant_id: int, why: str, now: datetime) -> None:
    """Take a role away now; whoever delegated takes back what they gave."""
    found = await first(
        session,
        "UPDATE role_grants SET revoked_at = :now, revoked_by = :actor WHERE id = :id AND revoked_at IS NULL "
        "AND (:may OR delegated_by = :own) RETURNING account_id, role",
        id=grant_id,
        now=now,
        actor=viewer.actor,
        may=viewer.may("accounts"),
        own=viewer.account_id,
    )
    if found is None:
        raise NotFound("There is no such grant.")
    before = {"role": found["role"]}
    await audit(session, viewer, "role.revoke", "account", str(found["account_id"]), why=why, before=before)


def _check(grant: Grant) -> None:
    if grant.role not in ROLES:
        raise BadInput("There is no such role.", where="role")
    if not grant.reason.strip():
        raise BadInput("A role needs a reason.", where="reason")
    if grant.held_to is not None and grant.held_to < grant.held_from:
        raise BadInput("The last day lies before the first.", where="held_to")


async def _keep_apart(session: AsyncSession, viewer: Viewer, grant: Grant) -> None:
    if grant.role not in _APART:
        return
    # The command line has no account, and sees all as the register's owner.
    if viewer.account_id is not None:
        await become(session, RECOGNISING)
    other = await first(
        session,
        "SELECT 1 AS one FROM role_grants WHERE account_id = :id AND role = ANY(:others) AND revoked_at IS NULL "
        "AND coalesce(held_to, 'infinity') >= :from",
        **{"id": grant.account_id, "others": sorted(_APART - {grant.role}), "from": grant.held_from},
    )
    if viewer.account_id is not None:
        await become(session, viewer)
    if other:
        raise Conflict("Nobody is administrator and auditor at once.", where="role")


async def _write(session: AsyncSession, viewer: Viewer, grant: Grant, giver: int | None, now: datetime) -> int:
    row = await first(
        session,
        "INSERT INTO role_grants (account_id, role, held_from, held_to, delegated_by, granted_by, reason, granted_at) "
        "VALUES (:account, :role, :from, :to, :giver, :actor, :reason, :now) RETURNING id",
        **{
            "account": grant.account_id,
            "role": grant.role,
            "from": grant.held_from,
            "to": grant.held_to,
            "giver": giver,
            "actor": viewer.actor,
            "reason": grant.reason.strip(),
            "now": now,
        },
    )
    assert row is not None  # noqa: S101  # RETURNING gives the one row
    after = {"role": grant.role, "from": grant.held_from, "to": grant.held_to}
    action = "role.grant" if giver is None else "role.delegate"
    await audit(session, viewer, action, "account", str(grant.account_id), why=grant.reason, after=after)
    return int(row["id"])


def roles_today(grants: list[Row], today: date) -> list[Role]:
    """The roles that hold today, of the rows of `grants_of`, in the order of roles."""
    held = {
        grant["role"]
        for grant in grants
        if grant["revoked_at"] is None
        and grant["held_from"] <= today
        and (grant["held_to"] is None or grant["held_to"] >= today)
    }
    return [role for role in ROLES if role in held]
