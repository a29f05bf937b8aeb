"""Verifying the audit without trust in the server: every digest is computed again from the rows as they stand."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from asyncpg.cursor import Cursor

from registry.audit_anchors import Anchor
from registry.audit_digests import CANONICAL_COLUMNS, INSTANT, NO_BATCH, batch_digest, entry_digest

ROWS_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Breach:
    """The first thing that is not as it was sealed."""

    code: str
    zh: str
    en: str
    batch: int | None = None
    place: int | None = None
    entry: int | None = None


class Broken(Exception):
    """Ends verifying at the first breach."""

    def __init__(self, breach: Breach) -> None:
        super().__init__(breach.en)
        self.breach = breach


@dataclass(frozen=True, slots=True)
class Batch:
    """A row of audit_batches; the instant as the text that goes into the digest."""

    number: int
    sealed_at: str
    entries: int
    previous: bytes
    digest: bytes


class Chain:
    """The chain as it is walked: batches in order, each with its seals in order."""

    def __init__(self, anchors: Iterable[Anchor] = ()) -> None:
        self.anchors: dict[int, list[Anchor]] = {}
        for anchor in anchors:
            self.anchors.setdefault(anchor.batch, []).append(anchor)
        self.number = 0
        self.digest = NO_BATCH
        self.entries = 0
        self.anchors_held = 0
        self.last_anchored = 0

    def walk(self, batch: Batch, seals: Sequence[tuple[int, int, bytes, Sequence[str | None] | None]]) -> None:
        """One batch with its seals (place, entry, digest, the entry's columns or None where it is gone)."""
        if batch.number != self.number + 1:
            raise Broken(_batch_missing(self.number + 1, batch.number))
        digests: list[bytes] = []
        for expected, (place, entry, sealed, fields) in enumerate(seals, 1):
            if place != expected:
                raise Broken(_seals_differ(batch.number, expected, entry))
            if fields is None:
                raise Broken(_entry_gone(batch.number, place, entry))
            digest = entry_digest(fields)
            if digest != sealed or fields[0] != str(entry):
                raise Broken(_entry_changed(batch.number, place, entry))
            digests.append(digest)
        if len(digests) != batch.entries:
            raise Broken(_seals_differ(batch.number, len(digests) + 1, None))
        if batch.previous != self.digest:
            raise Broken(_chain_cut(batch.number))
        if batch_digest(self.digest, batch.number, batch.sealed_at, digests) != batch.digest:
            raise Broken(_batch_changed(batch.number))
        self.number, self.digest = batch.number, batch.digest
        self.entries += batch.entries
        for anchor in self.anchors.pop(batch.number, ()):
            if (anchor.digest, anchor.entries) != (batch.digest.hex(), self.entries):
                raise Broken(_anchor_contradicts(anchor))
            self.anchors_held += 1
            self.last_anchored = batch.number

    def end(self) -> None:
        """Nothing follows: an anchor that was not met names a batch that is gone."""
        if self.anchors:
            first = min(self.anchors)
            raise Broken(_tail_cut(self.number, self.anchors[first][0]))


@dataclass(slots=True)
class Verified:
    """What verifying found."""

    batches: int = 0
    entries: int = 0
    waiting: int = 0
    waiting_since: str | None = None
    anchors: int = 0
    last_anchored: int = 0
    # Time-stamps of anchors that were verified, when the last of them was made, and those nobody could verify.
    stamps: int = 0
    last_stamped: str | None = None
    unverified_stamps: int = 0
    breach: Breach | None = None

    @property
    def holds(self) -> bool:
        """Whether everything is as it was sealed and anchored."""
        return self.breach is None


async def verify_audit(connection: asyncpg.Connection, anchors: Iterable[Anchor] = ()) -> Verified:
    """Walk the whole chain of a database in one snapshot, through server-side cursors; ends at the first breach.

    Within a transaction of the caller's it sees what that one sees, which must be one snapshot.
    """
    chain = Chain(anchors)
    found = Verified()
    try:
        snapshot = None if connection.is_in_transaction() else "repeatable_read"
        async with connection.transaction(isolation=snapshot, readonly=snapshot is not None):
            # Walks both indexes in their order, so that the first rows come at once and nothing is sorted on disk.
            await connection.execute("SET LOCAL enable_hashjoin = off")
            await connection.execute("SET LOCAL enable_mergejoin = off")
            await _walk(connection, chain)
            chain.end()
            waiting = await connection.fetchrow(
                f"""
                SELECT count(*) AS entries, {INSTANT.format("min(e.at)")} AS since FROM audit_entries AS e
                WHERE NOT EXISTS (SELECT FROM audit_seals AS s WHERE s.entry_id = e.id)
                """
            )
            found.waiting, found.waiting_since = waiting["entries"], waiting["since"]
    except Broken as broken:
        found.breach = broken.breach
    return account(chain, found)


def account(chain: Chain, found: Verified) -> Verified:
    """Take over what the chain counted."""
    found.batches, found.entries = chain.number, chain.entries
    found.anchors, found.last_anchored = chain.anchors_held, chain.last_anchored
    return found


async def _walk(connection: asyncpg.Connection, chain: Chain) -> None:
    batches = _batches(connection)
    batch = await anext(batches, None)
    held: list[tuple[int, int, bytes, Sequence[str | None] | None]] = []
    seals = await connection.cursor(
        f"""
        SELECT s.batch, s.place, s.entry_id, s.digest, e.id IS NULL AS gone, {CANONICAL_COLUMNS}
        FROM audit_seals AS s LEFT JOIN audit_entries AS e ON e.id = s.entry_id ORDER BY s.batch, s.place
        """
    )
    while rows := await seals.fetch(ROWS_AT_ONCE):
        for row in rows:
            number = row[0]
            while batch is not None and number > batch.number:
                chain.walk(batch, held)
                held.clear()
                batch = await anext(batches, None)
            if batch is None or number < batch.number:
                raise Broken(_seals_without_batch(number))
            if len(held) == batch.entries:
                raise Broken(_seals_differ(number, row[1], row[2]))
            held.append((row[1], row[2], row[3], None if row[4] else row[5:]))
    while batch is not None:
        chain.walk(batch, held)
        held.clear()
        batch = await anext(batches, None)


async def _batches(connection: asyncpg.Connection) -> AsyncIterator[Batch]:
    cursor: Cursor[Any] = await connection.cursor(
        f"SELECT number, {INSTANT.format('sealed_at')}, entries, previous, digest FROM audit_batches ORDER BY number"
    )
    while rows := await cursor.fetch(ROWS_AT_ONCE):
        for row in rows:
            yield Batch(*row)


def _entry_changed(batch: int, place: int, entry: int) -> Breach:
    zh = "该条审计记录的内容与封存时不同：有人绕过系统修改过它。"
    en = "The entry is not what was sealed: somebody changed it, past the register."
    return Breach("entry_changed", zh, en, batch, place, entry)


def _entry_gone(batch: int, place: int, entry: int) -> Breach:
    zh = "已封存的审计记录不存在：有人删除了它，或清空过该表。"
    en = "A sealed entry is gone: somebody deleted it, or emptied the table."
    return Breach("entry_gone", zh, en, batch, place, entry)


def _seals_differ(batch: int, place: int, entry: int | None) -> Breach:
    zh = "该批次的封存序号不连续、重复或数量不符：有人删除、添加或重排过封存。"
    en = "The places of this batch are not contiguous, or not as many as sealed: seals were removed, added or moved."
    return Breach("seals_differ", zh, en, batch, place, entry)


def _seals_without_batch(batch: int) -> Breach:
    zh = "有封存指向不存在的批次：有人删除过批次。"
    en = "There are seals of a batch that is not there: somebody removed the batch."
    return Breach("batch_missing", zh, en, batch)


def _batch_missing(batch: int, instead: int) -> Breach:
    zh = f"缺少批次 {batch}，其位置上是批次 {instead}：有人删除或重排过批次。"
    en = f"Batch {batch} is missing, {instead} stands in its place: batches were removed or reordered."
    return Breach("batch_missing", zh, en, batch)


def _chain_cut(batch: int) -> Breach:
    zh = "该批次不承接其前一批次：链在此处断开。"
    en = "The batch does not follow from the one before it: the chain is cut here."
    return Breach("chain_cut", zh, en, batch)


def _batch_changed(batch: int) -> Breach:
    zh = "该批次的摘要与其内容不符：批次、封存顺序或封存时间被修改。"
    en = "The batch's digest is not that of what it holds: the batch, its order or its instant was changed."
    return Breach("batch_changed", zh, en, batch)


def _anchor_contradicts(anchor: Anchor) -> Breach:
    zh = f"该批次与 {anchor.time} 的锚定不符：链在锚定之后被整体重写。"
    en = f"The batch is not the one anchored at {anchor.time}: the chain was written anew after it was anchored."
    return Breach("anchor_contradicts", zh, en, anchor.batch)


def _tail_cut(last: int, anchor: Anchor) -> Breach:
    zh = f"链止于批次 {last}，而 {anchor.time} 已锚定批次 {anchor.batch}：链尾被截去。"
    en = f"The chain ends at batch {last}, but batch {anchor.batch} was anchored at {anchor.time}: its tail was cut."
    return Breach("tail_cut", zh, en, anchor.batch)
