"""Rebuilding the indices: beside the old ones, compared with the register, swapped in one step, never to less."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from registry import dirty
from registry.database import driver, transaction
from registry.errors import Conflict
from search.client import BULK_SECONDS, Servers, ask
from search.client import servers as default_servers
from search.documents import all_documents
from search.generations import aliased, building, existing, next_name
from search.index import as_line, lines_of, next_version
from search.mapping import KIND_OF_TARGET, KINDS, SERVING, TARGETS, Kind, Target, alias, index_body
from search.verify import Compared, verify
from search.writing import Line, Writer, Written

ROUNDS: Final = 6
# Under constant change the two sides are never still: what was registered since the last comparison may be missing.
STILL: Final = 0.05
# An index that would lose more than this against the one in use is looked at by a person first.
MOST_LOST: Final = 0.05

# phase (copy, compare, swap), documents done so far, documents expected (0: not known)
Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild did."""

    documents: dict[str, int] = field(default_factory=dict)
    rounds: int = 0
    caught_up: int = 0  # documents that changed while the rebuild ran
    marked: int = 0  # differences left to the indexer after the swap
    dropped: list[str] = field(default_factory=list)


class NotSwapped(Conflict):
    """The rebuilt indices are not good enough to replace those in use; these stay, searches go on."""

    title = "The indices were not swapped"


async def reindex(
    servers: Servers | None = None, *, progress: Progress | None = None, accept_fewer: bool = False
) -> Rebuilt:
    """Rebuild all indices beside those in use and swap; searches and the indexer go on meanwhile.

    What changes during the rebuild is written to the old indices; comparing with the register finds it, before the
    swap to write it and after the swap to mark it, so nothing depends on who wrote when. Raises NotSwapped, and
    Conflict is also what a second rebuild at the same time would cause, which therefore waits for the first.
    """
    servers = servers or default_servers()
    report = progress or (lambda phase, done, expected: None)
    result = Rebuilt()
    async with building(servers):
        in_use = await aliased(servers)
        result.dropped = await _drop_unused(servers, in_use)
        built = {target: await next_name(servers, target) for target in TARGETS}
        try:
            for index in built.values():
                await ask(servers.elasticsearch.indices.create, index=index, **index_body(building=True))
            await _copy(servers, built, report)
            await _catch_up(servers, built, result, report)
            await _check_size(servers, built, in_use, result, accept_fewer=accept_fewer)
            for index in built.values():
                await ask(servers.elasticsearch.indices.put_settings, index=index, settings={"index": SERVING})
            report("swap", 0, 0)
            await _swap(servers, built, in_use)
        except BaseException:
            await _drop(servers, list(built.values()))
            raise
        result.dropped += await _drop(servers, [index for indices in in_use.values() for index in indices])
    await _mark_what_slipped(servers, result)
    return result


async def _drop_unused(servers: Servers, in_use: dict[Target, list[str]]) -> list[str]:
    """Remove what an interrupted rebuild left behind."""
    left = [name for target in TARGETS for name in await existing(servers, target) if name not in in_use[target]]
    return await _drop(servers, left)


async def _drop(servers: Servers, indices: list[str]) -> list[str]:
    for index in indices:
        await ask(servers.elasticsearch.options(ignore_status=404).indices.delete, index=index)
    return indices


async def _copy(servers: Servers, built: dict[Target, str], report: Progress) -> None:
    """Write everything that the register knows, with versions from before it was read."""
    writer = Writer(servers, aliases=False)
    done = 0
    try:
        for kind in KINDS:
            async with transaction(servers.database) as session:
                version = await next_version(session)
                connection = await driver(session)
                async for documents in all_documents(connection, kind):
                    await writer.send(as_line(one, built[one.target], version) for one in documents)
                    done += len(documents)
                    report("copy", done, 0)
        _all_written(await writer.finish())
    except BaseException:
        await writer.abandon()
        raise


def _all_written(written: Written) -> None:
    if written.failed:
        raise NotSwapped(
            f"Elasticsearch refused {len(written.failed)} documents: {'; '.join(written.problems[:3])}",
            remedy="The indices in use stay. Correct the mapping or the records, then run `threegates reindex` again.",
        )


async def _catch_up(servers: Servers, built: dict[Target, str], result: Rebuilt, report: Progress) -> None:
    """Compare with the register and write what differs, until nothing does, or only what changes all the time.

    A document that still differs although just this was written would go on differing: then nothing is swapped.
    """
    written: dict[tuple[str, int], bytes] = {}
    before = 0
    for number in range(1, ROUNDS + 1):
        compared = await verify(servers, indices=built)
        differing = sum(len(_differing(one)) for one in compared)
        result.rounds = number
        result.documents = {one.target: one.registered for one in compared}
        report("compare", number, differing)
        if not differing:
            return
        lines = await _lines_of_differing(servers, built, compared)
        stuck = [line for line in lines if written.get((line.index, line.id)) == line.body]
        if stuck:
            raise NotSwapped(
                f"{len(stuck)} documents differ from what was written, the first {stuck[0].index}/{stuck[0].id}.",
                remedy="The indices in use stay. Look at Elasticsearch's log, then run `threegates reindex` again.",
            )
        writer = Writer(servers, aliases=False)
        await writer.send(lines)
        _all_written(await writer.finish())
        written = {(line.index, line.id): line.body for line in lines}
        result.caught_up += differing
        if number > 1 and differing > before / 2:
            # As much as changes in the time of one comparison: the marks after the swap take care of it.
            return
        before = differing


def _differing(one: Compared) -> list[int]:
    return [id_ for id_ in (*one.missing, *one.extra, *one.changed, *one.waiting) if id_ >= 0]


async def _lines_of_differing(servers: Servers, built: dict[Target, str], compared: list[Compared]) -> list[Line]:
    """What makes the new indices agree with the register as it is now."""
    ids: dict[Kind, set[int]] = {kind: set() for kind in KINDS}
    for one in compared:
        ids[KIND_OF_TARGET[one.target]] |= set(_differing(one))
    names = {alias(servers.prefix, target): index for target, index in built.items()}
    found: list[Line] = []
    for kind, some in ids.items():
        if some:
            async with transaction(servers.database) as session:
                version = await next_version(session)
                found += await lines_of(session, servers, kind, sorted(some), version)
    return [Line(names[line.index], line.id, line.version, line.body, line.grave) for line in found]


async def _check_size(
    servers: Servers, built: dict[Target, str], in_use: dict[Target, list[str]], result: Rebuilt, *, accept_fewer: bool
) -> None:
    """Never swap to less: against the register, and against what is in use."""
    for target, index in built.items():
        now = await _count(servers, [index])
        before = await _count(servers, in_use[target])
        expected = result.documents[target]
        if now < expected * (1 - STILL) or (now < before * (1 - MOST_LOST) and not accept_fewer):
            raise NotSwapped(
                f"The new index {target} has {now} documents, the register {expected}, the one in use {before}.",
                remedy="The index in use stays. If the register really shrank, say --accept-fewer.",
            )


async def _count(servers: Servers, indices: list[str]) -> int:
    if not indices:
        return 0
    client = servers.elasticsearch.options(request_timeout=BULK_SECONDS)
    await ask(client.indices.refresh, index=indices)
    answer = await ask(client.count, index=indices, query={"bool": {"must_not": {"term": {"deleted": True}}}})
    return int(answer["count"])


async def _swap(servers: Servers, built: dict[Target, str], in_use: dict[Target, list[str]]) -> None:
    """All aliases in one step; an index to be replaced that is gone fails the step."""
    actions = []
    for target, index in built.items():
        name = alias(servers.prefix, target)
        actions += [{"remove": {"index": old, "alias": name, "must_exist": True}} for old in in_use[target]]
        actions.append({"add": {"index": index, "alias": name}})
    await ask(servers.elasticsearch.indices.update_aliases, actions=actions)


async def _mark_what_slipped(servers: Servers, result: Rebuilt) -> None:
    """What was written to the old index between the last comparison and the swap, the indexer writes again."""
    for one in await verify(servers):
        differing = _differing(one)
        if differing:
            async with transaction(servers.database) as session:
                await dirty.mark(session, "index", KIND_OF_TARGET[one.target], differing)
        result.marked += len(differing)
