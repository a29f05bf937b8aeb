"""One timeline of a project: approval, land, environment, credit, notices and findings in the order of their days."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from portal.language import _
from registry.cases.case_list import CaseLine
from registry.clock import civil_day
from registry.finding_list import FindingLine
from registry.project_file import (
    ApprovalLine,
    DispositionLine,
    EquipmentLine,
    NoticeLine,
    PlanLine,
    ProjectFile,
    RecordLine,
)

LANES: Final = ("approval", "replacement", "elimination", "land", "environment", "quality", "credit", "price")
WIDTH: Final = 960
LABEL_WIDTH: Final = 120
LANE_HEIGHT: Final = 46
TOP: Final = 30


@dataclass(frozen=True)
class Event:
    """One entry of the timeline with what stands behind it; exactly one thing is given."""

    day: date | None
    lane: str
    # approval, revoked, disposition, plan_published, plan_confirmed, plan_announced, commissioned, dismantled, record,
    # notice, finding, case_opened, case_closed
    kind: str
    approval: ApprovalLine | None = None
    record: RecordLine | None = None
    notice: NoticeLine | None = None
    disposition: DispositionLine | None = None
    plan: PlanLine | None = None
    equipment: EquipmentLine | None = None
    case: CaseLine | None = None
    findings: tuple[FindingLine, ...] = ()


@dataclass(frozen=True)
class Mark:
    """A dot of the drawing: an act, flagged or not."""

    x: float
    y: float
    flagged: bool
    label: str


@dataclass(frozen=True)
class Bar:
    """A period of standing; an approval's days of validity."""

    x: float
    y: float
    width: float
    open_end: bool
    revoked: bool
    label: str


@dataclass(frozen=True)
class Drawing:
    """The timeline as a picture: lanes from top to bottom, years from left to right."""

    width: int
    height: int
    lanes: tuple[tuple[str, float], ...]
    years: tuple[tuple[int, float], ...]
    bars: tuple[Bar, ...] = ()
    marks: tuple[Mark, ...] = ()
    left: int = field(default=LABEL_WIDTH)


def events_of(file: ProjectFile, cases: Sequence[CaseLine] = ()) -> list[Event]:
    """All events, oldest first, with the cases the reader sees; a credit finding the public may not date is last."""
    of_record: dict[int, list[FindingLine]] = {}
    of_approval: dict[int, list[FindingLine]] = {}
    rest: list[FindingLine] = []
    shown = {record.record_id for record in file.records}
    for finding in file.findings:
        if finding.subject_kind == "record" and finding.subject_id in shown:
            of_record.setdefault(finding.subject_id, []).append(finding)
        elif finding.subject_kind == "approval":
            of_approval.setdefault(finding.subject_id, []).append(finding)
        else:
            rest.append(finding)
    events = [
        Event(one.issued, "approval", "approval", approval=one, findings=tuple(of_approval.get(one.approval_id, ())))
        for one in file.approvals
    ]
    events += [Event(one.revoked, "approval", "revoked", approval=one) for one in file.approvals if one.revoked]
    events += _decided(file)
    events += [
        Event(one.acted_on, one.lane, "record", record=one, findings=tuple(of_record.get(one.record_id, ())))
        for one in file.records
    ]
    events += [Event(one.on_date, one.lane or "notice", "notice", notice=one) for one in file.notices]
    events += [Event(one.acted_on, one.lane, "finding", findings=(one,)) for one in rest]
    for case in cases:
        events.append(Event(civil_day(case.opened_at), "case", "case_opened", case=case))
        if case.closed_at:
            events.append(Event(civil_day(case.closed_at), "case", "case_closed", case=case))
    last = {"record": 2, "notice": 3, "finding": 4}
    return sorted(events, key=lambda event: (event.day is None, event.day or date.max, last.get(event.kind, 1)))


def _decided(file: ProjectFile) -> list[Event]:
    """What was decided of the project, how its capacity is replaced, what was built and taken down."""
    events = [Event(one.decided, "approval", "disposition", disposition=one) for one in file.dispositions]
    for plan in file.plans:
        days = {"plan_published": plan.published, "plan_confirmed": plan.confirmed, "plan_announced": plan.announced}
        events += [Event(day, "replacement", kind, plan=plan) for kind, day in days.items() if day]
    for unit in file.equipment:
        ends = {"commissioned": unit.commissioned, "dismantled": unit.dismantled}
        events += [Event(day, "elimination", kind, equipment=unit) for kind, day in ends.items() if day]
    return events


def draw(events: list[Event], today: date) -> Drawing | None:
    """The picture of the dated events; None where there are too few to draw."""
    dated = [event.day for event in events if event.day and event.kind != "notice"]
    if len(dated) < 2:
        return None
    first, last = min(dated).year, max(max(dated).year, min(today.year, max(dated).year + 1))
    start, end = date(first, 1, 1), date(last + 1, 1, 1)
    lanes = [lane for lane in LANES if any(event.lane == lane and event.kind != "notice" for event in events)]
    heights = {lane: TOP + LANE_HEIGHT * (place + 0.5) for place, lane in enumerate(lanes)}
    span = (end - start).days

    def across(day: date) -> float:
        inside = min(max(day, start), end)
        return round(LABEL_WIDTH + (WIDTH - LABEL_WIDTH - 10) * (inside - start).days / span, 1)

    bars = []
    for event in events:
        if event.kind == "approval" and event.approval:
            until = min(filter(None, (event.approval.revoked, event.approval.expires)), default=None)
            x = across(event.approval.issued)
            bars.append(
                Bar(
                    x,
                    heights["approval"] - 8,
                    max(across(until or end) - x, 3),
                    until is None,
                    event.approval.revoked is not None,
                    event.approval.number,
                )
            )
    marks = [
        Mark(across(event.day), heights[event.lane], any(one.state == "open" for one in event.findings), "")
        for event in events
        if event.day and event.kind in ("record", "finding") and event.lane in heights
    ]
    step = max(1, (last - first + 1) // 12 + 1)
    years = tuple((year, across(date(year, 1, 1))) for year in range(first, last + 1, step))
    return Drawing(
        WIDTH,
        TOP + LANE_HEIGHT * len(lanes) + 6,
        tuple((lane, heights[lane]) for lane in lanes),
        years,
        tuple(bars),
        tuple(marks),
    )


def summary(events: list[Event]) -> str:
    """The picture in words, for those who do not see it."""
    acts = sum(event.kind == "record" for event in events)
    flagged = sum(any(one.state == "open" for one in event.findings) for event in events)
    approvals = sum(event.kind == "approval" for event in events)
    return _(
        "批准文件 {approvals} 份，部门行为 {acts} 项，其中 {flagged} 项有疑点；逐项见下方列表。",
        approvals=approvals,
        acts=acts,
        flagged=flagged,
    )
