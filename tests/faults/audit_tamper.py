"""audit_tamper: a superuser who changes, deletes, empties, reorders or cuts the audit is found."""

import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.audit_anchors import Anchor, append_anchor, read_anchors
from registry.audit_chain import newest_batch, seal_batch
from registry.audit_digests import CANONICAL_COLUMNS, INSTANT, NO_BATCH, batch_digest, entry_digest
from registry.audit_verifying import verify_audit
from registry.database import make_engine, transaction
from tests.faults.account import Account
from tests.scratch_server import database

ENTRIES = {"small": 20_000, "full": 1_000_000}
LONGEST_SECONDS = 60
START = datetime(2026, 1, 1, tzinfo=UTC)

_FILL = """
    INSERT INTO audit_entries (at, actor, actor_kind, organisation_id, action, subject_kind, subject, why, before,
        after, request_id)
    SELECT $1::timestamptz + n * interval '1 second', 'person' || n % 97, 'person', 'organisation' || n % 7,
        'project.correct', 'project', (n % 5000)::text, '更正，' || n, jsonb_build_object('name', '示例项目' || n),
        jsonb_build_object('name', '示例项目甲' || n, 'capacity', n / 10.0), md5(n::text)
    FROM generate_series($2::bigint, $3::bigint) AS n
"""
# Each stands for one hour after which the chain is anchored.
HOURS = 4
Tamper = Callable[[asyncpg.Connection, random.Random, int], Awaitable[Any]]


async def run(url: str, account: Account) -> None:
    """Fill, seal and anchor; verify with time; then every tampering, each in a transaction that is taken back."""
    count = ENTRIES[account.scale]
    chance = random.Random(account.seed)
    async with database(url, "fault_audit") as dsn:
        engine = make_engine(dsn)
        connection = await asyncpg.connect(dsn)
        try:
            with tempfile.TemporaryDirectory() as folder:
                anchors = await _fill(engine, connection, count, Path(folder) / "anchors.jsonl")
            await connection.execute("ANALYZE audit_entries, audit_seals, audit_batches")
            began = time.monotonic()
            found = await verify_audit(connection, anchors)
            seconds = round(time.monotonic() - began, 1)
            account.expect("untouched", found.breach, None)
            account.expect("entries verified", found.entries, count)
            account.expect("anchors met", found.anchors, HOURS)
            account.expect(f"verified within {LONGEST_SECONDS} s", seconds < LONGEST_SECONDS, True)
            refused = await _refused(connection)
            account.expect("changes the triggers let through", refused[1], [])
            missed = 0
            for name, tamper in TAMPERINGS.items():
                code = await _tampered(connection, tamper, chance, count, anchors)
                missed += code is None
                account.expect(f"{name} was found", code is not None, True)
            account.expect("untouched afterwards", (await verify_audit(connection, anchors)).breach, None)
            account.counters = {
                "entries": count,
                "batches": found.batches,
                "anchors": found.anchors,
                "seconds_to_verify": seconds,
                "refused_by_triggers": refused[0],
                "tamperings": len(TAMPERINGS),
                "missed": missed,
            }
        finally:
            await connection.close()
            await engine.dispose()


async def _fill(engine: AsyncEngine, connection: asyncpg.Connection, count: int, file: Path) -> list[Anchor]:
    for hour in range(HOURS):
        await connection.execute(_FILL, START, count * hour // HOURS + 1, count * (hour + 1) // HOURS)
        at = START + timedelta(days=30, hours=hour)
        while True:
            async with transaction(engine) as session:
                if await seal_batch(session, at, limit=10_000 if count > 100_000 else 500) is None:
                    break
        async with transaction(engine) as session:
            newest = await newest_batch(session)
        assert newest is not None
        append_anchor(file, at, newest.number, newest.digest, newest.entries)
    return read_anchors(file)


async def _refused(connection: asyncpg.Connection) -> tuple[int, list[str]]:
    """How many plain changes the triggers refused, the owner's and the superuser's too, and those they let through."""
    let_through = []
    statements = [
        statement
        for table, column in (("audit_entries", "actor"), ("audit_seals", "digest"), ("audit_batches", "digest"))
        for statement in (
            f"UPDATE {table} SET {column} = {column}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table} CASCADE",
        )
    ]
    for statement in statements:
        try:
            async with _taken_back(connection):
                await connection.execute(statement)
                let_through.append(statement)
        except asyncpg.RestrictViolationError:
            continue
    return len(statements) - len(let_through), let_through


async def _tampered(
    connection: asyncpg.Connection, tamper: Tamper, chance: random.Random, count: int, anchors: list[Anchor]
) -> str | None:
    """The code of the breach that verifying finds after one tampering, or None."""
    async with _taken_back(connection):
        for table in ("audit_entries", "audit_seals", "audit_batches"):
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        await tamper(connection, chance, count)
        breach = (await verify_audit(connection, anchors)).breach
    return None if breach is None else breach.code


@asynccontextmanager
async def _taken_back(connection: asyncpg.Connection) -> Any:
    transaction_to_undo = connection.transaction(isolation="repeatable_read")
    await transaction_to_undo.start()
    try:
        yield
    finally:
        await transaction_to_undo.rollback()


def _entry(chance: random.Random, count: int) -> int:
    return chance.randint(1, count)


async def _update(connection: asyncpg.Connection, chance: random.Random, count: int) -> None:
    column = chance.choice(["actor", "action", "subject", "why", "request_id", "organisation_id", "actor_kind"])
    await connection.execute(
        f"UPDATE audit_entries SET {column} = {column} || 'x' WHERE id = $1", _entry(chance, count)
    )


async def _update_json(connection: asyncpg.Connection, chance: random.Random, count: int) -> None:
    await connection.execute("UPDATE audit_entries SET before = NULL WHERE id = $1", _entry(chance, count))


async def _update_time(connection: asyncpg.Connection, chance: random.Random, count: int) -> None:
    await connection.execute(
        "UPDATE audit_entries SET at = at + interval '1 microsecond' WHERE id = $1", _entry(chance, count)
    )


async def _shift_field(connection: asyncpg.Connection, chance: random.Random, count: int) -> None:
    """The same letters, divided otherwise between two columns."""
    await connection.execute(
        "UPDATE audit_entries SET subject_kind = subject_kind || left(subject, 1), subject = substr(subject, 2) "
        "WHERE id = $1",
        _entry(chance, count),
    )


async def _delete(connection: asyncpg.Connection, chance: random.Random, count: int) -> None:
    await connection.execute("DELETE FROM audit_entries WHERE id = $1", _entry(chance, count))


async def _delete_with_seal(connection: asyncpg.Connection, chance: random.Random, count: int) -> None:
    """Entry and seal, the places behind it moved up and the count of the batch lowered."""
    entry = _entry(chance, count)
    seal = await connection.fetchrow("DELETE FROM audit_seals WHERE entry_id = $1 RETURNING batch, place", entry)
    await connection.execute("DELETE FROM audit_entries WHERE id = $1", entry)
    for sign in (-1, -1):
        await connection.execute(
            "UPDATE audit_seals SET place = CASE WHEN place > 0 THEN $3 * place ELSE $3 * place - 1 END "
            "WHERE batch = $1 AND (place > $2 OR place < 0)",
            seal["batch"],
            seal["place"],
            sign,
        )
    await connection.execute("UPDATE audit_batches SET entries = entries - 1 WHERE number = $1", seal["batch"])


async def _truncate_entries(connection: asyncpg.Connection, chance: random.Random, count: int) -> None:
    await connection.execute("TRUNCATE audit_entries")


async def _truncate_all(connection: asyncpg.Connection, chance: random.Random, count: int) -> None:
    await connection.execute("TRUNCATE audit_entries, audit_seals, audit_batches")


async def _swap_contents(connection: asyncpg.Connection, chance: random.Random, count: int) -> None:
    """Two entries change their contents with each other."""
    one = _entry(chance, count - 1)
    await connection.execute(
        "UPDATE audit_entries AS mine SET why = other.why, actor = other.actor FROM audit_entries AS other "
        "WHERE mine.id + other.id = $1 AND mine.id IN ($2, $3)",
        2 * one + 1,
        one,
        one + 1,
    )


async def _reorder(connection: asyncpg.Connection, chance: random.Random, count: int) -> None:
    """Two seals of one batch change their places, in an order that no place is taken twice."""
    batch = await connection.fetchval("SELECT batch FROM audit_seals WHERE entry_id = $1", _entry(chance, count))
    for place, becomes in ((1, 0), (2, 1), (0, 2)):
        await connection.execute(
            "UPDATE audit_seals SET place = $3 WHERE batch = $1 AND place = $2", batch, place, becomes
        )


async def _cut_tail(connection: asyncpg.Connection, chance: random.Random, count: int) -> None:
    """The last anchored batch goes, with its seals and entries."""
    await _remove_from(connection, await connection.fetchval("SELECT max(number) FROM audit_batches"))


async def _remove_from(connection: asyncpg.Connection, batch: int) -> None:
    await connection.execute(
        "DELETE FROM audit_entries AS e USING audit_seals AS s WHERE s.entry_id = e.id AND s.batch >= $1", batch
    )
    await connection.execute("DELETE FROM audit_seals WHERE batch >= $1", batch)
    await connection.execute("DELETE FROM audit_batches WHERE number >= $1", batch)


async def _drop_batch(connection: asyncpg.Connection, chance: random.Random, count: int) -> None:
    """A batch in the middle goes with its seals; its entries look as if they waited."""
    batch = await connection.fetchval("SELECT batch FROM audit_seals WHERE entry_id = $1", _entry(chance, count // 2))
    await connection.execute("DELETE FROM audit_seals WHERE batch = $1", batch)
    await connection.execute("DELETE FROM audit_batches WHERE number = $1", batch)


async def _change_instant(connection: asyncpg.Connection, chance: random.Random, count: int) -> None:
    await connection.execute("UPDATE audit_batches SET sealed_at = sealed_at - interval '1 day' WHERE number = 2")


async def _write_anew(connection: asyncpg.Connection, chance: random.Random, count: int) -> None:
    """The best there is: an entry changes and the chain behind it is sealed anew, without a flaw in itself."""
    entry = _entry(chance, count)
    await connection.execute("UPDATE audit_entries SET actor = 'somebody' WHERE id = $1", entry)
    changed = await connection.fetchrow(f"SELECT {CANONICAL_COLUMNS} FROM audit_entries AS e WHERE id = $1", entry)
    await connection.execute(
        "UPDATE audit_seals SET digest = $2 WHERE entry_id = $1", entry, entry_digest(tuple(changed))
    )
    first = await connection.fetchval("SELECT batch FROM audit_seals WHERE entry_id = $1", entry)
    previous = await connection.fetchval("SELECT digest FROM audit_batches WHERE number = $1", first - 1) or NO_BATCH
    for number, sealed_at in await connection.fetch(
        f"SELECT number, {INSTANT.format('sealed_at')} FROM audit_batches WHERE number >= $1 ORDER BY number", first
    ):
        digests = await connection.fetch("SELECT digest FROM audit_seals WHERE batch = $1 ORDER BY place", number)
        digest = batch_digest(previous, number, sealed_at, [row["digest"] for row in digests])
        await connection.execute(
            "UPDATE audit_batches SET previous = $2, digest = $3 WHERE number = $1", number, previous, digest
        )
        previous = digest


TAMPERINGS: dict[str, Tamper] = {
    "UPDATE of a column": _update,
    "UPDATE of what stood before": _update_json,
    "UPDATE of the time": _update_time,
    "letters moved between columns": _shift_field,
    "DELETE of an entry": _delete,
    "DELETE of an entry with its seal": _delete_with_seal,
    "TRUNCATE of the entries": _truncate_entries,
    "TRUNCATE of everything": _truncate_all,
    "contents of two entries swapped": _swap_contents,
    "places reordered": _reorder,
    "tail cut": _cut_tail,
    "batch removed": _drop_batch,
    "instant of a batch changed": _change_instant,
    "chain written anew": _write_anew,
}
