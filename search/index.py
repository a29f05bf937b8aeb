"""Bringing the index up to the register: claim marks, write the current documents, settle what was written."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

import structlog
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import dirty
from registry.database import driver, transaction
from search.client import Servers, ask
from search.client import servers as default_servers
from search.documents import Document, given_documents, gone, grave
from search.generations import ensure_indices
from search.mapping import KIND_OF_TARGET, KINDS, TARGETS, Kind, Target, alias
from search.writing import Line, Writer, Written

LOG: Final = structlog.get_logger("search.index")

CLAIM: Final = 20_000
# While one slice is on its way to Elasticsearch, PostgreSQL makes the next.
SLICE: Final = 2500

# Whose documents show something of the claimed ones. One step and no marks, so that nothing goes round.
_OWNERS: Final = (
    "SELECT DISTINCT owner_id FROM project_versions "
    "WHERE known_to = 'infinity' AND owner_id IS NOT NULL AND project_id = ANY($1)"
)
_OWNED: Final = "SELECT DISTINCT project_id FROM project_versions WHERE known_to = 'infinity' AND owner_id = ANY($1)"
# Records that were linked before the project got its present description, and records flagged or freed with it.
_RECORDS: Final = """
SELECT l.record_id FROM links AS l JOIN project_versions AS v ON v.project_id = l.project_id
WHERE l.known_to = 'infinity' AND v.known_to = 'infinity' AND v.project_id = ANY($1) AND l.known_from < v.known_from
UNION
SELECT f.subject_id FROM findings AS f
WHERE f.known_to = 'infinity' AND f.subject_kind = 'record' AND f.project_id = ANY($1)
"""
# Enterprises that a finding names, flagged or freed with the project or the record; a borrower need not be the owner.
_NAMED: Final = """
SELECT enterprise_id FROM findings
WHERE known_to = 'infinity' AND enterprise_id IS NOT NULL AND project_id = ANY($1)
UNION
SELECT enterprise_id FROM findings
WHERE known_to = 'infinity' AND enterprise_id IS NOT NULL AND subject_kind = 'record' AND subject_id = ANY($2)
"""
# Projects of records that were corrected: what the project shows of its records may be another thing now.
_CORRECTED: Final = """
SELECT DISTINCT l.project_id FROM links AS l
WHERE l.known_to = 'infinity' AND l.project_id IS NOT NULL AND l.record_id = ANY($1)
  AND EXISTS (SELECT FROM records AS r WHERE r.record_id = l.record_id AND r.known_to <> 'infinity')
"""

# Suspected projects of records that were corrected or flagged.
_GATHERED: Final = (
    "SELECT DISTINCT suspected_id FROM suspected_members WHERE known_to = 'infinity' AND record_id = ANY($1)"
)


@dataclass(slots=True)
class Indexed:
    """What one run did; documents that follow from a claimed one are counted too."""

    claimed: int = 0
    settled: int = 0
    written: int = 0
    deleted: int = 0
    superseded: int = 0
    failed: int = 0
    problems: list[str] = field(default_factory=list)
    indices: set[str] = field(default_factory=set)

    def add(self, written: Written) -> None:
        """Take over the account of one batch."""
        self.written += written.written
        self.deleted += written.deleted
        self.superseded += written.superseded
        self.failed += len(written.failed)
        self.problems = (self.problems + written.problems)[:20]
        self.indices |= written.indices


async def next_version(session: AsyncSession) -> int:
    """A version greater than that of every state read before: draw it first, read afterwards.

    It comes from the marks' own sequence, and not from the mark: whoever read before a change drew a smaller number
    than whoever claimed that change's mark, so a slow writer of an old state always loses.
    """
    return int((await (await session.connection()).execute(text("SELECT nextval('dirty_mark_sequence')"))).scalar_one())


async def with_followers(session: AsyncSession, claims: Iterable[dirty.Claim]) -> dict[Kind, list[int]]:
    """The ids to write for these marks, by kind: the claimed ones, and those whose documents show something of them."""
    ids: dict[Kind, set[int]] = {kind: set() for kind in KINDS}
    for claim in claims:
        ids[claim.kind].add(claim.id)  # type: ignore[index]  # nothing else is marked for indexing
    connection = await driver(session)
    projects, enterprises, records = list(ids["project"]), list(ids["enterprise"]), list(ids["record"])
    if enterprises:
        ids["project"] |= {row[0] for row in await connection.fetch(_OWNED, enterprises)}
    if projects:
        ids["enterprise"] |= {row[0] for row in await connection.fetch(_OWNERS, projects)}
        ids["record"] |= {row[0] for row in await connection.fetch(_RECORDS, projects)}
    if records:
        ids["project"] |= {row[0] for row in await connection.fetch(_CORRECTED, records)}
        ids["suspected"] |= {row[0] for row in await connection.fetch(_GATHERED, records)}
    if projects or records:
        ids["enterprise"] |= {row[0] for row in await connection.fetch(_NAMED, projects, records)}
    return {kind: sorted(found) for kind, found in ids.items() if found}


async def lines_of(
    session: AsyncSession, servers: Servers, kind: Kind, ids: Collection[int], version: int
) -> list[Line]:
    """The lines that make the aliases agree with the register on these ids."""
    connection = await driver(session)
    documents = await given_documents(connection, kind, ids)
    lines = [as_line(document, alias(servers.prefix, document.target), version) for document in documents]
    for target, id_ in await gone(connection, kind, ids, documents):
        lines.append(Line(alias(servers.prefix, target), id_, version, grave(kind, id_), grave=True))
    return lines


def as_line(document: Document, index: str, version: int) -> Line:
    """A document as a line for an index."""
    return Line(index, document.id, version, document.body)


async def index_changed(
    servers: Servers | None = None,
    *,
    limit: int | None = None,
    visible: bool = False,
    lane: dirty.Lane | None = None,
) -> Indexed:
    """Write what awaits indexing until nothing does, or until `limit` marks were claimed; raises Unavailable.

    Marks are claimed in a transaction of their own: whoever changes a row meanwhile does not wait for Elasticsearch,
    and two indexers at once do no harm, only the same work twice. A mark goes only where it is still the claimed one
    and every document it stands for was written; a document that Elasticsearch refuses goes to the end of the queue.
    With `visible` searches see the changes when this returns.
    """
    servers = servers or default_servers()
    await ensure_indices(servers)
    total = Indexed()
    refused: set[tuple[str, int]] = set()
    while limit is None or total.claimed < limit:
        async with transaction(servers.database) as session:
            size = CLAIM if limit is None else min(CLAIM, limit - total.claimed)
            claims = await dirty.claim(session, "index", limit=size, lane=lane)
        fresh = [claim for claim in claims if (claim.kind, claim.id) not in refused]
        if not fresh:
            break
        written = await _write_claimed(servers, fresh, giving_way=lane == "big")
        total.claimed += len(fresh)
        total.add(written)
        bad = {(KIND_OF_TARGET[_target(servers, line)], line.id) for line in written.failed}
        refused |= bad
        async with transaction(servers.database) as session:
            total.settled += await dirty.settle(
                session, "index", [claim for claim in fresh if (claim.kind, claim.id) not in bad]
            )
            for kind in KINDS:
                await dirty.mark(session, "index", kind, [id_ for of, id_ in bad if of == kind])
    if total.failed:
        LOG.warning("documents refused by Elasticsearch", failed=total.failed, problems=total.problems)
    if visible and total.indices:
        await refresh(servers, total.indices)
    return total


async def _write_claimed(servers: Servers, claims: Collection[dirty.Claim], *, giving_way: bool) -> Written:
    writer = Writer(servers, giving_way=giving_way)
    try:
        async with transaction(servers.database) as session:
            version = await next_version(session)
            for kind, ids in (await with_followers(session, claims)).items():
                for start in range(0, len(ids), SLICE):
                    await writer.send(await lines_of(session, servers, kind, ids[start : start + SLICE], version))
        return await writer.finish()
    except BaseException:
        await writer.abandon()
        raise


def _target(servers: Servers, line: Line) -> Target:
    return next(target for target in TARGETS if alias(servers.prefix, target) == line.index)


async def refresh(servers: Servers, indices: Collection[str] = ()) -> None:
    """Let searches see everything written so far: to these indices or aliases, to all when none is named."""
    named = sorted(indices) or [alias(servers.prefix, target) for target in TARGETS]
    await ask(servers.elasticsearch.indices.refresh, index=named, ignore_unavailable=True)
