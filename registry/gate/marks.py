"""Marks: an act that was done without a gate check, against one, or after its allowance had lapsed.

Acts from the day of the register's first signing key on are looked at. Of several checks of the same act for the same
project the newest that was asked by the day of the act counts, whoever asked it.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, Literal

from pydantic import BaseModel
from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import dirty
from registry.acts import LANE_OF_ACT
from registry.clock import civil_day
from registry.gate.questions import GATE_ACTS
from registry.history import Instant
from registry.reading import Row, first, read_cursor, region_names, rows, write_cursor

Mark = Literal["without", "against", "lapsed"]
MARKS: Final[tuple[Mark, ...]] = Mark.__args__  # type: ignore[attr-defined]  # typing's own tuple

_ACTS: Final = ", ".join(f"'{act}'" for act in GATE_ACTS)
# An allowance also ends when its asker was told that it no longer stands.
_WANTED: Final = f"""
CREATE TEMPORARY TABLE marks_wanted ON COMMIT DROP AS
SELECT r.record_id, l.project_id, checked.id AS check_id,
       CASE
           WHEN checked.id IS NULL THEN 'without'
           WHEN checked.answer <> 'allow' THEN 'against'
           WHEN checked.holds_until < r.acted_on OR checked.told <> 'allow' THEN 'lapsed'
       END AS mark
FROM records AS r
JOIN links AS l ON l.record_id = r.record_id AND l.known_to = 'infinity' AND l.project_id IS NOT NULL
LEFT JOIN LATERAL (
    SELECT c.id, c.answer, c.holds_until, (
        SELECT n.answer FROM gate_notices AS n
        WHERE n.check_id = c.id AND CAST(n.at AT TIME ZONE 'Asia/Shanghai' AS date) < r.acted_on
        ORDER BY n.id DESC LIMIT 1
    ) AS told
    FROM gate_checks AS c
    WHERE c.project_id = l.project_id AND c.act = r.act
      AND CAST(c.asked_at AT TIME ZONE 'Asia/Shanghai' AS date) <= r.acted_on
    ORDER BY c.asked_at DESC, c.id DESC LIMIT 1
) AS checked ON TRUE
WHERE r.known_to = 'infinity' AND r.act IN ({_ACTS}) AND r.acted_on >= :since
  AND (CAST(:records AS bigint[]) IS NULL OR r.record_id = ANY(CAST(:records AS bigint[])))
"""
_SAME: Final = """
w.record_id = m.record_id AND w.project_id = m.project_id AND w.mark = m.mark
AND w.check_id IS NOT DISTINCT FROM m.check_id
"""
_CLOSE: Final = f"""
UPDATE gate_marks AS m SET known_to = greatest(:at, m.known_from)
WHERE m.known_to = 'infinity' AND (CAST(:records AS bigint[]) IS NULL OR m.record_id = ANY(CAST(:records AS bigint[])))
  AND NOT EXISTS (SELECT FROM marks_wanted AS w WHERE {_SAME})
RETURNING m.record_id
"""
_ADD: Final = """
INSERT INTO gate_marks (record_id, project_id, mark, check_id, known_from)
SELECT w.record_id, w.project_id, w.mark, w.check_id, :at FROM marks_wanted AS w
WHERE w.mark IS NOT NULL AND NOT EXISTS (
    SELECT FROM gate_marks AS m
    WHERE m.record_id = w.record_id AND m.project_id = w.project_id AND m.known_to = 'infinity'
)
RETURNING record_id
"""


async def mark_acts(session: AsyncSession, records: Sequence[int] | None, at: datetime) -> None:
    """Bring the marks of these records (None: of all) up to date."""
    began = await first(session, "SELECT min(since) AS at FROM gate_keys")
    if began is None or began["at"] is None:
        return
    connection = await session.connection()
    await connection.exec_driver_sql("DROP TABLE IF EXISTS marks_wanted")
    chosen = bindparam("records", None if records is None else list(records), ARRAY(BigInteger))
    await connection.execute(text(_WANTED).bindparams(chosen), {"since": civil_day(began["at"])})
    closed = await connection.execute(text(_CLOSE).bindparams(chosen, bindparam("at", at, Instant)))
    added = await connection.execute(text(_ADD).bindparams(bindparam("at", at, Instant)))
    await dirty.mark(session, "index", "record", [*closed.scalars(), *added.scalars()])


class MarkedAct(BaseModel):
    """One act with its mark; whoever asked the check is not named."""

    record_id: int
    project_id: int
    project_name: str
    mark: Mark
    lane: str
    act: str
    acted_on: date
    party_name: str | None
    authority: str | None
    region: str | None
    region_name: str | None = None
    checked_on: date | None
    answer: str | None
    synthetic: bool


class MarkPage(BaseModel):
    """One page of marked acts, latest first, and the cursor of the next."""

    items: list[MarkedAct]
    total: int
    next_cursor: str | None = None


_LISTED: Final = """
FROM gate_marks AS m
JOIN records AS r ON r.record_id = m.record_id AND r.known_to = 'infinity'
CROSS JOIN LATERAL (
    SELECT v.name FROM project_versions AS v
    WHERE v.project_id = m.project_id AND v.known_to = 'infinity' ORDER BY v.held_from DESC NULLS LAST LIMIT 1
) AS v
LEFT JOIN gate_checks AS c ON c.id = m.check_id
WHERE m.known_to = 'infinity'
  AND (CAST(:mark AS text) IS NULL OR m.mark = :mark) AND (CAST(:project AS bigint) IS NULL OR m.project_id = :project)
  AND (CAST(:record AS bigint) IS NULL OR m.record_id = :record)
  AND (CAST(:acts AS text[]) IS NULL OR r.act = ANY(CAST(:acts AS text[])))
  AND (CAST(:province AS text) IS NULL OR left(r.region, 2) = :province)
"""


async def list_marks(
    session: AsyncSession,
    *,
    mark: str | None = None,
    lane: str | None = None,
    province: str | None = None,
    project: int | None = None,
    record: int | None = None,
    cursor: str = "",
    limit: int = 25,
) -> MarkPage:
    """Marked acts of the records that the viewer sees."""
    acts = None if lane is None else [act for act, of in LANE_OF_ACT.items() if of == lane]
    wanted: Row = {"mark": mark, "acts": acts, "province": province, "project": project, "record": record}
    total = await rows(session, f"SELECT count(*) AS total {_LISTED}", **wanted)
    where = ""
    if cursor:
        day, version = read_cursor(cursor, 2)
        where = "AND (r.acted_on, m.version_id) < (CAST(CAST(:day AS text) AS date), CAST(:version AS bigint))"
        wanted |= {"day": str(day), "version": int(version)}
    found = await rows(
        session,
        f"""
        SELECT m.version_id, m.record_id, m.project_id, v.name AS project_name, m.mark, r.act, r.acted_on,
               r.party_name, r.authority, r.region, r.synthetic, c.answer,
               CAST(c.asked_at AT TIME ZONE 'Asia/Shanghai' AS date) AS checked_on
        {_LISTED} {where} ORDER BY r.acted_on DESC, m.version_id DESC LIMIT {int(limit) + 1}
        """,
        **wanted,
    )
    more = len(found) > limit
    found = found[:limit]
    names = await region_names(session, [row["region"] for row in found])
    items = [
        MarkedAct(**row, lane=LANE_OF_ACT[row["act"]], region_name=names.get(row["region"] or "")) for row in found
    ]
    last = write_cursor(found[-1]["acted_on"].isoformat(), found[-1]["version_id"]) if more else None
    return MarkPage(items=items, total=int(total[0]["total"]), next_cursor=last)


async def marks_of_record(session: AsyncSession, record_id: int) -> list[MarkedAct]:
    """The marks of one record, one for each project it belongs to."""
    return (await list_marks(session, record=record_id, limit=100)).items
