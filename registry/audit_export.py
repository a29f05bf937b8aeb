"""The audit as JSON lines that anybody can verify without the server: each batch, then its entries in order."""

from collections.abc import AsyncIterator, Iterable
from typing import IO, Any, Final

import asyncpg
import orjson

from registry.audit_anchors import Anchor
from registry.audit_digests import CANONICAL_COLUMNS, COLUMNS, INSTANT
from registry.audit_verifying import ROWS_AT_ONCE, Batch, Broken, Chain, Verified, account
from registry.errors import BadFile

FORMAT: Final = "threegates audit 1"


async def exported(connection: asyncpg.Connection) -> AsyncIterator[bytes]:
    """The lines, in one snapshot: a first one that names the format, then batches, each followed by its entries."""
    yield orjson.dumps({"format": FORMAT, "columns": COLUMNS}) + b"\n"
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SET LOCAL enable_hashjoin = off")
        await connection.execute("SET LOCAL enable_mergejoin = off")
        cursor = await connection.cursor(
            f"""
            SELECT b.number, {INSTANT.format("b.sealed_at")}, b.entries, b.previous, b.digest,
                s.place, s.digest, s.entry_id, e.id IS NULL, {CANONICAL_COLUMNS}
            FROM audit_batches AS b LEFT JOIN audit_seals AS s ON s.batch = b.number
            LEFT JOIN audit_entries AS e ON e.id = s.entry_id ORDER BY b.number, s.place
            """
        )
        last = None
        while rows := await cursor.fetch(ROWS_AT_ONCE):
            for row in rows:
                number, sealed_at, entries, previous, digest, place, sealed, entry, gone = row[:9]
                if number != last:
                    last = number
                    batch = {"batch": number, "sealed_at": sealed_at, "entries": entries}
                    yield orjson.dumps({**batch, "previous": previous.hex(), "digest": digest.hex()}) + b"\n"
                if place is not None:
                    fields = None if gone else row[9:]
                    line = {"place": place, "id": entry, "digest": sealed.hex(), "entry": fields}
                    yield orjson.dumps(line) + b"\n"


def verify_file(lines: IO[bytes], name: str, anchors: Iterable[Anchor] = ()) -> Verified:
    """Verify such a file as the database would be; ends at the first breach."""
    chain = Chain(anchors)
    found = Verified()
    batch: Batch | None = None
    held: list[Any] = []
    try:
        for number, line in enumerate(lines, 1):
            try:
                said = orjson.loads(line)
                if number == 1:
                    if said != {"format": FORMAT, "columns": list(COLUMNS)}:
                        raise ValueError("format")
                elif "batch" in said:
                    following = Batch(
                        int(said["batch"]),
                        str(said["sealed_at"]),
                        int(said["entries"]),
                        bytes.fromhex(said["previous"]),
                        bytes.fromhex(said["digest"]),
                    )
                    if batch is not None:
                        chain.walk(batch, held)
                    batch, held = following, []
                else:
                    fields = None if said["entry"] is None else tuple(said["entry"])
                    if fields is not None and not all(one is None or isinstance(one, str) for one in fields):
                        raise ValueError("entry")
                    held.append((int(said["place"]), int(said["id"]), bytes.fromhex(said["digest"]), fields))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise BadFile(
                    "This is no line of an exported audit.",
                    where=f"{name}, line {number}",
                    remedy="Use an unchanged file of `threegates audit export`.",
                ) from error
        if batch is not None:
            chain.walk(batch, held)
        elif held:
            raise BadFile("The file begins with entries of no batch.", where=name, remedy="Export it again.")
        chain.end()
    except Broken as broken:
        found.breach = broken.breach
    return account(chain, found)
