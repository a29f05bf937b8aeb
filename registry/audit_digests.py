"""The digests of the audit's chain: pure functions, described for others in docs/audit.md.

A field is written as a netstring (`LENGTH:BYTES,` in UTF-8, LENGTH in bytes), a missing one as `~,`: no two different
entries have the same bytes. The texts are those that `CANONICAL_COLUMNS` selects.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

ENTRY_MARK: Final = b"threegates audit entry 1\n"
BATCH_MARK: Final = b"threegates audit batch 1\n"
# What the first batch names as the one before it.
NO_BATCH: Final = bytes(32)

COLUMNS: Final[tuple[str, ...]] = (
    "id",
    "at",
    "actor",
    "actor_kind",
    "organisation_id",
    "action",
    "subject_kind",
    "subject",
    "why",
    "before",
    "after",
    "request_id",
)
INSTANT: Final = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
_TEXTS: Final = {
    "id": "e.id::text",
    "at": INSTANT.format("e.at"),
    # PostgreSQL's own text of jsonb: keys sorted, numbers exact, the same after a restore.
    "before": "e.before::text",
    "after": "e.after::text",
}
CANONICAL_COLUMNS: Final = ", ".join(f"{_TEXTS.get(name, f'e.{name}')} AS {name}" for name in COLUMNS)


def netstrings(fields: Sequence[str | None]) -> bytes:
    """The fields one after the other, each with its length."""
    parts: list[bytes] = []
    for field in fields:
        if field is None:
            parts.append(b"~,")
        else:
            raw = field.encode()
            parts.append(b"%d:%b," % (len(raw), raw))
    return b"".join(parts)


def entry_digest(fields: Sequence[str | None]) -> bytes:
    """SHA-256 over the mark and the columns of one entry, in the order of COLUMNS."""
    return hashlib.sha256(ENTRY_MARK + netstrings(fields)).digest()


def batch_digest(previous: bytes, number: int, sealed_at: str, digests: Sequence[bytes]) -> bytes:
    """SHA-256 over the mark, the batch before, number, instant and count, then every entry's digest in order."""
    head = netstrings([str(number), sealed_at, str(len(digests))])
    return hashlib.sha256(b"".join((BATCH_MARK, previous, head, *digests))).digest()
