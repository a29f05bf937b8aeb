"""Storing one page of an agency's feed: one transaction, from the hashes to the checkpoint (decision 5).

Only what is new or changed is interpreted; COPY carries it into a staging table, one merge closes old versions and
adds new ones, marks are left for linking, and the run remembers how far it came. A killed process leaves all of a page
or nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.arrivals import (
    SPELLED,
    STAGED,
    Arrival,
    Held,
    Interpret,
    Refusal,
    Refused,
    Told,
    content_hashes,
    drop_lost_ties,
    tell_apart,
    unstorable,
)
from registry.database import driver, json_text
from registry.dirty import MARK_AGAIN
from registry.errors import Conflict
from registry.record_fields import RECORD_FIELDS


@dataclass(frozen=True, slots=True)
class Writer:
    """Who stores: the run, its feed, the fencing token it was given, the mapping it reads with."""

    feed: str
    run_id: int
    token: int
    mapping_version: str


class StaleToken(Conflict):
    """Another worker took this run or its feed over; nothing was written."""

    title = "The run was taken over"


@dataclass(frozen=True, slots=True)
class PageCounts:
    """What became of the entries of one page; everything that arrived is in exactly one of them."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    stale: int = 0
    quarantined: int = 0

    @property
    def received(self) -> int:
        """All entries of the page."""
        return self.added + self.changed + self.unchanged + self.stale + self.quarantined


# What PostgreSQL says of a value it cannot hold, and what asyncpg says of one it cannot even send.
_UNSTORABLE: Final = (
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.StatementTooComplexError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
)

_FIELDS: Final = ", ".join(RECORD_FIELDS)
_STAGED_FIELDS: Final = ", ".join(
    f"{name}::{kind}" if kind in SPELLED else name for name, kind in RECORD_FIELDS.items()
)

_CREATE_STAGING: Final = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS arriving ("
    + ", ".join(f"{name} {kind}" for name, kind in STAGED.items())
    + ") ON COMMIT DELETE ROWS; "
    + "DELETE FROM arriving"  # an earlier page of this very transaction
)

# The lock on the feed's row makes this transaction the only writer of the feed until it ends.
_FENCE: Final = """
SELECT run.pages,
       EXISTS (SELECT FROM quarantine WHERE feed = feed.id AND resolved_at IS NULL) AS quarantine_open,
       EXISTS (SELECT FROM sync_runs AS other WHERE other.feed = feed.id AND other.state = 'held') AS others_held
FROM sync_runs AS run JOIN feeds AS feed ON feed.id = run.feed
WHERE run.id = $1 AND run.state = 'running' AND run.token = $2 AND feed.last_token = $2
FOR NO KEY UPDATE OF feed, run
"""

_HASHES: Final = """
SELECT source_key, content_hash FROM records WHERE feed = $1 AND source_key = ANY ($2) AND known_to = 'infinity'
"""

_HELD: Final = """
SELECT source_key, record_id, source_modified, known_from
FROM records WHERE feed = $1 AND source_key = ANY ($2) AND known_to = 'infinity'
"""

_HELD_RAWS: Final = """
SELECT source_key, raw FROM records WHERE feed = $1 AND source_key = ANY ($2) AND known_to = 'infinity'
"""

_CLOSE: Final = """
UPDATE records SET known_to = $1
FROM arriving WHERE records.record_id = arriving.record_id AND records.known_to = 'infinity'
"""

# Of records that are all new nobody can have left a mark yet; to look for one takes a third of the time of storing.
_ADD_NEW: Final = f"""
WITH added AS (
    INSERT INTO records (record_id, feed, run_id, known_from, content_hash, raw, party_name_normal,
                         project_name_normal, lender_normal, {_FIELDS})
    SELECT coalesce(record_id, nextval('record_sequence')), $1, $2, $3, content_hash, raw, party_name_normal,
           project_name_normal, lender_normal, {_STAGED_FIELDS}
    FROM arriving
    RETURNING record_id
)
INSERT INTO dirty_marks (purpose, kind, id, run_id)
SELECT 'link', 'record', record_id, $2 FROM added ORDER BY record_id
"""

_ADD: Final = _ADD_NEW + MARK_AGAIN

# A later run that confirms what a held run brought takes over its marks: the hold was about the feed, not about them.
_TAKE_OVER: Final = """
UPDATE dirty_marks SET run_id = $1, mark = nextval('dirty_mark_sequence')
WHERE purpose = 'link' AND kind = 'record'
  AND id IN (SELECT record_id FROM records WHERE feed = $3 AND source_key = ANY ($2) AND known_to = 'infinity')
  AND run_id IN (SELECT id FROM sync_runs WHERE feed = $3 AND state = 'held')
"""

_QUARANTINE: Final = """
INSERT INTO quarantine (feed, run_id, page_label, position, source_key, field_name, reason, raw, raw_hash, received_at)
SELECT $1, $2, $3, one.position, one.source_key, one.field_name, one.reason, one.raw, one.raw_hash, $4
FROM unnest($5::integer[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::bytea[])
     AS one (position, source_key, field_name, reason, raw, raw_hash)
WHERE NOT EXISTS (SELECT FROM quarantine AS known WHERE known.feed = $1 AND known.resolved_at IS NULL
                  AND known.raw_hash = one.raw_hash AND known.reason = one.reason)
"""

_RESOLVE: Final = (
    "UPDATE quarantine SET resolved_at = $1 WHERE feed = $2 AND resolved_at IS NULL AND source_key = ANY ($3)"
)

_AUDIT: Final = """
WITH page AS (
    INSERT INTO sync_pages (run_id, number, label, stored_at, received, added, changed, unchanged, stale, quarantined,
                            received_bytes, digest, notes)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
)
UPDATE sync_runs SET pages = $2, received = received + $5, added = added + $6, changed = changed + $7,
    unchanged = unchanged + $8, stale = stale + $9, quarantined = quarantined + $10,
    received_bytes = received_bytes + $11, checkpoint = $14, watermark_to = greatest(watermark_to, $15)
WHERE id = $1
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """A page compared with the register and interpreted, ready to be stored."""

    page: Arrival
    hashes: list[bytes]
    keys: frozenset[str]  # those that can be stored
    new: list[int]  # positions of entries that are not held as they are
    held: dict[str, Held]  # what is held instead of them
    told: Told


async def read_page(session: AsyncSession, writer: Writer, page: Arrival, interpret: Interpret) -> Reading:
    """Compare a page with what the register holds and interpret what is new or changed; writes nothing.

    May run while the run's previous page is still being stored, as long as the two share no key: whoever holds the
    newest token is the only writer of the feed, and storing checks the token.
    """
    connection = await driver(session)
    hashes = content_hashes(page.raws, writer.mapping_version)
    bad = unstorable(page.keys)
    keys = [key for key in page.keys if key not in bad] if bad else page.keys
    known = dict(await connection.fetch(_HASHES, writer.feed, keys))
    new = [
        position
        for position, (key, content_hash) in enumerate(zip(page.keys, hashes, strict=True))
        if known.get(key) != content_hash
    ]
    changed = [key for position in new if (key := page.keys[position]) in known]
    rows = await connection.fetch(_HELD, writer.feed, changed) if changed else []
    held = {row[0]: Held(row[1], row[2], row[3]) for row in rows}
    told = await tell_apart(page, hashes, new, held, interpret, bad)
    if told.ties:
        drop_lost_ties(told, dict(await connection.fetch(_HELD_RAWS, writer.feed, told.ties)))
    return Reading(page, hashes, frozenset(keys), new, held, told)


async def store_reading(
    session: AsyncSession, writer: Writer, reading: Reading, at: datetime, *, merging: asyncio.Event | None = None
) -> PageCounts:
    """Store a page in the session's transaction; without the newest token write nothing and raise StaleToken.

    `merging` is set when PostgreSQL has been given the page: what is left is mostly its work.
    """
    connection = await driver(session)
    fence = await connection.fetchrow(_FENCE, writer.run_id, writer.token)
    if fence is None:
        raise StaleToken(
            "Another worker holds this run now; this page was not stored.",
            where=f"{writer.feed}, run {writer.run_id}",
            remedy="Nothing to do: the other worker goes on after the last stored page.",
        )
    page, held, told = reading.page, reading.held, reading.told
    # A clock that was set back must not close a version before it began.
    at = max([at, *(held[key].known_from + timedelta(microseconds=1) for key in told.staged if key in held)])
    if told.staged:
        await _merge(connection, writer, told, at, merging)
    if fence["quarantine_open"]:
        readable = reading.keys - {one.source_key for one in told.refusals}
        await connection.execute(_RESOLVE, at, writer.feed, list(readable))
    if told.refusals:
        await _quarantine(connection, writer, page.label, told.refusals, at)
    if fence["others_held"] and len(reading.new) < len(page.keys):
        new = set(reading.new)
        confirmed = [key for position, key in enumerate(page.keys) if position not in new]
        await connection.execute(_TAKE_OVER, writer.run_id, confirmed, writer.feed)
    changed = sum(key in held for key in told.staged)
    counts = PageCounts(len(told.staged) - changed, changed, told.unchanged, told.stale, quarantined=len(told.refusals))
    await _audit(connection, writer, page, counts, fence["pages"] + 1, reading.hashes, at)
    return counts


async def store_page(
    session: AsyncSession, writer: Writer, page: Arrival, interpret: Interpret, at: datetime
) -> PageCounts:
    """Read and store a page in one transaction.

    The same page again changes nothing; an older version of a record than the held one is counted and left out; of
    two versions with one stamp the greater bytes win: so every order of the same pages ends in the same state.
    """
    return await store_reading(session, writer, await read_page(session, writer, page, interpret), at)


async def _merge(
    connection: asyncpg.Connection, writer: Writer, told: Told, at: datetime, merging: asyncio.Event | None
) -> None:
    """Close the versions that are replaced and add the new ones; a row that PostgreSQL refuses harms itself alone."""
    await connection.execute(_CREATE_STAGING)
    pending = [list(told.staged)]
    while pending:
        keys = pending.pop()
        rows = [told.staged[key] for key in keys]
        try:
            async with connection.transaction():  # a savepoint
                await connection.copy_records_to_table("arriving", records=rows, columns=list(STAGED))
                changes = any(row[0] is not None for row in rows)
                if changes:
                    await connection.execute(_CLOSE, at)
                if merging is not None:
                    merging.set()
                await connection.execute(_ADD if changes else _ADD_NEW, writer.feed, writer.run_id, at)
                if pending:
                    await connection.execute("TRUNCATE arriving")
        except _UNSTORABLE as error:
            if len(keys) > 1:
                half = len(keys) // 2
                pending += [keys[:half], keys[half:]]
                continue
            row = told.staged.pop(keys[0])
            # Only the kind of error: its detail repeats the values.
            reason = f"the register cannot store it ({type(error).__name__})"
            told.refusals.append(Refused(told.positions[keys[0]], row[2], "", reason, keys[0]))


async def _quarantine(
    connection: asyncpg.Connection, writer: Writer, label: str, refusals: Sequence[Refusal], at: datetime
) -> None:
    def text(value: str | None) -> str | None:
        # What was refused may well hold what text cannot: NUL and lone surrogates.
        return value and value.encode("utf-8", "replace").decode().replace("\0", "\\0")[:2000]

    columns: tuple[list[Any], ...] = (
        [one.position for one in refusals],
        [text(one.source_key) for one in refusals],
        [text(one.field_name) for one in refusals],
        [text(one.reason) for one in refusals],
        [one.raw for one in refusals],
        [blake2b(one.raw, digest_size=16).digest() for one in refusals],
    )
    await connection.execute(_QUARANTINE, writer.feed, writer.run_id, label, at, *columns)


async def _audit(
    connection: asyncpg.Connection,
    writer: Writer,
    page: Arrival,
    counts: PageCounts,
    number: int,
    hashes: list[bytes],
    at: datetime,
) -> None:
    await connection.execute(
        _AUDIT,
        writer.run_id,
        number,
        page.label,
        at,
        counts.received,
        counts.added,
        counts.changed,
        counts.unchanged,
        counts.stale,
        counts.quarantined,
        page.received_bytes,
        blake2b(b"".join(hashes), digest_size=16).digest(),
        page.notes,
        json_text(dict(page.checkpoint)),
        page.newest,
    )
