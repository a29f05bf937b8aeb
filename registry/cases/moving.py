"""Taking a step: what it needs, the stage that follows, the fact it writes into the register, the tasks it gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.events import Happened, announce
from registry.auditing import audit
from registry.cases.asking import Asked, give
from registry.cases.deadlines import checked_due, due_after, office_of
from registry.cases.stages import CLOSED, REOPEN, Transition, stages
from registry.cases.trail import change_case, lock_case, said, tell
from registry.clock import civil_day
from registry.errors import BadInput, Conflict
from registry.history import Instant
from registry.law_fact_items import DispositionItem, LawFactItem, RectificationItem
from registry.law_fact_writing import FACT_KINDS, tell_facts
from registry.reading import Row, first, rows
from registry.restating import Telling
from registry.viewers import Viewer


class StepNotReady(Conflict):
    """Something that the step needs is not there yet; `missing` names it."""

    title = "Something is missing for this step"

    def __init__(self, missing: Sequence["Missing"]) -> None:
        self.missing = tuple(missing)
        super().__init__(
            "Something is missing for this step.",
            where=", ".join(f"{one.kind} {one.name}".strip() for one in missing),
            remedy="The case's page lists what.",
        )


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that a step waits for: `file` or `answer` with its id, `open_tasks`, `project`."""

    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A step as a person takes it; number, authority and day are those of the document by which it was decided."""

    id: str
    reason: str
    number: str = ""
    authority: str = ""
    decided: date | None = None
    outcome: str = ""
    # Another deadline for the stage that follows than the usual one.
    due: date | None = None


_THERE: Final = """
SELECT ARRAY(SELECT DISTINCT kind FROM case_files WHERE case_id = ANY(CAST(:ids AS bigint[]))) AS files,
    ARRAY(SELECT DISTINCT template FROM case_tasks WHERE case_id = :id AND state = 'done') AS answered,
    (SELECT count(*) FROM case_tasks WHERE case_id = :id AND state = 'open') AS open_tasks
"""
_MERGED: Final = """
WITH RECURSIVE merged(id) AS (
    SELECT CAST(:id AS bigint) UNION SELECT c.id FROM cases AS c JOIN merged AS m ON c.merged_into = m.id
) SELECT id FROM merged
"""


async def with_merged(session: AsyncSession, case_id: int) -> list[int]:
    """A case and all that were merged into it: their files and notes are its own."""
    return [row["id"] for row in await rows(session, _MERGED, id=case_id)]


async def missing_for(session: AsyncSession, case: Mapping[str, Any], step: Transition) -> list[Missing]:
    """What a step waits for besides what is filled in when it is taken."""
    ids = await with_merged(session, case["id"])
    there = await first(session, _THERE, id=case["id"], ids=ids)
    assert there is not None  # noqa: S101  # a SELECT without FROM gives its one row
    missing = [Missing("file", one) for one in step.needs.files if one not in there["files"]]
    missing += [Missing("answer", one) for one in step.needs.answers if one not in there["answered"]]
    if step.needs.tasks_done and there["open_tasks"]:
        missing.append(Missing("open_tasks", str(there["open_tasks"])))
    if step.needs.project and await project_of(session, case) is None:
        missing.append(Missing("project"))
    return missing


async def project_of(session: AsyncSession, case: Mapping[str, Any]) -> int | None:
    """The registered project of a case: its own, or the one that its suspected project was registered as."""
    if case["project_id"] is not None or case["suspected_id"] is None:
        return None if case["project_id"] is None else int(case["project_id"])
    found = await first(
        session,
        "SELECT project_id FROM suspected_versions WHERE suspected_id = :id AND known_to = 'infinity'",
        id=case["suspected_id"],
    )
    return None if found is None or found["project_id"] is None else int(found["project_id"])


async def take_step(
    session: AsyncSession, viewer: Viewer, number: str, version: int | None, taken: Step, now: datetime
) -> None:
    """Take a step of a case of one's own desk.

    Raises NotAllowed, BadInput, ChangedMeanwhile, StepNotReady; ItemsRejected where the register refuses the fact.
    """
    case = await lock_case(session, viewer, number, version, closed=taken.id == REOPEN)
    step = stages().step(taken.id, case["path"], case["stage"])
    viewer.require(step.permission)
    reason = said(taken.reason, "reason")
    if missing := await missing_for(session, case, step):
        raise StepNotReady(missing)
    _check_document(step, taken, civil_day(now))
    if bool(step.outcomes) != bool(taken.outcome) or (taken.outcome and taken.outcome not in step.outcomes):
        raise BadInput("Say how the case ends.", where="outcome")
    today = civil_day(now)
    stage = stages().stages[step.to]
    due = due_after(today, stage.allowed_on(today))
    if taken.due is not None and not stage.final:
        due = checked_due(taken.due, today)
    project = await project_of(session, case)
    reference = await _write(session, viewer, case, project, step, taken, now)
    closes = step.to == CLOSED
    await change_case(
        session,
        case,
        stage=step.to,
        stage_since=now,
        due=due,
        project_id=project,
        state="closed" if closes else "open",
        outcome=taken.outcome if closes else "",
        closed_at=now if closes else None,
        told=0,
    )
    if closes or step.id == REOPEN:
        await _alerts_follow(session, viewer, case, now)
    content = {"step": step.id, "from": case["stage"], "to": step.to, "reason": reason, "due": due}
    given = {"number": taken.number, "authority": taken.authority, "decided": taken.decided, "outcome": taken.outcome}
    content |= {name: value for name, value in given.items() if value}
    if reference:
        content["fact"] = reference
    await tell(session, viewer, case["id"], "moved", content, now)
    await audit(
        session,
        viewer,
        "case.move",
        "case",
        number,
        why=reason,
        before={"stage": case["stage"], "version": case["version"]},
        after=content,
    )
    await _announce(session, case, step, now)
    for name in step.tasks:
        template = stages().tasks[name]
        office = await office_of(session, template.agency, case["region"], today)
        if office is None or (case["credit"] and "credit" not in office["lanes"]):
            await tell(session, None, case["id"], "no_office", {"template": name, "agency": template.agency}, now)
            continue
        last = due_after(today, template.allowed_on(today))
        assert last is not None or template.allowed  # noqa: S101  # the loader asks for a value
        task = Asked(template.kind, template.title_zh, office["id"], last or today, template=name)
        await give(session, viewer, case, task, now)


def _check_document(step: Transition, taken: Step, today: date) -> None:
    if not step.needs.document:
        return
    said(taken.number, "number", longest=100)
    said(taken.authority, "authority", longest=200)
    if taken.decided is None:
        raise BadInput("The day of the document is missing.", where="decided")
    if taken.decided > today:
        raise BadInput("The day of the document lies ahead.", where="decided")


async def _write(
    session: AsyncSession,
    viewer: Viewer,
    case: Row,
    project: int | None,
    step: Transition,
    taken: Step,
    now: datetime,
) -> str:
    """Write the fact of a step into the register; returns its reference, empty where there is none."""
    kind = "dispositions" if step.writes.disposition else "rectifications" if step.writes.rectification else ""
    if not kind or project is None:
        return ""
    named = await first(session, "SELECT reference FROM projects WHERE id = :id", id=project)
    before = await rows(
        session, "SELECT step, fact, reference, decided, number, authority FROM case_decisions "
        "WHERE case_id = :id ORDER BY id", id=case["id"],
    )  # fmt: skip
    assert named is not None and taken.decided is not None  # noqa: S101  # both were asked for
    common = {"project": named["reference"], "synthetic": case["synthetic"]}
    item: LawFactItem
    if step.writes.disposition:
        reference = f"case:{case['number']}:{len(before) + 1}"
        item = DispositionItem(
            reference=reference,
            kind=step.writes.disposition,
            decided=taken.decided,
            number=taken.number.strip(),
            authority=taken.authority.strip(),
            **common,
        )
    else:
        # A plan that was put forward again is another plan; publishing and filing belong to the latest.
        starts = [one for one in before if one["step"] == "adopt-plan"]
        again = step.writes.rectification == "decided"
        reference = f"case:{case['number']}:plan-{len(starts) + again}"
        days = {
            stages().transitions[one["step"]].writes.rectification: one["decided"]
            for one in before
            if one["reference"] == reference
        } | {step.writes.rectification: taken.decided}
        first_of = next((one for one in before if one["reference"] == reference), None)
        item = RectificationItem(
            reference=reference,
            decided=days.get("decided"),
            published=days.get("published"),
            filed=days.get("filed"),
            number=first_of["number"] if first_of else taken.number.strip(),
            authority=first_of["authority"] if first_of else taken.authority.strip(),
            **common,
        )
    await tell_facts(session, FACT_KINDS[kind], [item], Telling(viewer.actor, now, reason=taken.reason.strip()))
    await (await session.connection()).execute(
        text(
            "INSERT INTO case_decisions (case_id, step, fact, reference, kind, decided, number, authority, reason, "
            "decided_by, organisation_id, at) VALUES (:case, :step, :fact, :reference, :kind, :decided, :number, "
            ":authority, :reason, :by, :organisation, :now)"
        ),
        {
            "case": case["id"],
            "step": step.id,
            "fact": kind,
            "reference": reference,
            "kind": step.writes.disposition or "",
            "decided": taken.decided,
            "number": taken.number.strip(),
            "authority": taken.authority.strip(),
            "reason": taken.reason.strip(),
            "by": viewer.actor,
            "organisation": viewer.organisation_id,
            "now": now,
        },
    )
    return reference


_FOLLOW: Final = """
WITH followed AS (
    UPDATE alerts AS a SET changed_at = :now, version = a.version + 1,
        state = CASE c.state WHEN 'closed' THEN 'closed' ELSE 'in_case' END,
        closed_at = CASE c.state WHEN 'closed' THEN CAST(:now AS timestamptz) END,
        closed_reason = CASE c.state WHEN 'closed' THEN 'case-closed' ELSE '' END
    FROM cases AS c WHERE c.id = :case AND a.case_id = c.id AND (c.state = 'closed' AND a.state = 'in_case'
        OR c.state = 'open' AND a.state = 'closed' AND a.closed_reason = 'case-closed' AND NOT EXISTS (
            SELECT FROM alerts AS there WHERE there.topic = a.topic AND there.rule = a.rule
            AND there.state <> 'closed'))
    RETURNING a.id, a.state, a.closed_reason
)
INSERT INTO alert_events (alert_id, at, kind, actor, organisation_id, reason)
SELECT id, :now, state, :by, :office, closed_reason FROM followed
"""


async def _alerts_follow(session: AsyncSession, viewer: Viewer, case: Row, now: datetime) -> None:
    """The alerts of a case end with it, and come back with it where no later one stands for the same."""
    binds = {"case": case["id"], "now": now, "by": viewer.actor, "office": viewer.organisation_id}
    await (await session.connection()).execute(text(_FOLLOW).bindparams(bindparam("now", type_=Instant)), binds)


async def _announce(session: AsyncSession, case: Row, step: Transition, now: datetime) -> None:
    """Tell the case's owner and its desk; those with tasks are told of those."""
    number, stage = case["number"], stages().stages[step.to]
    await announce(
        session,
        Happened(
            "case.closed" if step.to == CLOSED else "case.stage",
            f"case.stage:{number}:{case['version'] + 1}",
            "case",
            number,
            f"/cases/{number}",
            f"案件 {number}：{stage.title_zh}",
            f"Case {number}: {stage.title_en}",
            organisation_id=case["desk_id"],
            account_ids=(case["owner_id"],) if case["owner_id"] else (),
            region=case["region"],
            lane="credit" if case["credit"] else "",
        ),
        now,
    )
