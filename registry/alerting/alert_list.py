"""Alerts for reading: the inbox with its filters and counts, and one alert with findings, trail and deliveries."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.wording import rule_title
from registry.audience import shown_finding
from registry.errors import NotFound
from registry.finding_list import FINDING_COLUMNS, FINDING_NAMES, FindingLine
from registry.reading import BadCursor, Row, asked_for, number_of_cursor, read_cursor, region_names, rows, write_cursor
from registry.viewers import Viewer

State = Literal["open", "acknowledged", "in_case", "closed"]
Desk = Literal["mine", "all", "none"]
Asleep = Literal["no", "yes"]

_COLUMNS: Final = """
    a.id, a.rule, a.episode, a.lane, a.severity, a.project_id, p.name AS project_name, a.suspected_id,
    a.enterprise_id, e.name AS enterprise_name, a.sector, a.region, a.synthetic, a.findings_open, a.findings_total,
    a.organisation_id, o.name_zh AS desk_zh, o.name_en AS desk_en, a.routed_by, a.state, a.closed_reason, a.opened_at,
    a.changed_at, a.acknowledged_at, a.acknowledged_by, a.closed_at, a.case_id, a.snoozed_until, a.snooze_reason,
    a.silence_id IS NOT NULL AS silenced, a.escalate_at, a.escalations, a.escalated_to, u.name_zh AS above_zh,
    u.name_en AS above_en, a.version
"""
_NAMES: Final = """
    LEFT JOIN organisations AS o ON o.id = a.organisation_id
    LEFT JOIN organisations AS u ON u.id = a.escalated_to
    LEFT JOIN LATERAL (SELECT v.name FROM project_versions AS v WHERE v.project_id = a.project_id
        AND v.known_to = 'infinity' ORDER BY v.held_from DESC NULLS LAST LIMIT 1) AS p ON true
    LEFT JOIN LATERAL (SELECT v.name FROM enterprise_versions AS v WHERE v.enterprise_id = a.enterprise_id
        AND v.known_to = 'infinity' ORDER BY v.held_from DESC NULLS LAST LIMIT 1) AS e ON true
"""
_ASLEEP: Final = "(a.silence_id IS NOT NULL OR coalesce(a.snoozed_until, '-infinity') > :now)"


class AlertLine(BaseModel):
    """One alert in a list: a suspicion of one rule about one project, and whose desk it lies on."""

    id: int
    rule: str
    rule_title_zh: str
    rule_title_en: str
    episode: int
    lane: str
    severity: str
    project_id: int | None
    project_name: str | None
    suspected_id: int | None
    enterprise_id: int | None
    enterprise_name: str | None
    sector: str | None
    region: str | None
    region_name: str | None = None
    synthetic: bool
    findings_open: int
    findings_total: int
    organisation_id: str | None
    desk_zh: str | None
    desk_en: str | None
    routed_by: str
    state: str
    closed_reason: str
    opened_at: datetime
    changed_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    closed_at: datetime | None
    case_id: int | None
    snoozed_until: datetime | None
    snooze_reason: str
    silenced: bool
    escalate_at: datetime | None
    escalations: int
    escalated_to: str | None
    above_zh: str | None
    above_en: str | None
    version: int


class AlertEventLine(BaseModel):
    """One step of an alert's trail."""

    at: datetime
    kind: str
    actor: str
    organisation_id: str
    reason: str
    content: dict[str, Any]


class DeliveryLine(BaseModel):
    """One telling of the alert, as far as it is the viewer's organisation's."""

    id: int
    kind: str
    channel: str
    recipient: str
    mode: str
    state: str
    problem: str
    attempts: int
    due_at: datetime
    settled_at: datetime | None


class Silence(BaseModel):
    """Why nobody is told, and until when."""

    id: int
    reason: str
    ends_at: datetime
    made_by: str


class AlertFile(AlertLine):
    """One alert with its findings, its trail and its deliveries."""

    findings: list[FindingLine]
    events: list[AlertEventLine]
    deliveries: list[DeliveryLine]
    silence: Silence | None = None


class AlertPage(BaseModel):
    """One page of a list and the cursor of the next."""

    items: list[AlertLine]
    total: int
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """What to list; None asks nothing. `desk`: on the viewer's own desk, all that they see, or on no desk."""

    desk: Desk = "mine"
    state: State | None = "open"
    lane: str | None = None
    severity: str | None = None
    rule: str | None = None
    province: str | None = None
    asleep: Asleep | None = "no"
    project: int | None = None

    def conditions(self, viewer: Viewer, now: datetime) -> tuple[str, dict[str, Any]]:
        """The WHERE text and its binds."""
        parts, binds = asked_for(
            {
                "a.state = :state": self.state,
                "a.lane = :lane": self.lane,
                "a.severity = :severity": self.severity,
                "a.rule = :rule": self.rule,
                "left(a.region, 2) = :province": self.province,
                "a.project_id = :project": self.project,
            }
        )
        parts.insert(0, "true")
        if self.desk == "mine":
            parts.append("(a.organisation_id = :mine OR a.escalated_to = :mine)")
            binds["mine"] = viewer.organisation_id
        elif self.desk == "none":
            parts.append("a.organisation_id IS NULL")
        if self.asleep is not None:
            parts.append(_ASLEEP if self.asleep == "yes" else f"NOT {_ASLEEP}")
            binds["now"] = now
        return " AND ".join(parts), binds


async def list_alerts(
    session: AsyncSession, viewer: Viewer, wanted: AlertFilter, now: datetime, *, cursor: str = "", limit: int = 25
) -> AlertPage:
    """Alerts the viewer sees, newest first."""
    viewer.require("internal")
    where, binds = wanted.conditions(viewer, now)
    total = await rows(session, f"SELECT count(*) AS total FROM alerts AS a WHERE {where}", **binds)
    if cursor:
        opened, number = read_cursor(cursor, 2)
        where += " AND (a.opened_at, a.id) < (:opened, :number)"
        binds |= {"opened": _instant(opened), "number": number_of_cursor(number)}
    found = await rows(
        session,
        f"SELECT {_COLUMNS} FROM alerts AS a {_NAMES} WHERE {where} ORDER BY a.opened_at DESC, a.id DESC "
        f"LIMIT {int(limit) + 1}",
        **binds,
    )
    more, found = len(found) > limit, found[:limit]
    items = await _lines(session, found)
    next_cursor = write_cursor(items[-1].opened_at.isoformat(), items[-1].id) if more else None
    return AlertPage(items=items, total=int(total[0]["total"]), next_cursor=next_cursor)


async def alert_file(session: AsyncSession, viewer: Viewer, alert_id: int) -> AlertFile:
    """One alert under its stable address, or NotFound."""
    viewer.require("internal")
    found = await rows(session, f"SELECT {_COLUMNS} FROM alerts AS a {_NAMES} WHERE a.id = :id", id=alert_id)
    if not found:
        raise NotFound("There is no such alert.")
    line = (await _lines(session, found))[0]
    findings = await rows(
        session,
        f"SELECT {FINDING_COLUMNS} FROM findings_shown AS f {FINDING_NAMES} WHERE f.known_to = 'infinity' "
        "AND f.fingerprint IN (SELECT g.fingerprint FROM alert_findings AS g WHERE g.alert_id = :id) "
        "ORDER BY f.state DESC, f.first_seen DESC, f.fingerprint LIMIT 200",
        id=alert_id,
    )
    names = await region_names(session, [row["region"] for row in findings])
    events = await rows(
        session,
        "SELECT at, kind, actor, organisation_id, reason, content FROM alert_events WHERE alert_id = :id "
        "ORDER BY id DESC LIMIT 200",
        id=alert_id,
    )
    deliveries = await rows(
        session,
        "SELECT d.id, n.kind, d.channel, coalesce(c.name, '') AS recipient, d.mode, d.state, d.problem, d.attempts, "
        "d.due_at, d.settled_at FROM announcements AS n JOIN deliveries AS d ON d.announcement_id = n.id "
        "LEFT JOIN colleagues AS c ON c.id = d.account_id WHERE n.alert_id = :id ORDER BY d.id DESC LIMIT 200",
        id=alert_id,
    )
    silences = await rows(
        session,
        "SELECT s.id, s.reason, s.ends_at, s.made_by FROM alert_silences AS s JOIN alerts AS a ON a.silence_id = s.id "
        "WHERE a.id = :id",
        id=alert_id,
    )
    return AlertFile(
        **line.model_dump(),
        findings=[
            FindingLine(**shown_finding(row, viewer.audience), region_name=names.get(row["region"] or ""))
            for row in findings
        ],
        events=[AlertEventLine(**row) for row in events],
        deliveries=[DeliveryLine(**row) for row in deliveries],
        silence=Silence(**silences[0]) if silences else None,
    )


async def count_waiting(session: AsyncSession, viewer: Viewer, now: datetime) -> int:
    """How many alerts on the viewer's desk await an acknowledgement: the number in the navigation."""
    if not viewer.may("internal") or not viewer.organisation_id:
        return 0
    where, binds = AlertFilter().conditions(viewer, now)
    found = await rows(session, f"SELECT count(*) AS waiting FROM alerts AS a WHERE {where}", **binds)
    return int(found[0]["waiting"])


async def count_desks(session: AsyncSession) -> list[Row]:
    """How many alerts are open, acknowledged and in a case on each desk, and on none (organisation_id NULL)."""
    return await rows(
        session,
        """
        SELECT a.organisation_id, o.name_zh, o.name_en, count(*) FILTER (WHERE a.state = 'open') AS open,
            count(*) FILTER (WHERE a.state = 'acknowledged') AS acknowledged,
            count(*) FILTER (WHERE a.state = 'in_case') AS in_case
        FROM alerts AS a LEFT JOIN organisations AS o ON o.id = a.organisation_id
        WHERE a.state <> 'closed' GROUP BY 1, 2, 3 ORDER BY open DESC, a.organisation_id
        """,
    )


def _instant(said: Any) -> datetime:
    try:
        found = datetime.fromisoformat(said)
    except (TypeError, ValueError):
        raise BadCursor from None
    if found.tzinfo is None:
        raise BadCursor
    return found


async def _lines(session: AsyncSession, found: list[Row]) -> list[AlertLine]:
    names = await region_names(session, [row["region"] for row in found])
    return [
        AlertLine(
            **row,
            region_name=names.get(row["region"] or ""),
            rule_title_zh=rule_title(row["rule"], "zh"),
            rule_title_en=rule_title(row["rule"], "en"),
        )
        for row in found
    ]
