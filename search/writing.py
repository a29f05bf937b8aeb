"""Writing in bulk: bytes in portions, two on their way, and every single item accounted for."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from elasticsearch import ApiError

from registry.errors import Unavailable
from search.client import BULK_SECONDS, BUSY, Servers, ask

# Bigger portions gain nothing and make a refused one dear.
PORTION_BYTES: Final = 1_500_000
IN_FLIGHT: Final = 2
# Elasticsearch works a portion off to its end before it takes the next: of what nobody waits for, a little at a time.
BESIDE_OTHERS_BYTES: Final = 200_000
ATTEMPTS: Final = 5
KEPT_PROBLEMS: Final = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One document to write: the name of an index or alias, the id, the version, the body; `grave` marks a deletion."""

    index: str
    id: int
    version: int
    body: bytes
    grave: bool = False

    def encoded(self) -> bytes:
        """The two lines of a bulk request. An external version lets a late write of an older state lose."""
        return b'{"index":{"_id":"%d","version":%d,"version_type":"external"}}\n%b\n' % (
            self.id,
            self.version,
            self.body,
        )


@dataclass(slots=True)
class Written:
    """What became of the lines; each is in exactly one of the counts."""

    written: int = 0
    deleted: int = 0
    superseded: int = 0  # the index held a later version already
    failed: list[Line] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # what Elasticsearch said, the first few
    indices: set[str] = field(default_factory=set)  # to which something was sent

    def add(self, other: "Written") -> None:
        """Take over the counts of another part."""
        self.written += other.written
        self.deleted += other.deleted
        self.superseded += other.superseded
        self.failed += other.failed
        self.problems = (self.problems + other.problems)[:KEPT_PROBLEMS]
        self.indices |= other.indices


def portions(lines: Iterable[Line], size: int = PORTION_BYTES) -> list[list[Line]]:
    """Lines by index, in portions of about so many bytes."""
    by_index: dict[str, list[list[Line]]] = {}
    sizes: dict[str, int] = {}
    for line in lines:
        made = by_index.setdefault(line.index, [])
        if not made or sizes[line.index] >= size:
            made.append([])
            sizes[line.index] = 0
        made[-1].append(line)
        sizes[line.index] += len(line.body) + 80
    return [portion for made in by_index.values() for portion in made]


class Writer:
    """Sends lines with two bulks in flight; `finish` waits for the last and gives the account.

    With `giving_way` only a small one at a time, so that others' bulks find a place in Elasticsearch at once.
    """

    def __init__(self, servers: Servers, *, aliases: bool = True, giving_way: bool = False) -> None:
        self._servers = servers
        self._size = BESIDE_OTHERS_BYTES if giving_way else PORTION_BYTES
        self._aliases = aliases  # whether lines name aliases: then none may be made into an index by a write
        self._places = asyncio.Semaphore(1 if giving_way else IN_FLIGHT)
        self._tasks: set[asyncio.Task[Written]] = set()
        self._written = Written()

    async def send(self, lines: Iterable[Line]) -> None:
        """Send lines as soon as there is a place in flight; a failure of the server comes out here or in `finish`."""
        for portion in portions(lines, self._size):
            await self._places.acquire()
            self._collect()
            task = asyncio.create_task(self._send_one(portion))
            self._tasks.add(task)

    async def _send_one(self, portion: list[Line]) -> Written:
        try:
            return await send_portion(self._servers, portion, aliases=self._aliases)
        finally:
            self._places.release()

    def _collect(self) -> None:
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.discard(task)
            self._written.add(task.result())

    async def finish(self) -> Written:
        """Wait for what is in flight and give the account of everything sent."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._collect()
        return self._written

    async def abandon(self) -> None:
        """Let what is in flight end, whatever becomes of it."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def send_portion(servers: Servers, portion: Sequence[Line], *, aliases: bool) -> Written:
    """Write one portion; items that Elasticsearch was too busy for are sent again, a few times, ever later."""
    account = Written(indices={portion[0].index})
    waiting = list(portion)
    for attempt in range(ATTEMPTS):
        if attempt:
            await asyncio.sleep(0.1 * 2**attempt)
        items = await _bulk(servers, waiting, aliases=aliases)
        again: list[Line] = []
        for line, item in zip(waiting, items, strict=True):
            status = item["status"]
            if status in (200, 201):
                account.deleted += line.grave
                account.written += not line.grave
            elif status == 409:
                account.superseded += 1
            elif status in BUSY and attempt + 1 < ATTEMPTS:
                again.append(line)
            else:
                account.failed.append(line)
                reason = item.get("error", {})
                if len(account.problems) < KEPT_PROBLEMS:
                    account.problems.append(f"{line.index}/{line.id}: {reason.get('type')}: {reason.get('reason')}")
        waiting = again
        if not waiting:
            break
    return account


async def _bulk(servers: Servers, lines: Sequence[Line], *, aliases: bool) -> list[dict[str, Any]]:
    """One bulk request; the answer's items, one a line and in the lines' order."""
    try:
        answer = await ask(
            servers.elasticsearch.options(request_timeout=BULK_SECONDS).bulk,
            index=lines[0].index,
            operations=b"".join([line.encoded() for line in lines]),  # type: ignore[arg-type]  # the serialiser passes bytes on
            filter_path=["items.*.status", "items.*.error.type", "items.*.error.reason"],
            require_alias=aliases,
        )
    except ApiError as error:
        if error.status_code != 413 or len(lines) == 1:
            raise
        # Too large for the server's limit: in halves.
        half = len(lines) // 2
        return [
            *await _bulk(servers, lines[:half], aliases=aliases),
            *await _bulk(servers, lines[half:], aliases=aliases),
        ]
    items = [item["index"] for item in answer["items"]]
    if len(items) != len(lines):
        raise Unavailable(
            f"Elasticsearch answered for {len(items)} of {len(lines)} documents.",
            remedy="Nothing was settled; the next run writes them again.",
        )
    return items
