"""Chaining what the audit holds, after commit: entries without a seal get one, batch by batch.

No writer waits for another: the order is made here, by one sealer at a time. What counts as new is the absence of a
seal, so that an entry whose transaction committed late is sealed late and never skipped.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.audit_digests import CANONICAL_COLUMNS, INSTANT, NO_BATCH, batch_digest, entry_digest
from registry.database import driver, json_text

ENTRIES_A_BATCH: Final = 10_000
# Ids this far below the newest sealed one are looked at each minute; the hourly look goes through all of them.
LOOK_BACK: Final = 100_000

_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtext('threegates audit chain'))"
_NEWEST: Final = "SELECT number, digest FROM audit_batches ORDER BY number DESC LIMIT 1"
_FLOOR: Final = "SELECT coalesce(max(entry_id), 0) - $1::bigint FROM audit_seals"
_UNSEALED: Final = f"""
    SELECT {CANONICAL_COLUMNS} FROM audit_entries AS e
    WHERE e.id > $1 AND NOT EXISTS (SELECT FROM audit_seals AS s WHERE s.entry_id = e.id)
    ORDER BY e.id LIMIT $2
"""
_SEAL: Final = """
    INSERT INTO audit_seals (entry_id, batch, place, digest)
    SELECT entry_id, $3, place, digest
    FROM unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY AS one (entry_id, digest, place)
"""


@dataclass(frozen=True, slots=True)
class Sealed:
    """One batch that was added."""

    number: int
    entries: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Newest:
    """The end of the chain, and how many entries it holds."""

    number: int
    digest: bytes
    entries: int


async def seal_batch(
    session: AsyncSession, at: datetime, *, everything: bool = False, limit: int = ENTRIES_A_BATCH
) -> Sealed | None:
    """Seal the oldest entries that have no seal; None where there are none, or where another sealer is at it."""
    connection = await driver(session)
    if not await connection.fetchval(_LOCK):
        return None
    # Everything is every id, negative ones included: nothing forbids them.
    floor = -(2**63) if everything else await connection.fetchval(_FLOOR, LOOK_BACK)
    found = await connection.fetch(_UNSEALED, floor, limit)
    if not found:
        return None
    newest = await connection.fetchrow(_NEWEST)
    number, previous = (newest["number"] + 1, newest["digest"]) if newest else (1, NO_BATCH)
    digests = [entry_digest(tuple(row)) for row in found]
    # The instant goes into the digest as PostgreSQL keeps it.
    sealed_at = await connection.fetchval(f"SELECT {INSTANT.format('$1::timestamptz')}", at)
    digest = batch_digest(previous, number, sealed_at, digests)
    await connection.execute(
        "INSERT INTO audit_batches (number, sealed_at, entries, previous, digest) VALUES ($1, $2, $3, $4, $5)",
        number,
        at,
        len(found),
        previous,
        digest,
    )
    # Not COPY: it is refused where row-level security holds the owner too.
    await connection.execute(_SEAL, [int(row["id"]) for row in found], digests, number)
    return Sealed(number, len(found), digest)


async def newest_batch(session: AsyncSession) -> Newest | None:
    """The end of the chain; None before anything was sealed."""
    connection = await driver(session)
    row = await connection.fetchrow(_NEWEST)
    if row is None:
        return None
    entries = await connection.fetchval("SELECT sum(entries)::bigint FROM audit_batches")
    return Newest(row["number"], row["digest"], entries)


async def note(session: AsyncSession, name: str, value: dict[str, Any]) -> None:
    """Keep when it was anchored or verified last, for the page of the auditors; proof is in the anchors alone."""
    await (await session.connection()).execute(
        text(
            "INSERT INTO register_facts (name, value) VALUES (:name, CAST(CAST(:value AS text) AS jsonb)) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        ),
        {"name": name, "value": json_text(value)},
    )
