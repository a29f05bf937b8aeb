"""Judging: the compiled rules over the nation, over what changed, or over any past state of knowledge."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import dirty, statistics
from registry.acts import FORMALITIES
from registry.clock import civil_day, now
from registry.dirty import UNSETTLED_RECORDS
from registry.fact_texts import Use
from registry.findings import JudgingRun
from registry.flags import Asked, Flag, ask_evidence, ask_flags_with_evidence
from registry.gate.marks import mark_acts
from registry.gate.watch import look_again
from registry.law_in_force import catalogue_in_force
from registry.merging_findings import Merged, Unflagged, close, find_unflagged, merge_flags, why_closed
from registry.turns import take_turn

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
    # Alone: what a batch of changed records opened after our reading would be closed again here.
    await take_turn(await session.connection(), "judging")
    flags = await ask_flags_with_evidence(session, Asked(Use("nation"), as_of))
    connection = await session.connection()
    unsettled = list((await connection.execute(text(UNSETTLED_RECORDS))).scalars())
    judged = await connection.scalar(
        text("SELECT count(*) FROM links WHERE known_to = 'infinity' AND outcome IN ('linked', 'none')")
    )
    merged = await merge_flags(session, flags, at)
    await _close(session, await find_unflagged(session, records=None, unsettled=unsettled), as_of, at, merged)
    await look_again(session, None, at)
    await mark_acts(session, None, at)
    return await _finish(session, "nation", as_of, at, judged or 0, merged)


async def judge_changed(
    session: AsyncSession, at: datetime, *, limit: int = CLAIM_LIMIT, lane: dirty.Lane | None = None
) -> Judged | None:
    """Judge what was marked since, by the day of `at`; None when nothing awaits judging."""
    claims = await dirty.claim(session, "judge", limit=limit, lane=lane)
    if not claims:
        return None
    await statistics.refresh(session, len(claims))
    as_of = civil_day(at)
    projects, records, enterprises = await _touched(session, claims)
    # The later of two batches that touch the same reads after the earlier has written, and undoes nothing. By locks of
    # their own: whoever registers a project locks its row and then waits for our marks.
    touched = [f"{kind} {one}" for kind, ids in (("project", projects), ("enterprise", enterprises)) for one in ids]
    await take_turn(await session.connection(), "judging", touched)
    flags = await ask_flags_with_evidence(
        session, Asked(Use("changed"), as_of, records=records, projects=projects, enterprises=enterprises)
    )
    merged = await merge_flags(session, flags, at)
    unflagged = await find_unflagged(session, records=records, projects=projects, enterprises=enterprises)
    await _close(session, unflagged, as_of, at, merged)
    await look_again(session, sorted({*projects, *merged.projects}), at)
    await mark_acts(session, records, at)
    judged = await _finish(session, "changed", as_of, at, len(records), merged, dirty.run_of(claims))
    await dirty.settle(session, "judge", claims)
    return judged


async def _close(
    session: AsyncSession, unflagged: Sequence[Unflagged], as_of: date, at: datetime, merged: Merged
) -> None:
    """Close each with the reason that the evidence gives, as it is seen now."""
    if not unflagged:
        return
    records = [one.subject_id for one in unflagged if one.subject_kind == "record"]
    projects = await _ids(session, _PROJECTS_OF_RECORDS, records=records)
    projects += [one.project_id for one in unflagged if one.project_id is not None]
    enterprises = [one.enterprise_id for one in unflagged if one.enterprise_id is not None]
    asked = Asked(Use("changed"), as_of, records=records, projects=projects, enterprises=enterprises)
    seen = await ask_evidence(session, asked)
    current = {one.id: one for one in (await catalogue_in_force(session)).rules}
    whys = [why_closed(one, seen.get((one.subject_kind, one.subject_id), []), current) for one in unflagged]
    await close(session, unflagged, whys, at, merged)


async def _touched(session: AsyncSession, claims: Sequence[dirty.Claim]) -> tuple[list[int], list[int], list[int]]:
    """The projects whose facts changed, the records that are judged by them, and the enterprises that act there."""
    marked, enterprises = dirty.ids_of(claims, "record"), dirty.ids_of(claims, "enterprise")
    projects = await _ids(
        session,
        _TOUCHED_PROJECTS,
        records=marked,
        projects=dirty.ids_of(claims, "project"),
        enterprises=enterprises,
    )
    alike = await _ids(session, _ALIKE_ENTERPRISES, projects=projects, enterprises=enterprises)
    records = await _ids(session, _TOUCHED_RECORDS, records=marked, projects=projects, enterprises=enterprises)
    # A record of a touched project may belong to others too, and is judged by all of them.
    projects = await _ids(session, _JUDGED_PROJECTS, records=records, projects=projects)
    return projects, records, await _ids(session, _ACTING, records=records, enterprises=[*enterprises, *alike])


async def _ids(session: AsyncSession, sql: str, **ids: Sequence[int]) -> list[int]:
    connection = await session.connection()
    binds = [bindparam(name, type_=ARRAY(BigInteger)) for name in ids]
    rows = await connection.execute(text(sql).bindparams(*binds), {name: list(one) for name, one in ids.items()})
    return list(rows.scalars())


async def _finish(
    session: AsyncSession, scope: str, as_of: date, at: datetime, judged: int, merged: Merged, run: int | None = None
) -> Judged:
    """Mark what changed for the desks and for the index, and note the run."""
    await dirty.mark(session, "alert", "finding", merged.versions, run_id=run)
    await dirty.mark(session, "index", "record", merged.records, run_id=run)
    await dirty.mark(session, "index", "project", merged.projects, run_id=run)
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

_JUDGED_PROJECTS: Final = f"{_PROJECTS_OF_RECORDS} UNION SELECT unnest(:projects)"

_ACTING: Final = """
SELECT unnest(:enterprises)
UNION
SELECT l.enterprise_id FROM links AS l
WHERE l.record_id = ANY(:records) AND l.known_to = 'infinity' AND l.enterprise_id IS NOT NULL
"""

# A unit that was dismantled here may stand there: of the same class and size, commissioned no sooner. What was known of
# the unit that changed counts as well, since what it no longer says may have been the reason.
# Few units are dismantled, so each side of the pair is asked by itself.
_ALIKE: Final = """
SELECT e.enterprise_id, e.project_id FROM {units} AS u JOIN equipment AS e ON {same}
WHERE u.dismantled IS NOT NULL AND u.dismantled <= e.commissioned{of_these}
UNION
SELECT e.enterprise_id, e.project_id FROM {units} AS u JOIN equipment AS e ON {same}
WHERE e.dismantled IS NOT NULL AND e.dismantled <= u.commissioned{of_these}
"""
_SAME: Final = """e.known_to = 'infinity' AND e.equipment_class = u.equipment_class
    AND COALESCE(e.size = u.size, e.size IS NULL AND u.size IS NULL)"""
_OF_THESE: Final = " AND (u.project_id = ANY(:projects) OR u.enterprise_id = ANY(:enterprises))"

_ALIKE_ENTERPRISES: Final = f"""
SELECT DISTINCT alike.enterprise_id
FROM ({_ALIKE.format(units="equipment", same=_SAME, of_these=_OF_THESE)}) AS alike
WHERE alike.enterprise_id IS NOT NULL
"""

# A record that changed is judged again; with it all of its project only where it is or was a formality. Who owns a
# project, who is a branch of whom, and which project continues which bear on `project-code-misused`.
_TOUCHED_PROJECTS: Final = f"""
WITH formalities AS (
    SELECT r.record_id FROM records AS r WHERE r.record_id = ANY(:records) AND r.act IN {FORMALITIES}
),
given AS (
    SELECT unnest(:projects) AS project_id
    UNION
    SELECT l.project_id FROM links AS l JOIN formalities AS r USING (record_id) WHERE l.known_to = 'infinity'
    UNION
    SELECT f.project_id FROM findings AS f JOIN formalities AS r ON r.record_id = f.subject_id
    WHERE f.subject_kind = 'record' AND f.known_to = 'infinity'
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
),
units AS (
    SELECT e.reference, e.equipment_class, e.size, e.commissioned, e.dismantled FROM equipment AS e
    WHERE e.project_id IN (SELECT project_id FROM given) OR e.enterprise_id = ANY(:enterprises)
),
named AS (
    SELECT reference FROM units
    UNION
    SELECT t.equipment_reference FROM eliminations AS t WHERE t.enterprise_id = ANY(:enterprises)
    UNION
    SELECT u.reference FROM replacement_plans AS p JOIN plan_units AS u ON u.plan_id = p.plan_id
    WHERE p.project_id IN (SELECT project_id FROM given)
),
touched AS (
    SELECT project_id FROM given
    UNION
    -- One unit may be offered by several plans, and a plan's unit be another enterprise's or owed under another duty.
    SELECT p.project_id FROM plan_units AS u
    JOIN replacement_plans AS p ON p.plan_id = u.plan_id AND p.known_to = 'infinity'
    WHERE u.known_to = 'infinity' AND u.reference IN (SELECT reference FROM named)
    UNION
    SELECT e.project_id FROM equipment AS e
    WHERE e.known_to = 'infinity' AND e.reference IN (SELECT reference FROM named)
    UNION
    SELECT alike.project_id FROM ({_ALIKE.format(units="units", same=_SAME, of_these="")}) AS alike
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
    UNION
    SELECT l.record_id FROM links AS l WHERE l.enterprise_id = ANY(:enterprises) AND l.known_to = 'infinity'
) AS touched
WHERE record_id NOT IN ({UNSETTLED_RECORDS})
ORDER BY record_id
"""
