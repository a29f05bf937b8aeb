"""Cases for reading: the list with its filters, found by number, title, project or enterprise; PostgreSQL is enough."""

import re
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final, Literal

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.cases.stages import stages
from registry.errors import NotFound
from registry.reading import (
    Row,
    asked_for,
    day_of_cursor,
    number_of_cursor,
    read_cursor,
    region_names,
    rows,
    write_cursor,
)
from registry.viewers import Viewer

CaseState = Literal["open", "closed", "merged", "all"]
STATES: Final[tuple[CaseState, ...]] = ("open", "closed", "merged", "all")
# What LIKE takes for more than itself.
_WILD: Final = re.compile(r"([%_\\])")
# Sorts what has no deadline to the end.
_NO_DAY: Final = date(9999, 1, 1)


class CaseLine(BaseModel):
    """One case in a list."""

    number: str
    title: str
    path: str
    path_zh: str
    path_en: str
    stage: str
    stage_zh: str
    stage_en: str
    state: str
    outcome: str
    outcome_zh: str = ""
    outcome_en: str = ""
    origin: str
    desk_id: str
    desk_zh: str
    desk_en: str
    owner: str
    region: str
    region_name: str | None = None
    project_id: int | None
    project_name: str | None
    suspected_id: int | None
    enterprise_id: int | None
    enterprise_name: str | None
    due: date | None
    overdue: bool
    opened_at: datetime
    closed_at: datetime | None
    tasks_open: int
    tasks_overdue: int
    credit: bool
    synthetic: bool
    version: int


class CasePage(BaseModel):
    """One page of a list and the cursor of the next."""

    items: list[CaseLine]
    total: int
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What to list; None asks nothing."""

    state: str = "open"
    path: str | None = None
    stage: str | None = None
    province: str | None = None
    # mine: given to me; desk: of my office; asked: my office was given a task
    whose: str | None = None
    late: bool = False
    project: int | None = None
    suspected: int | None = None
    q: str | None = None

    def asked(self) -> dict[str, str]:
        """The filter as parameters of an address."""
        return {
            one.name: "yes" if getattr(self, one.name) is True else str(getattr(self, one.name))
            for one in fields(self)
            if getattr(self, one.name) not in (None, False)
        }

    def conditions(self, viewer: Viewer, today: date) -> tuple[str, dict[str, Any]]:
        """The WHERE text and its binds."""
        where, binds = asked_for(
            {
                "c.state = :state": None if self.state == "all" else self.state,
                "c.path = :path": self.path,
                "c.stage = :stage": self.stage,
                "left(c.region, 2) = :province": self.province,
                "c.project_id = :project": self.project,
                "c.suspected_id = :suspected": self.suspected,
            }
        )
        if self.whose == "mine":
            where.append("c.owner_id = :me")
            binds["me"] = viewer.account_id or 0
        elif self.whose in ("desk", "asked"):
            where.append("c.desk_id = :office" if self.whose == "desk" else ":office = ANY(c.organisations)")
            binds["office"] = viewer.organisation_id
        if self.late:
            where.append("c.state = 'open' AND c.due < :late_on")
            binds["late_on"] = today
        if self.q and self.q.strip():
            where.append(
                "(c.number ILIKE :like OR c.title ILIKE :like OR EXISTS (SELECT FROM project_versions AS named WHERE "
                "named.project_id = c.project_id AND named.known_to = 'infinity' AND named.name ILIKE :like) OR EXISTS "
                "(SELECT FROM enterprise_versions AS named WHERE named.enterprise_id = c.enterprise_id "
                "AND named.known_to = 'infinity' AND named.name ILIKE :like))"
            )
            binds["like"] = "%" + _WILD.sub(r"\\\1", self.q.strip()[:100]) + "%"
        return " AND ".join(where) or "true", binds


COLUMNS: Final = """
c.id, c.number, c.title, c.path, c.stage, c.state, c.outcome, c.origin, c.desk_id, d.name_zh AS desk_zh,
d.name_en AS desk_en, coalesce(p.name, '') AS owner, c.region, c.project_id, v.name AS project_name, c.suspected_id,
c.enterprise_id, e.name AS enterprise_name, c.due, c.opened_at, c.closed_at, c.credit, c.synthetic, c.version,
c.stage_since, c.origin_reference, c.opened_by, c.owner_id, c.merged_into, c.split_from,
(SELECT count(*) FROM case_tasks AS t WHERE t.case_id = c.id AND t.state = 'open') AS tasks_open,
(SELECT count(*) FROM case_tasks AS t WHERE t.case_id = c.id AND t.state = 'open' AND t.due < :today) AS tasks_overdue
"""
NAMES: Final = """
LEFT JOIN organisations AS d ON d.id = c.desk_id
LEFT JOIN colleagues AS p ON p.id = c.owner_id
LEFT JOIN LATERAL (SELECT name FROM project_versions WHERE project_id = c.project_id AND known_to = 'infinity'
    ORDER BY held_from DESC NULLS LAST LIMIT 1) AS v ON true
LEFT JOIN LATERAL (SELECT name FROM enterprise_versions WHERE enterprise_id = c.enterprise_id
    AND known_to = 'infinity' ORDER BY held_from DESC NULLS LAST LIMIT 1) AS e ON true
"""


async def list_cases(
    session: AsyncSession, viewer: Viewer, wanted: CaseFilter, today: date, *, cursor: str = "", limit: int = 25
) -> CasePage:
    """Cases that the viewer reads, those due first first; nothing for whoever may read none."""
    where, binds = wanted.conditions(viewer, today)
    total = await rows(session, f"SELECT count(*) AS total FROM cases AS c WHERE {where}", **binds)
    if cursor:
        due, one = read_cursor(cursor, 2)
        where += " AND (coalesce(c.due, :no_day), c.id) > (:last_due, :last_id)"
        binds |= {"last_due": day_of_cursor(due), "last_id": number_of_cursor(one)}
    found = await rows(
        session,
        f"SELECT {COLUMNS} FROM cases AS c {NAMES} WHERE {where} ORDER BY coalesce(c.due, :no_day), c.id "
        f"LIMIT {limit + 1}",
        **binds,
        no_day=_NO_DAY,
        today=today,
    )
    more, found = len(found) > limit, found[:limit]
    next_cursor = write_cursor((found[-1]["due"] or _NO_DAY).isoformat(), found[-1]["id"]) if more else None
    return CasePage(
        items=await case_lines(session, found, today), total=int(total[0]["total"]), next_cursor=next_cursor
    )


async def case_lines(session: AsyncSession, found: list[Row], today: date) -> list[CaseLine]:
    """Rows of COLUMNS as lines, with the words of their path, stage and end."""
    names = await region_names(session, [row["region"] for row in found])
    way = stages()
    lines = []
    for row in found:
        path, stage, outcome = way.paths[row["path"]], way.stages.get(row["stage"]), way.outcomes.get(row["outcome"])
        lines.append(
            CaseLine(
                **{name: value for name, value in row.items() if name in CaseLine.model_fields},
                path_zh=path.title_zh,
                path_en=path.title_en,
                stage_zh=stage.title_zh if stage else row["stage"],
                stage_en=stage.title_en if stage else row["stage"],
                outcome_zh=outcome.title_zh if outcome else "",
                outcome_en=outcome.title_en if outcome else "",
                region_name=names.get(row["region"]),
                overdue=row["state"] == "open" and row["due"] is not None and row["due"] < today,
            )
        )
    return lines


async def cases_of_project(session: AsyncSession, viewer: Viewer, project_id: int, today: date) -> list[CaseLine]:
    """The cases about a project, for whoever reads them; nothing for the public."""
    if not viewer.may("internal"):
        return []
    page = await list_cases(session, viewer, CaseFilter(state="all", project=project_id), today, limit=100)
    return page.items


async def case_of_alert(session: AsyncSession, alert_id: int) -> str:
    """The number of the case that an alert is in; raises NotFound where the viewer reads none."""
    statement = (
        "SELECT c.number FROM case_subjects AS s JOIN cases AS c ON c.id = s.case_id "
        "WHERE s.kind = 'alert' AND s.reference = :alert AND s.left_at IS NULL"
    )
    found = await rows(session, statement, alert=str(alert_id))
    if not found:
        raise NotFound("There is no such case.", where="alert")
    return str(found[0]["number"])
