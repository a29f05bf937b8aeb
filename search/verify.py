"""Proof that index and register agree: a digest of every document on both sides, and what to do where they differ."""

import asyncio
from array import array
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any, Final

import orjson
from sqlalchemy import text

from registry import dirty
from registry.database import driver, transaction
from search.client import BULK_SECONDS, Servers, ask
from search.client import servers as default_servers
from search.documents import digest, given_documents, grave, hashes
from search.generations import aliased
from search.index import next_version
from search.mapping import KIND_OF_TARGET, KINDS, TARGET_OF, TARGETS, Kind, Target, alias
from search.writing import Line, Writer

BUCKETS: Final = 256
PAGE: Final = 2000
LOOK_AGAIN: Final = 1000
SHOWN: Final = 50

# What awaits work anywhere on the record's path explains a difference: it is on its way.
_WAITING: Final = "SELECT DISTINCT id FROM dirty_marks WHERE kind = $1 AND id = ANY($2)"


@dataclass(slots=True)
class Compared:
    """One index against the register. `waiting` differ too, but a mark says that they are on their way."""

    target: Target
    registered: int = 0
    indexed: int = 0
    buckets: int = 0  # how many of 256 differed at first
    missing: list[int] = field(default_factory=list)
    extra: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """No difference that nothing explains."""
        return not (self.missing or self.extra or self.changed)

    def as_json(self) -> dict[str, Any]:
        """For `--json`: counts, and the first ids of each sort."""
        names = ("missing", "extra", "changed", "waiting")
        lists: dict[str, list[int]] = {name: getattr(self, name) for name in names}
        return {
            "index": self.target,
            "agrees": self.agrees,
            "registered": self.registered,
            "indexed": self.indexed,
            "differing_buckets": self.buckets,
            **{name: len(ids) for name, ids in lists.items()},
            "ids": {name: ids[:SHOWN] for name, ids in lists.items() if ids},
        }


@dataclass(slots=True)
class _Side:
    """Hashes of one index's documents, folded by bucket and kept by id; 16 bytes a document."""

    folded: list[int]
    counts: list[int]
    ids: "array[int]"
    hashes: "array[int]"

    @classmethod
    def empty(cls) -> "_Side":
        return cls([0] * BUCKETS, [0] * BUCKETS, array("q"), array("q"))

    def add(self, id_: int, hash_: int) -> None:
        bucket = id_ % BUCKETS
        self.folded[bucket] ^= hash_
        self.counts[bucket] += 1
        self.ids.append(id_)
        self.hashes.append(hash_)


def _hash(body: bytes) -> int:
    """As PostgreSQL makes it: the first half of the MD5, as a signed number. It finds damage, it is no seal."""
    return int.from_bytes(md5(body, usedforsecurity=False).digest()[:8], "big", signed=True)


async def verify(servers: Servers | None = None, *, indices: dict[Target, str] | None = None) -> list[Compared]:
    """Compare every index with the register; `indices` names others than those behind the aliases.

    Reads every document of both sides once (100,000 in some seconds), then looks again at those that differ, since
    the two sides cannot be read at one instant. A missing index counts as empty.
    """
    servers = servers or default_servers()
    if indices is None:
        there = await aliased(servers)
        indices = {target: alias(servers.prefix, target) for target in TARGETS if there[target]}
    if indices:
        await ask(servers.elasticsearch.indices.refresh, index=list(indices.values()))
    reading = asyncio.gather(*(_indexed(servers, index) for index in indices.values()))
    registered, read = await asyncio.gather(_registered(servers), reading)
    sides = dict(zip(indices, read, strict=True))
    result = []
    for target in TARGETS:
        compared = Compared(target)
        side = sides.get(target, _Side.empty())
        folded, counts = registered[target]
        compared.registered, compared.indexed = sum(counts), len(side.ids)
        buckets = [n for n in range(BUCKETS) if (folded[n], counts[n]) != (side.folded[n], side.counts[n])]
        compared.buckets = len(buckets)
        if buckets:
            suspects = await _suspects(servers, target, side, set(buckets))
            for some in _portions(suspects):
                await _look_again(servers, compared, indices.get(target), some)
        result.append(compared)
    return result


async def _registered(servers: Servers) -> dict[Target, tuple[list[int], list[int]]]:
    """The register's side, folded by PostgreSQL."""
    sides: dict[Target, tuple[list[int], list[int]]] = {target: ([0] * BUCKETS, [0] * BUCKETS) for target in TARGETS}
    async with transaction(servers.database) as session:
        connection = await driver(session)
        for kind in KINDS:
            for audience, bucket, count, hash_ in await connection.fetch(digest(kind, BUCKETS)):
                folded, counts = sides[TARGET_OF[kind, audience]]
                folded[bucket], counts[bucket] = hash_, count
    return sides


async def _indexed(servers: Servers, index: str) -> _Side:
    """The index's side, from the documents themselves and not from what they say of themselves."""
    client = servers.elasticsearch.options(request_timeout=BULK_SECONDS)
    side = _Side.empty()
    point = await ask(client.open_point_in_time, index=index, keep_alive="2m")
    reader = point["id"]
    try:
        after: list[Any] | None = None
        while True:
            answer = await ask(
                client.search,
                pit={"id": reader, "keep_alive": "2m"},
                query={"bool": {"must_not": {"term": {"deleted": True}}}},
                sort=["_shard_doc"],
                search_after=after,
                size=PAGE,
                track_total_hits=False,
                filter_path=["pit_id", "hits.hits._id", "hits.hits._source", "hits.hits.sort"],
            )
            hits = answer.get("hits", {}).get("hits", [])
            for hit in hits:
                # An id that is no number is nothing of ours: it counts as extra under a number nobody has.
                id_ = int(hit["_id"]) if hit["_id"].isdecimal() else -1
                side.add(id_, _hash(orjson.dumps(hit["_source"])))
            if len(hits) < PAGE:
                return side
            after, reader = hits[-1]["sort"], answer["pit_id"]
    finally:
        await ask(client.options(ignore_status=404).close_point_in_time, id=reader)


async def _suspects(servers: Servers, target: Target, side: _Side, buckets: set[int]) -> list[int]:
    """The ids that differ in these buckets, or stand on one side only."""
    in_index = defaultdict(
        int, {id_: hash_ for id_, hash_ in zip(side.ids, side.hashes, strict=True) if id_ % BUCKETS in buckets}
    )
    suspects = set(in_index)
    async with transaction(servers.database) as session:
        connection = await driver(session)
        statement = hashes(KIND_OF_TARGET[target], BUCKETS)
        for audience, id_, hash_ in await connection.fetch(statement, sorted(buckets)):
            if TARGET_OF[KIND_OF_TARGET[target], audience] != target:
                continue
            if in_index.get(id_) == hash_:
                suspects.discard(id_)
            else:
                suspects.add(id_)
    return sorted(suspects)


def _portions(ids: list[int]) -> Iterator[list[int]]:
    return (ids[start : start + LOOK_AGAIN] for start in range(0, len(ids), LOOK_AGAIN))


async def _look_again(servers: Servers, compared: Compared, index: str | None, ids: list[int]) -> None:
    """Read both sides of these ids anew and sort them; contents are compared as JSON, not as bytes."""
    kind = KIND_OF_TARGET[compared.target]
    in_index: dict[int, Any] = {}
    if index is not None:
        answer = await ask(
            servers.elasticsearch.options(request_timeout=BULK_SECONDS).mget, index=index, ids=[str(i) for i in ids]
        )
        in_index = {
            int(doc["_id"]): doc["_source"] for doc in answer["docs"] if doc.get("found") and not _is_grave(doc)
        }
    async with transaction(servers.database) as session:
        connection = await driver(session)
        documents = await given_documents(connection, kind, ids)
        waiting = {row[0] for row in await connection.fetch(_WAITING, kind, ids)}
    registered = {one.id: orjson.loads(one.body) for one in documents if one.target == compared.target}
    for id_ in ids:
        here, there = registered.get(id_), in_index.get(id_)
        if here == there and id_ >= 0:
            continue
        if id_ in waiting:
            compared.waiting.append(id_)
        elif here is None:
            compared.extra.append(id_)
        else:
            (compared.missing if there is None else compared.changed).append(id_)


def _is_grave(doc: dict[str, Any]) -> bool:
    return doc["_source"].get("deleted") is True


async def repair(servers: Servers | None, compared: Collection[Compared]) -> int:
    """Mark what is missing or changed for indexing, and bury what should not be there; returns how many.

    Where the index holds versions that the register has not reached (it was restored from a backup, or somebody wrote
    to the index), the register's counter is moved past them: otherwise every repair would lose to what it repairs.
    """
    servers = servers or default_servers()
    count = 0
    for one in compared:
        kind = KIND_OF_TARGET[one.target]
        differing = [*one.missing, *one.extra, *one.changed]
        if not differing:
            continue
        await _outrun(servers, one)
        async with transaction(servers.database) as session:
            await dirty.mark(session, "index", kind, [id_ for id_ in differing if id_ >= 0])
        await _bury(servers, one.target, kind, [id_ for id_ in one.extra if id_ >= 0])
        count += len(differing)
    return count


async def _outrun(servers: Servers, compared: Compared) -> None:
    ids = [*compared.changed, *compared.extra]
    for some in _portions([id_ for id_ in ids if id_ >= 0]):
        answer = await ask(
            servers.elasticsearch.mget,
            index=alias(servers.prefix, compared.target),
            ids=[str(id_) for id_ in some],
            source=False,
        )
        highest = max((doc.get("_version", 0) for doc in answer["docs"]), default=0)
        async with transaction(servers.database) as session:
            await (await session.connection()).execute(
                text(
                    "SELECT setval('dirty_mark_sequence', :highest) "
                    "WHERE :highest > (SELECT last_value FROM dirty_mark_sequence)"
                ),
                {"highest": highest},
            )


async def _bury(servers: Servers, target: Target, kind: Kind, extra: list[int]) -> None:
    """Write tombstones over what the register does not have in this index; whoever registers it later writes anew."""
    if not extra:
        return
    writer = Writer(servers)
    async with transaction(servers.database) as session:
        version = await next_version(session)
        documents = await given_documents(await driver(session), kind, extra)
    present = {one.id for one in documents if one.target == target}
    index = alias(servers.prefix, target)
    await writer.send(Line(index, id_, version, grave(kind, id_), grave=True) for id_ in extra if id_ not in present)
    await writer.finish()
