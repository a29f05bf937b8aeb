"""Whose key or sign-in a secret is, as a viewer with its permissions of the moment."""

from datetime import datetime, timedelta
from typing import Final, cast

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.clock import civil_day
from registry.errors import ThreegatesError
from registry.reading import Row, first
from registry.roles import (
    CREDIT_PERMISSIONS,
    OrganisationKind,
    Permission,
    Role,
    permissions_of,
    permissions_of_key,
)
from registry.viewers import NATION, Viewer

# Of a sign-in that is not used.
IDLE: Final = timedelta(minutes=30)

_KEY = """
SELECT k.id AS key_id, k.name, k.scopes, k.last_used_on, coalesce(o.id, '') AS organisation_id,
    coalesce(o.kind, 'agency') AS kind, coalesce(o.name_zh, '') AS organisation_name,
    coalesce(o.name_en, '') AS organisation_name_en,
    coalesce(o.region, :nation) AS region,
    CASE WHEN o.id IS NULL THEN ARRAY['credit'] ELSE o.lanes END AS lanes,
    k.revoked_at IS NULL AND coalesce(k.expires_at, 'infinity') > :now AND o.ended_at IS NULL
        AND (k.key_hash = :hash OR k.previous_until > :now) AS holds
FROM api_keys AS k LEFT JOIN organisations AS o ON o.id = k.organisation_id
WHERE k.key_hash = :hash OR k.previous_hash = :hash
"""

# Once a day: who comes second on it changes nothing.
_USED: Final = text(
    "UPDATE api_keys SET last_used_on = :today WHERE id = :id AND last_used_on IS DISTINCT FROM CAST(:today AS date)"
)

_SIGN_IN = """
SELECT s.id AS sign_in_id, a.id AS account_id, a.login, a.name, a.region, o.id AS organisation_id, o.kind,
    o.name_zh AS organisation_name, o.name_en AS organisation_name_en, o.lanes, s.method, s.purpose,
    a.must_change_password, a.totp_sealed IS NULL AS without_code,
    coalesce(array_agg(DISTINCT g.role) FILTER (WHERE g.id IS NOT NULL), '{}') AS roles,
    coalesce(array_agg(DISTINCT g.delegated_by) FILTER (WHERE g.delegated_by IS NOT NULL), '{}') AS acts_for
FROM sign_ins AS s
JOIN accounts AS a ON a.id = s.account_id AND a.state = 'active'
JOIN organisations AS o ON o.id = a.organisation_id AND o.ended_at IS NULL
LEFT JOIN role_grants AS g ON g.account_id = a.id AND g.revoked_at IS NULL
    AND g.held_from <= :today AND coalesce(g.held_to, 'infinity') >= :today
    -- What was delegated lasts no longer than the role of whoever delegated it.
    AND (g.delegated_by IS NULL OR EXISTS (
        SELECT FROM role_grants AS own JOIN accounts AS giver ON giver.id = own.account_id AND giver.state = 'active'
        WHERE own.account_id = g.delegated_by AND own.role = g.role AND own.delegated_by IS NULL
            AND own.revoked_at IS NULL AND own.held_from <= :today AND coalesce(own.held_to, 'infinity') >= :today))
WHERE s.secret_hash = :hash AND s.revoked_at IS NULL AND s.ends_at > :now AND s.seen_at > :idle
GROUP BY s.id, a.id, o.id
"""


class KeyEnded(ThreegatesError):
    """The key was revoked, replaced, or is past its last day."""

    status = 401
    title = "The key has ended"


async def viewer_of_key(session: AsyncSession, key_hash: bytes, now: datetime) -> Viewer | None:
    """The viewer of a key, and the day noted on which it was used; None for an unknown one, KeyEnded for an old one."""
    row = await first(session, _KEY, hash=key_hash, now=now, nation=NATION)
    if row is None:
        return None
    if not row["holds"]:
        raise KeyEnded("This key has ended.", remedy="Ask your administrator for a new one.")
    if row["last_used_on"] != civil_day(now):
        await (await session.connection()).execute(_USED, {"today": civil_day(now), "id": row["key_id"]})
    return Viewer(
        kind="key",
        key_id=row["key_id"],
        actor=row["name"],
        name=row["name"],
        organisation_id=row["organisation_id"],
        organisation_name=row["organisation_name"],
        organisation_name_en=row["organisation_name_en"],
        region=row["region"],
        scopes=frozenset(row["scopes"]),
        purpose=f"key {row['name']}",
        permissions=permissions_of_key(frozenset(row["scopes"]), cast("OrganisationKind", row["kind"]), _lanes(row)),
    )


async def viewer_of_sign_in(session: AsyncSession, secret_hash: bytes, now: datetime) -> Viewer | None:
    """The viewer of a sign-in that still holds, of an active account, with the roles held on this day."""
    row = await first(session, _SIGN_IN, hash=secret_hash, now=now, today=civil_day(now), idle=now - IDLE)
    if row is None:
        return None
    roles = cast("frozenset[Role]", frozenset(row["roles"]))
    if must_set_up(row["method"], roles, must_change=row["must_change_password"], without_code=row["without_code"]):
        # Signed in, but may do nothing before the password is one's own and the one-time code is set up.
        roles = frozenset()
    permissions = permissions_of(roles, cast("OrganisationKind", row["kind"]), _lanes(row))
    # Whoever reads credit says first what for, once a sign-in.
    withheld = frozenset[Permission]() if row["purpose"] else permissions & CREDIT_PERMISSIONS
    return Viewer(
        kind="person",
        account_id=row["account_id"],
        actor=row["login"],
        name=row["name"],
        organisation_id=row["organisation_id"],
        organisation_name=row["organisation_name"],
        organisation_name_en=row["organisation_name_en"],
        region=row["region"],
        permissions=permissions - withheld,
        purpose=row["purpose"],
        asks_purpose=bool(withheld),
        sign_in_id=row["sign_in_id"],
        acts_for=frozenset(row["acts_for"]),
    )


def must_set_up(method: str, roles: frozenset[Role], *, must_change: bool, without_code: bool) -> bool:
    """Whether somebody signed in by password has to set up their account first: whoever has a role needs codes."""
    return method == "password" and (must_change or (without_code and bool(roles)))


def _lanes(row: Row) -> frozenset[str]:
    return frozenset(row["lanes"])
