"""Judging: the compiled rules over the nation, over what changed, or over any past state of knowledge."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import dirty, statistics
from registry.clock import civil_day, now
from registry.compiling import Use
from registry.dirty import UNSETTLED_RECORDS
from registry.findings import JudgingRun
from registry.flags import Asked, Flag, ask_evidence, ask_flags_with_evidence
from registry.law_in_force import catalogue_in_force
from registry.merging_findings import Merged, Unflagged, close, find_unflagged, merge_flags, why_closed

CLAIM_LIMIT: Final = 20_000


@dataclass(frozen=True, slots=True)
class Judged:
    """What one pass of the rules did: acts looked at, findings opened, restated and closed."""

    scope: str
    judged: int
    opened: int
    changed: int
    closed: int

    @property
    def wrote(self) -> bool:
        """Whether any finding changed."""
        return bool(self.opened or self.changed or self.closed)


async def replay(session: AsyncSession, as_of: date, known_at: datetime) -> list[Flag]:
    """What the rules say of the world on a day by what was known at an instant; writes nothing."""
    return await ask_flags_with_evidence(session, Asked(Use("nation", "then"), as_of, known_at))


async def judge_nation(session: AsyncSession, as_of: date, at: datetime) -> Judged:
    """Judge every settled record by what is known now and bring the findings up to date; `at` is when we learn it."""
    await statistics.refresh(session, statistics.WORTH_A_LOOK)
    flags = await ask_flags_with_evidence(session, Asked(Use("nation"), as_of))
    connection = await session.connection()
    unsettled = list((await connection.execute(text(UNSETTLED_RECORDS))).scalars())
    judged = await connection.scalar(
        text("SELECT count(*) FROM links WHERE known_to = 'infinity' AND outcome IN ('linked', 'none')")
    )
    merged = await merge_flags(session, flags, at)
    await _close(session, await find_unflagged(session, records=None, unsettled=unsettled), as_of, at, merged)
    return await _finish(session, "nation", as_of, at, judged or 0, merged)


async def judge_changed(session: AsyncSession, at: datetime, *, limit: int = CLAIM_LIMIT) -> Judged | None:
    """Judge what was marked since, by the day of `at`; None when nothing awaits judging."""
    claims = await dirty.claim(session, "judge", limit=limit)
    if not claims:
        return None
    await statistics.refresh(session, len(claims))
    as_of = civil_day(at)
    projects, records = await _touched(session, claims)
    flags = await ask_flags_with_evidence(session, Asked(Use("changed"), as_of, records=records, projects=projects))
    merged = await merge_flags(session, flags, at)
    await _close(session, await find_unflagged(session, records=records, unsettled=()), as_of, at, merged)
    judged = await _finish(session, "changed", as_of, at, len(records), merged)
    await dirty.settle(session, "judge", claims)
    return judged


async def _close(
    session: AsyncSession, unflagged: Sequence[Unflagged], as_of: date, at: datetime, merged: Merged
) -> None:
    """Close each with the reason that the evidence gives, as it is seen now."""
    if not unflagged:
        return
    records = [one.record_id for one in unflagged]
    projects = await _ids(session, _PROJECTS_OF_RECORDS, records=records)
    seen = await ask_evidence(session, Asked(Use("changed"), as_of, records=records, projects=projects))
    current = {one.id: one for one in (await catalogue_in_force(session)).rules}
    whys = [why_closed(one, seen.get(one.record_id, []), current) for one in unflagged]
    await close(session, unflagged, whys, at, merged)


async def _touched(session: AsyncSession, claims: Sequence[dirty.Claim]) -> tuple[list[int], list[int]]:
    """The projects whose facts changed, and the records that are judged by them."""
    marked = dirty.ids_of(claims, "record")
    projects = await _ids(
        session,
        _TOUCHED_PROJECTS,
        records=marked,
        projects=dirty.ids_of(claims, "project"),
        enterprises=dirty.ids_of(claims, "enterprise"),
    )
    records = await _ids(session, _TOUCHED_RECORDS, records=marked, projects=projects)
    # A record of a touched project may belong to others too, and is judged by all of them.
    return await _ids(session, _PROJECTS_OF_RECORDS, records=records), records


async def _ids(session: AsyncSession, sql: str, **ids: Sequence[int]) -> list[int]:
    connection = await session.connection()
    binds = [bindparam(name, type_=ARRAY(BigInteger)) for name in ids]
    rows = await connection.execute(text(sql).bindparams(*binds), {name: list(one) for name, one in ids.items()})
    return list(rows.scalars())


async def _finish(session: AsyncSession, scope: str, as_of: date, at: datetime, judged: int, merged: Merged) -> Judged:
    """Mark what changed for the index and note the run."""
    await dirty.mark(session, "index", "record", merged.records)
    await dirty.mark(session, "index", "project", merged.projects)
    session.add(
        JudgingRun(
            scope=scope,
            as_of=as_of,
            known_at=at,
            started_at=at,
            finished_at=now(),
            judged=judged,
            opened=merged.opened,
            changed=merged.changed,
            closed=merged.closed,
        )
    )
    await session.flush()
    return Judged(scope, judged, merged.opened, merged.changed, merged.closed)


_PROJECTS_OF_RECORDS: Final = """
SELECT DISTINCT l.project_id FROM links AS l
WHERE l.record_id = ANY(:records) AND l.known_to = 'infinity' AND l.project_id IS NOT NULL
"""

# Who owns a project, who is a branch of whom, and which project continues which bear on `project-code-misused`.
_TOUCHED_PROJECTS: Final = """
WITH touched AS (
    SELECT unnest(:projects) AS project_id
    UNION
    SELECT l.project_id FROM links AS l
    WHERE l.record_id = ANY(:records) AND l.known_to = 'infinity'
    UNION
    SELECT f.project_id FROM findings AS f
    WHERE f.subject_kind = 'record' AND f.subject_id = ANY(:records) AND f.known_to = 'infinity'
    UNION
    SELECT v.project_id FROM project_versions AS v
    WHERE v.known_to = 'infinity' AND v.owner_id IN (
        SELECT unnest(:enterprises)
        UNION
        SELECT o.owner_id FROM enterprise_owners AS o
        WHERE o.enterprise_id = ANY(:enterprises) AND o.known_to = 'infinity'
        UNION
        SELECT o.enterprise_id FROM enterprise_owners AS o
        WHERE o.owner_id = ANY(:enterprises) AND o.known_to = 'infinity'
    )
)
SELECT project_id FROM touched WHERE project_id IS NOT NULL
UNION
SELECT c.predecessor_id FROM project_lineage AS c JOIN touched USING (project_id) WHERE c.known_to = 'infinity'
UNION
SELECT c.project_id FROM project_lineage AS c JOIN touched ON touched.project_id = c.predecessor_id
WHERE c.known_to = 'infinity'
"""

_TOUCHED_RECORDS: Final = f"""
SELECT record_id FROM (
    SELECT unnest(:records) AS record_id
    UNION
    SELECT l.record_id FROM links AS l WHERE l.project_id = ANY(:projects) AND l.known_to = 'infinity'
) AS touched
WHERE record_id NOT IN ({UNSETTLED_RECORDS})
ORDER BY record_id
"""
