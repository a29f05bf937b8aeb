"""My desk: what is due today, overdue, new, and what others are waited for; with counts for the navigation."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.cases.case_file import TASKS, CaseTaskLine, task_lines
from registry.cases.case_list import COLUMNS, NAMES, CaseLine, case_lines
from registry.clock import CIVIL_ZONE
from registry.reading import Row, first, region_names, rows
from registry.viewers import Viewer
from registry.working_days import is_working_day

Whose = Literal["mine", "desk"]
# So many of each kind are shown; the counts tell of the rest, and the list of cases shows them.
MOST_SHOWN: Final = 100
# What was opened or given so many working days ago is new.
NEW_DAYS: Final = 3


class DeskAlert(BaseModel):
    """An alert of the office that is in no case yet."""

    alert_id: int
    rule: str
    lane: str
    severity: str
    state: str
    project_id: int | None
    project_name: str | None
    suspected_id: int | None
    enterprise_id: int | None
    enterprise_name: str | None
    region: str | None
    region_name: str | None = None
    findings_open: int
    opened_at: datetime


class DeskPart(BaseModel):
    """One part of the desk: how many there are, and the first of them."""

    count: int
    cases: list[CaseLine]
    tasks: list[CaseTaskLine]


class Desk(BaseModel):
    """Everything that waits for a person or an office."""

    whose: str
    today: date
    working_day: bool
    due_today: DeskPart
    overdue: DeskPart
    new: DeskPart
    waiting: DeskPart
    others: DeskPart
    alerts: list[DeskAlert]
    alerts_count: int


@dataclass(frozen=True, slots=True)
class DeskCounts:
    """What the navigation says."""

    overdue: int
    due_today: int

    @property
    def urgent(self) -> int:
        """What cannot wait until tomorrow."""
        return self.overdue + self.due_today


# My cases and tasks, or all of the office; parts never overlap: overdue, due today, new, other.
_CASE_PART: Final = """
CASE WHEN c.due < :today THEN 'overdue' WHEN c.due = :today THEN 'due_today'
    WHEN c.stage_since >= :since AND c.stage = 'verify' THEN 'new' ELSE 'others' END
"""
_TASK_PART: Final = """
CASE WHEN t.due < :today THEN 'overdue' WHEN t.due = :today THEN 'due_today'
    WHEN t.asked_at >= :since THEN 'new' ELSE 'others' END
"""
_MY_CASES: Final = "c.state = 'open' AND c.desk_id = :office AND (:desk OR c.owner_id = :me)"
_MY_TASKS: Final = (
    "t.state = 'open' AND t.organisation_id = :office AND (:desk OR t.assignee_id = :me OR t.assignee_id IS NULL)"
)
_WAITING: Final = (
    "t.state = 'open' AND t.organisation_id <> :office AND c.desk_id = :office AND (:desk OR c.owner_id = :me)"
)


async def desk(session: AsyncSession, viewer: Viewer, whose: Whose, today: date) -> Desk:
    """The desk of a person (`mine`) or of their whole office (`desk`)."""
    binds = {
        "today": today,
        "since": _since(today),
        "office": viewer.organisation_id,
        "me": viewer.account_id or 0,
        "desk": whose == "desk",
    }
    found_cases = await rows(
        session,
        f"SELECT {COLUMNS}, {_CASE_PART} AS part FROM cases AS c {NAMES} WHERE {_MY_CASES} "
        f"ORDER BY c.due NULLS LAST, c.id LIMIT {MOST_SHOWN * 5}",
        **binds,
    )
    found_tasks = await rows(
        session,
        f"SELECT s.*, {_TASK_PART} AS part FROM ({TASKS} WHERE {_MY_TASKS}) AS s JOIN case_tasks AS t "
        f"ON t.id = s.task_id ORDER BY s.due, s.task_id LIMIT {MOST_SHOWN * 5}",
        **binds,
    )
    waiting = await rows(session, f"{TASKS} WHERE {_WAITING} ORDER BY t.due, t.id LIMIT {MOST_SHOWN + 1}", **binds)
    alerts = await _alerts(session, viewer)
    names = await region_names(session, [row["region"] for row in alerts])
    parts = {}
    for part in ("overdue", "due_today", "new", "others"):
        cases = [row for row in found_cases if row["part"] == part]
        tasks = [
            {name: value for name, value in row.items() if name != "part"} for row in found_tasks if row["part"] == part
        ]
        parts[part] = DeskPart(
            count=len(cases) + len(tasks),
            cases=await case_lines(session, cases[:MOST_SHOWN], today),
            tasks=await task_lines(session, viewer, tasks[:MOST_SHOWN], today),
        )
    waited = DeskPart(
        count=len(waiting), cases=[], tasks=await task_lines(session, viewer, waiting[:MOST_SHOWN], today)
    )
    return Desk(
        whose=whose,
        today=today,
        working_day=is_working_day(today),
        due_today=parts["due_today"],
        overdue=parts["overdue"],
        new=parts["new"],
        others=parts["others"],
        waiting=waited,
        alerts=[DeskAlert(**row, region_name=names.get(row["region"] or "")) for row in alerts[:MOST_SHOWN]],
        alerts_count=len(alerts) if len(alerts) <= MOST_SHOWN else await _number_of_alerts(session, viewer),
    )


_ALERTS: Final = "a.organisation_id = :office AND a.state IN ('open', 'acknowledged')"


async def _alerts(session: AsyncSession, viewer: Viewer) -> list[Row]:
    return await rows(
        session,
        f"""
        SELECT a.id AS alert_id, a.rule, a.lane, a.severity, a.state, a.project_id, v.name AS project_name,
            a.suspected_id, a.enterprise_id, e.name AS enterprise_name, a.region, a.findings_open, a.opened_at
        FROM alerts AS a LEFT JOIN LATERAL (SELECT name FROM project_versions WHERE project_id = a.project_id
            AND known_to = 'infinity' ORDER BY held_from DESC NULLS LAST LIMIT 1) AS v ON true
        LEFT JOIN LATERAL (SELECT name FROM enterprise_versions WHERE enterprise_id = a.enterprise_id
            AND known_to = 'infinity' ORDER BY held_from DESC NULLS LAST LIMIT 1) AS e ON true
        WHERE {_ALERTS} ORDER BY a.state = 'acknowledged', a.severity = 'warning', a.opened_at DESC, a.id
        LIMIT {MOST_SHOWN + 1}
        """,
        office=viewer.organisation_id,
    )


async def _number_of_alerts(session: AsyncSession, viewer: Viewer) -> int:
    found = await first(
        session, f"SELECT count(*) AS n FROM alerts AS a WHERE {_ALERTS}", office=viewer.organisation_id
    )
    return int(found["n"]) if found else 0


async def desk_counts(session: AsyncSession, viewer: Viewer, today: date) -> DeskCounts:
    """How much of one's own is late or due today, for the navigation; one statement."""
    found = await first(
        session,
        f"""
        SELECT (SELECT count(*) FROM cases AS c WHERE {_MY_CASES} AND c.due < :today)
             + (SELECT count(*) FROM case_tasks AS t WHERE {_MY_TASKS} AND t.due < :today) AS overdue,
               (SELECT count(*) FROM cases AS c WHERE {_MY_CASES} AND c.due = :today)
             + (SELECT count(*) FROM case_tasks AS t WHERE {_MY_TASKS} AND t.due = :today) AS due_today
        """,
        today=today,
        office=viewer.organisation_id,
        me=viewer.account_id or 0,
        desk=False,
    )
    assert found is not None  # noqa: S101  # a SELECT without FROM gives its one row
    return DeskCounts(**found)


def _since(today: date) -> datetime:
    """The midnight from which on something is new."""
    day, left = today, NEW_DAYS
    while left:
        day -= timedelta(days=1)
        left -= is_working_day(day)
    return datetime.combine(day, time(), CIVIL_ZONE)
