"""The file of one case: where it stands, what may follow and what is missing, and everything that belongs to it."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.audience import shown_finding
from registry.cases.case_list import COLUMNS, NAMES, CaseLine, case_lines
from registry.cases.moving import missing_for, project_of, with_merged
from registry.cases.stages import Transition, stages
from registry.errors import NotFound
from registry.finding_list import FINDING_COLUMNS, FINDING_NAMES, FindingLine
from registry.law.reading import law
from registry.reading import Row, first, region_names, rows
from registry.viewers import Viewer
from registry.working_days import is_reckoned, working_days_left


class CaseTaskLine(BaseModel):
    """A task or request for opinion, with its answer."""

    task_id: int
    number: str  # of its case
    kind: str
    template: str
    title: str
    body: str
    organisation_id: str
    organisation_zh: str
    organisation_en: str
    assignee: str
    asked_by: str
    asked_at: datetime
    due: date
    overdue: bool
    reckoned: bool  # beyond the announced working days
    state: str
    position: str
    answer: str
    answered_by: str
    answered_at: datetime | None
    citation: dict[str, Any]
    credit: bool
    version: int
    mine: bool  # of the viewer's own office


class NextStep(BaseModel):
    """A step that may follow: the words it rests on, what it asks for, and what is still missing."""

    step: str
    title_zh: str
    title_en: str
    to: str
    to_zh: str
    to_en: str
    permission: str
    may: bool
    basis: str
    citation: dict[str, Any]
    needs_document: bool
    disposition: str
    outcomes: dict[str, dict[str, str]]
    missing: list[dict[str, str]]


class CaseDecisionLine(BaseModel):
    """What was decided and written into the register."""

    step: str
    step_zh: str
    step_en: str
    fact: str
    reference: str
    kind: str
    decided: date
    number: str
    authority: str
    reason: str
    decided_by: str
    at: datetime
    citation: dict[str, Any]


class CaseNoteLine(BaseModel):
    """A note."""

    body: str
    actor: str
    organisation: str
    credit: bool
    at: datetime


class CaseFileLine(BaseModel):
    """A file's description; its bytes are read apart."""

    file_id: int
    number: str  # of the case it was attached to, which may have been merged into this one
    kind: str
    kind_zh: str
    kind_en: str
    name: str
    media_type: str
    size: int
    sha256: str
    told_within: dict[str, Any]
    credit: bool
    actor: str
    organisation: str
    at: datetime


class CaseAlertLine(BaseModel):
    """An alert of the case."""

    subject_id: int
    alert_id: int
    rule: str
    lane: str
    severity: str
    state: str
    opened_at: datetime
    findings_open: int
    findings_total: int


class CaseFindingLine(FindingLine):
    """A finding of the case: its own, or one of an alert's; with the digest of its evidence."""

    subject_row: int | None  # of case_subjects, where it is the case's own
    evidence_hash: str
    citation: list[dict[str, Any]]


class CaseEventLine(BaseModel):
    """A line of the trail."""

    at: datetime
    kind: str
    content: dict[str, Any]
    actor: str
    organisation: str
    number: str


class CaseDossier(CaseLine):
    """One case with all that belongs to it, as far as the viewer sees it."""

    stage_since: datetime
    stage_allowed: dict[str, Any] | None
    due_reckoned: bool
    days_left: int | None
    opened_by: str
    owner_id: int | None
    origin_reference: str | None
    merged_into_number: str | None
    split_from_number: str | None
    merged_numbers: list[str]
    works: bool  # the viewer works on it: it is their desk's, and they may
    next_steps: list[NextStep]
    tasks: list[CaseTaskLine]
    decisions: list[CaseDecisionLine]
    notes: list[CaseNoteLine]
    files: list[CaseFileLine]
    alerts: list[CaseAlertLine]
    findings: list[CaseFindingLine]
    events: list[CaseEventLine]


TASKS: Final = """
SELECT t.id AS task_id, c.number, t.kind, t.template, t.title, t.body, t.organisation_id, o.name_zh AS organisation_zh,
    o.name_en AS organisation_en, coalesce(p.name, '') AS assignee, t.asked_by, t.asked_at, t.due, t.state, t.position,
    t.answer, t.answered_by, t.answered_at, t.credit, t.version
FROM case_tasks AS t JOIN cases AS c ON c.id = t.case_id JOIN organisations AS o ON o.id = t.organisation_id
LEFT JOIN colleagues AS p ON p.id = t.assignee_id
"""
_ALERTS: Final = """
SELECT s.id AS subject_id, a.id AS alert_id, a.rule, a.lane, a.severity, a.state, a.opened_at, a.findings_open,
    a.findings_total
FROM case_subjects AS s JOIN alerts AS a ON s.kind = 'alert' AND a.id::text = s.reference
WHERE s.case_id = :id AND s.left_at IS NULL ORDER BY a.id
"""
_FINDINGS: Final = f"""
WITH of_case AS (
    SELECT s.reference AS fingerprint, s.id AS subject_row FROM case_subjects AS s
    WHERE s.case_id = :id AND s.left_at IS NULL AND s.kind = 'finding'
    UNION ALL
    SELECT h.fingerprint, NULL FROM case_subjects AS s JOIN alert_findings AS h ON h.alert_id::text = s.reference
    WHERE s.case_id = :id AND s.left_at IS NULL AND s.kind = 'alert'
), once AS (SELECT fingerprint, max(subject_row) AS subject_row FROM of_case GROUP BY fingerprint)
SELECT {FINDING_COLUMNS}, f.evidence_hash, f.citation, once.subject_row
FROM once JOIN findings_shown AS f ON f.fingerprint = once.fingerprint AND f.known_to = 'infinity' {FINDING_NAMES}
ORDER BY f.rule, f.fingerprint LIMIT 500
"""


async def case_file(session: AsyncSession, viewer: Viewer, number: str, today: date) -> CaseDossier:
    """One case under its number; raises NotFound where the viewer reads none."""
    statement = f"SELECT {COLUMNS} FROM cases AS c {NAMES} WHERE c.number = :number"
    found = await rows(session, statement, number=number, today=today)
    if not found:
        raise NotFound("There is no such case.", where="number")
    case = found[0]
    line = (await case_lines(session, found, today))[0]
    ids = await with_merged(session, case["id"])
    numbers = {
        row["id"]: row["number"]
        for row in await rows(
            session,
            "SELECT id, number FROM cases WHERE id = ANY(CAST(:ids AS bigint[]))",
            ids=[one for one in (*ids, case["merged_into"], case["split_from"]) if one is not None],
        )
    }
    allowed = stages().stages[case["stage"]].allowed_on(today) if case["stage"] in stages().stages else None
    works = viewer.may("decide") and viewer.account_id is not None and case["desk_id"] == viewer.organisation_id
    return CaseDossier(
        **line.model_dump() | {"project_id": await project_of(session, case)},
        stage_since=case["stage_since"],
        stage_allowed=allowed.model_dump() if allowed else None,
        due_reckoned=case["due"] is not None and is_reckoned(case["due"]),
        days_left=None if case["due"] is None or case["state"] != "open" else working_days_left(today, case["due"]),
        opened_by=case["opened_by"],
        owner_id=case["owner_id"],
        origin_reference=case["origin_reference"],
        merged_into_number=numbers.get(case["merged_into"]),
        split_from_number=numbers.get(case["split_from"]),
        merged_numbers=sorted(numbers[one] for one in ids if one != case["id"] and one in numbers),
        works=works,
        next_steps=await _next_steps(session, viewer, case, works=works),
        tasks=await _tasks(session, viewer, "t.case_id = ANY(CAST(:ids AS bigint[]))", today, ids=ids),
        decisions=await _decisions(session, ids),
        notes=await _notes(session, ids),
        files=await _files(session, ids),
        alerts=[CaseAlertLine(**row) for row in await rows(session, _ALERTS, id=case["id"])],
        findings=await _findings(session, viewer, case["id"]),
        events=await _events(session, ids),
    )


async def _next_steps(session: AsyncSession, viewer: Viewer, case: Row, *, works: bool) -> list[NextStep]:
    if case["state"] == "merged":
        return []
    way = stages()
    steps = []
    for one in way.steps_from(case["path"], case["stage"]):
        to = way.stages[one.to]
        steps.append(
            NextStep(
                step=one.id,
                title_zh=one.title_zh,
                title_en=one.title_en,
                to=one.to,
                to_zh=to.title_zh,
                to_en=to.title_en,
                permission=one.permission,
                may=works and viewer.may(one.permission),
                basis=one.basis,
                citation=law().citation(one.reference),
                needs_document=one.needs.document,
                disposition=one.writes.disposition or "",
                outcomes={
                    key: {"zh": way.outcomes[key].title_zh, "en": way.outcomes[key].title_en} for key in one.outcomes
                },
                missing=[asdict(lack) | _words(lack.kind, lack.name) for lack in await missing_for(session, case, one)],
            )
        )
    return steps


def _words(kind: str, name: str) -> dict[str, str]:
    """What something missing is called."""
    way = stages()
    titled = way.files.get(name) if kind == "file" else way.tasks.get(name) if kind == "answer" else None
    return {"zh": titled.title_zh if titled else name, "en": titled.title_en if titled else name}


async def task_lines(session: AsyncSession, viewer: Viewer, found: list[Row], today: date) -> list[CaseTaskLine]:
    """Rows of TASKS as lines."""
    templates = stages().tasks
    return [
        CaseTaskLine(
            **{name: value for name, value in row.items() if name in CaseTaskLine.model_fields},
            overdue=row["state"] == "open" and row["due"] < today,
            reckoned=is_reckoned(row["due"]),
            citation=law().citation(templates[row["template"]].reference) if row["template"] in templates else {},
            mine=row["organisation_id"] == viewer.organisation_id,
        )
        for row in found
    ]


async def _tasks(session: AsyncSession, viewer: Viewer, where: str, today: date, **binds: Any) -> list[CaseTaskLine]:
    found = await rows(session, f"{TASKS} WHERE {where} ORDER BY t.state <> 'open', t.due, t.id", **binds)
    return await task_lines(session, viewer, found, today)


async def one_task(session: AsyncSession, viewer: Viewer, task_id: int, today: date) -> CaseTaskLine:
    """A task under its number; raises NotFound."""
    found = await _tasks(session, viewer, "t.id = :id", today, id=task_id)
    if not found:
        raise NotFound("There is no such task.", where="task")
    return found[0]


async def _decisions(session: AsyncSession, ids: list[int]) -> list[CaseDecisionLine]:
    found = await rows(
        session,
        "SELECT step, fact, reference, kind, decided, number, authority, reason, decided_by, at FROM case_decisions "
        "WHERE case_id = ANY(CAST(:ids AS bigint[])) ORDER BY id",
        ids=ids,
    )
    lines = []
    for row in found:
        step: Transition | None = stages().transitions.get(row["step"])
        lines.append(
            CaseDecisionLine(
                **row,
                step_zh=step.title_zh if step else row["step"],
                step_en=step.title_en if step else row["step"],
                citation=law().citation(step.reference) if step else {},
            )
        )
    return lines


async def _notes(session: AsyncSession, ids: list[int]) -> list[CaseNoteLine]:
    found = await rows(
        session,
        "SELECT n.body, n.actor, coalesce(o.name_zh, n.organisation_id) AS organisation, n.credit, n.at "
        "FROM case_notes AS n LEFT JOIN organisations AS o ON o.id = n.organisation_id "
        "WHERE n.case_id = ANY(CAST(:ids AS bigint[])) ORDER BY n.id",
        ids=ids,
    )
    return [CaseNoteLine(**row) for row in found]


async def _files(session: AsyncSession, ids: list[int]) -> list[CaseFileLine]:
    found = await rows(
        session,
        "SELECT f.id AS file_id, c.number, f.kind, f.name, f.media_type, f.size, f.sha256, f.told_within, f.credit, "
        "f.actor, coalesce(o.name_zh, f.organisation_id) AS organisation, f.at FROM case_files AS f "
        "JOIN cases AS c ON c.id = f.case_id LEFT JOIN organisations AS o ON o.id = f.organisation_id "
        "WHERE f.case_id = ANY(CAST(:ids AS bigint[])) ORDER BY f.id",
        ids=ids,
    )
    kinds = stages().files
    return [
        CaseFileLine(
            **row,
            kind_zh=kinds[row["kind"]].title_zh if row["kind"] in kinds else "",
            kind_en=kinds[row["kind"]].title_en if row["kind"] in kinds else "",
        )
        for row in found
    ]


async def _findings(session: AsyncSession, viewer: Viewer, case_id: int) -> list[CaseFindingLine]:
    found = await rows(session, _FINDINGS, id=case_id)
    names = await region_names(session, [row["region"] for row in found])
    return [
        CaseFindingLine(**shown_finding(row, viewer.audience), region_name=names.get(row["region"] or ""))
        for row in found
    ]


async def _events(session: AsyncSession, ids: list[int]) -> list[CaseEventLine]:
    found = await rows(
        session,
        "SELECT e.at, e.kind, e.content, e.actor, coalesce(o.name_zh, e.organisation_id) AS organisation, c.number "
        "FROM case_events AS e JOIN cases AS c ON c.id = e.case_id LEFT JOIN organisations AS o "
        "ON o.id = e.organisation_id WHERE e.case_id = ANY(CAST(:ids AS bigint[])) ORDER BY e.at, e.id",
        ids=ids,
    )
    return [CaseEventLine(**row) for row in found]


async def people_of(session: AsyncSession, organisation_id: str) -> list[Row]:
    """The active people of an office, to whom its work can be given."""
    return await rows(
        session,
        "SELECT id, login, name FROM colleagues WHERE organisation_id = :organisation AND state = 'active' "
        "ORDER BY login",
        organisation=organisation_id,
    )


async def version_of(session: AsyncSession, number: str) -> int:
    """The version that a case stands at; raises NotFound."""
    found = await first(session, "SELECT version FROM cases WHERE number = :number", number=number)
    if found is None:
        raise NotFound("There is no such case.", where="number")
    return int(found["version"])
