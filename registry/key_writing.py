"""Keys of the programming interface: made with scopes, an end and a rate, shown once, rotated, revoked."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.auditing import audit
from registry.errors import BadInput, Conflict, NotFound
from registry.reading import Row, first, rows
from registry.roles import SCOPES
from registry.viewers import Viewer

LONGEST: Final = timedelta(days=366)
MOST_A_MINUTE: Final = 6000
# How long the old secret of a rotated key still holds, so that programs can change over.
OVERLAP: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key may do, for which organisation, until when, and how often a minute."""

    name: str
    organisation_id: str
    scopes: tuple[str, ...]
    expires_at: datetime
    rate: int = 600


async def keys(session: AsyncSession, viewer: Viewer) -> list[Row]:
    """The keys that an administrator may see, newest first, without anything secret."""
    viewer.require("accounts")
    return await rows(
        session,
        "SELECT k.id, k.name, k.scopes, k.created_at, k.created_by, k.expires_at, k.rate, k.last_used_on, "
        "k.previous_until, k.revoked_at, k.organisation_id, o.name_zh AS organisation_name FROM api_keys AS k "
        "LEFT JOIN organisations AS o ON o.id = k.organisation_id ORDER BY k.revoked_at DESC NULLS FIRST, k.id DESC",
    )


async def create_key(session: AsyncSession, viewer: Viewer, new: NewKey, now: datetime) -> str:
    """A new key, to be shown once; only its hash is kept."""
    viewer.require("accounts")
    if not 3 <= len(new.name) <= 60:
        raise BadInput("A key's name has 3 to 60 characters.", where="name")
    if not new.scopes or set(new.scopes) - set(SCOPES):
        raise BadInput("Choose at least one of the scopes.", where="scopes")
    if not now < new.expires_at <= now + LONGEST:
        raise BadInput("A key ends within a year.", where="expires")
    if not 1 <= new.rate <= MOST_A_MINUTE:
        raise BadInput("The rate is 1 to 6000 requests a minute.", where="rate")
    # Whose people the administrator runs, for them alone a key: the row of the organisation is not enough.
    if not await first(
        session, "SELECT 1 AS one FROM organisations WHERE id = :id AND ended_at IS NULL", id=new.organisation_id
    ):
        raise BadInput("There is no such organisation.", where="organisation_id")
    if await first(session, "SELECT 1 AS one FROM api_keys WHERE name = :name", name=new.name):
        raise Conflict("A key of this name exists.", where="name")
    key = new_secret()
    row = await first(
        session,
        "INSERT INTO api_keys (name, key_hash, scopes, created_at, expires_at, organisation_id, created_by, rate) "
        "VALUES (:name, :hash, CAST(:scopes AS text[]), :now, :expires, :organisation, :actor, :rate) RETURNING id",
        name=new.name,
        hash=_hash(key),
        scopes=sorted(new.scopes),
        now=now,
        expires=new.expires_at,
        organisation=new.organisation_id,
        actor=viewer.actor,
        rate=new.rate,
    )
    assert row is not None  # noqa: S101  # RETURNING gives the one row
    after = {"name": new.name, "scopes": sorted(new.scopes), "expires": new.expires_at, "rate": new.rate}
    await audit(session, viewer, "key.create", "key", str(row["id"]), after=after)
    return key


def new_secret() -> str:
    """A key nobody has: 256 random bits behind a prefix by which searches for leaked keys know ours."""
    return f"tg_{secrets.token_urlsafe(32)}"


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


async def rotate_key(
    session: AsyncSession, viewer: Viewer, key_id: int, now: datetime, overlap: timedelta = OVERLAP
) -> str:
    """A new secret for a key, to be shown once; the old one holds for `overlap`, or no longer where that is nothing."""
    viewer.require("accounts")
    if not timedelta() <= overlap <= timedelta(days=30):
        raise BadInput("The old key holds for at most 30 days more.", where="overlap")
    key = new_secret()
    row = await first(
        session,
        "UPDATE api_keys SET key_hash = :hash, previous_hash = CASE WHEN :until > :now THEN key_hash END, "
        "previous_until = CASE WHEN :until > :now THEN CAST(:until AS timestamptz) END "
        "WHERE id = :id AND revoked_at IS NULL AND coalesce(expires_at, 'infinity') > :now RETURNING name",
        hash=_hash(key),
        now=now,
        until=now + overlap,
        id=key_id,
    )
    if row is None:
        raise NotFound("There is no such key.")
    after = {"name": row["name"], "old_key_holds_until": now + overlap}
    await audit(session, viewer, "key.rotate", "key", str(key_id), after=after)
    return key


async def revoke_key(session: AsyncSession, viewer: Viewer, key_id: int, now: datetime) -> None:
    """End a key now."""
    viewer.require("accounts")
    found = await (await session.connection()).execute(
        text("UPDATE api_keys SET revoked_at = :now, revoked_by = :actor WHERE id = :id AND revoked_at IS NULL"),
        {"now": now, "actor": viewer.actor, "id": key_id},
    )
    if found.rowcount != 1:
        raise NotFound("There is no such key.")
    await audit(session, viewer, "key.revoke", "key", str(key_id))
