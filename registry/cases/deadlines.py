"""Deadlines of cases: the working days that stages.yml allows, and the office that has a task to do."""

from datetime import date

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.cases.stages import Allowed
from registry.errors import BadInput
from registry.flags import read_succession
from registry.reading import Row, first
from registry.viewers import NATION
from registry.working_days import working_day_after


def due_after(today: date, allowed: Allowed | None) -> date | None:
    """The last day of what is allowed from today; None where nothing is set."""
    return None if allowed is None else working_day_after(today, allowed.working_days)


def checked_due(due: date, today: date) -> date:
    """A deadline that somebody set; raises BadInput for one that is over."""
    if due < today:
        raise BadInput("A deadline cannot be over already.", where="due")
    return due


_OFFICES = """
SELECT o.id, o.lanes FROM organisations AS o LEFT JOIN agencies AS a ON a.id = :agency
WHERE o.kind = 'agency' AND o.ended_at IS NULL
  AND (o.region IN (:region, :nation)
       OR EXISTS (SELECT FROM region_within AS w WHERE w.outer_code = o.region AND w.inner_code = :region))
  AND (o.agency_id = :agency OR a.lane = ANY(o.lanes))
ORDER BY o.agency_id IS NOT DISTINCT FROM :agency DESC, length(rtrim(o.region, '0')) DESC, o.id
LIMIT 1
"""


async def office_of(session: AsyncSession, agency: str, region: str, day: date) -> Row | None:
    """The nearest office for a region of an agency, of its successor on the day, or of its lane; None without one."""
    holder = (await read_succession(session)).holder(agency, day)
    return await first(session, _OFFICES, agency=holder, region=region, nation=NATION)
