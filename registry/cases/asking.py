"""Tasks and requests for opinion: given to an office with a deadline, answered or declined, withdrawn, put off."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.events import Happened, announce
from registry.auditing import audit
from registry.cases.deadlines import checked_due
from registry.cases.stages import stages
from registry.cases.trail import LONGEST_TITLE, change_case, find_case, lock_case, said, tell
from registry.clock import civil_day
from registry.errors import BadInput, ChangedMeanwhile, Conflict, NotAllowed, NotFound
from registry.reading import Row, first
from registry.viewers import Viewer

Position = Literal["agree", "conditions", "disagree"]
POSITIONS: Final[tuple[Position, ...]] = ("agree", "conditions", "disagree")


@dataclass(frozen=True, slots=True)
class Asked:
    """A task or a request for opinion; `template` is its id in stages.yml, empty where it was asked by hand."""

    kind: str
    title: str
    organisation_id: str
    due: date
    body: str = ""
    template: str = ""
    credit: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What an office answers; an opinion has a position; declined: it is not theirs to do."""

    text: str
    position: str = ""
    declined: bool = False


async def ask(
    session: AsyncSession, viewer: Viewer, number: str, version: int | None, asked: Asked, now: datetime
) -> int:
    """Give a task to an office, or ask its opinion; returns the task's number."""
    case = await lock_case(session, viewer, number, version)
    checked_due(asked.due, civil_day(now))
    return await give(session, viewer, case, asked, now)


async def give(session: AsyncSession, viewer: Viewer, case: Row, asked: Asked, now: datetime) -> int:
    """Give a task of a case that is locked already."""
    if asked.kind not in ("task", "opinion"):
        raise BadInput("There is no such kind.", where="kind")
    if asked.template and (asked.template not in stages().tasks or stages().tasks[asked.template].kind != asked.kind):
        raise BadInput("There is no such task.", where="template")
    title = said(asked.title, "title", longest=LONGEST_TITLE)
    office = await first(
        session,
        "SELECT lanes, name_zh FROM organisations WHERE id = :id AND kind = 'agency' AND ended_at IS NULL",
        id=asked.organisation_id,
    )
    if office is None:
        raise BadInput("There is no such office.", where="organisation")
    credit = asked.credit or case["credit"]
    if credit and "credit" not in office["lanes"]:
        raise BadInput("What tells of credit goes to financial authorities alone.", where="organisation")
    row = await first(
        session,
        "INSERT INTO case_tasks (case_id, kind, template, title, body, organisation_id, asked_by, asked_for, asked_at, "
        "due, credit) VALUES (:case, :kind, :template, :title, :body, :office, :by, :desk, :now, :due, :credit) "
        "RETURNING id",
        case=case["id"],
        kind=asked.kind,
        template=asked.template,
        title=title,
        body=asked.body.strip(),
        office=asked.organisation_id,
        by=viewer.actor,
        desk=case["desk_id"],
        now=now,
        due=asked.due,
        credit=credit,
    )
    assert row is not None  # noqa: S101  # RETURNING gives the one row
    task_id = int(row["id"])
    await (await session.connection()).execute(
        text(
            "UPDATE cases SET version = version + 1, organisations = CASE WHEN :office = ANY(organisations) "
            "THEN organisations ELSE organisations || :office END WHERE id = :id"
        ),
        {"office": asked.organisation_id, "id": case["id"]},
    )
    content = {
        "task": task_id,
        "kind": asked.kind,
        "template": asked.template,
        "title": title,
        "to": asked.organisation_id,
        "to_name": office["name_zh"],
        "due": asked.due,
    }
    await tell(session, viewer, case["id"], "asked", content, now, credit=credit)
    await audit(session, viewer, "case.ask", "case", case["number"], after=content)
    kind = "opinion.requested" if asked.kind == "opinion" else "case.task.assigned"
    await tell_people(session, kind, case, task_id, asked.organisation_id, credit, now)
    return task_id


async def answer(
    session: AsyncSession, viewer: Viewer, task_id: int, version: int | None, answered: Answer, now: datetime
) -> None:
    """Answer or decline a task of one's own office; who asked is told."""
    if not (viewer.may("register") or viewer.may("decide")):
        viewer.require("register")
    task, case = await _task(session, viewer, task_id, version)
    if task["organisation_id"] != viewer.organisation_id or viewer.account_id is None:
        raise NotAllowed("This task is another office's.")
    body = said(answered.text, "text")
    if task["kind"] == "opinion" and not answered.declined and answered.position not in POSITIONS:
        raise BadInput("Say whether your office agrees.", where="position")
    state = "declined" if answered.declined else "done"
    position = answered.position if task["kind"] == "opinion" and not answered.declined else ""
    await (await session.connection()).execute(
        text(
            "UPDATE case_tasks SET state = :state, answer = :answer, position = :position, answered_by = :by, "
            "answered_at = :now, version = version + 1 WHERE id = :id"
        ),
        {"state": state, "answer": body, "position": position, "by": viewer.actor, "now": now, "id": task_id},
    )
    content = {"task": task_id, "title": task["title"], "state": state, "position": position}
    await tell(session, viewer, case["id"], "answered", content, now, credit=task["credit"])
    await audit(session, viewer, "case.answer", "case", case["number"], before={"state": "open"}, after=content)
    kind = "opinion.answered" if task["kind"] == "opinion" else "case.task.answered"
    await tell_people(session, kind, case, task_id, case["desk_id"], task["credit"], now)


async def withdraw(
    session: AsyncSession, viewer: Viewer, task_id: int, version: int | None, reason: str, now: datetime
) -> None:
    """Take a task back that one's desk gave."""
    viewer.require("decide")
    reason = said(reason, "reason")
    task, case = await _task(session, viewer, task_id, version)
    _desk_only(viewer, case)
    await (await session.connection()).execute(
        text("UPDATE case_tasks SET state = 'withdrawn', version = version + 1 WHERE id = :id"), {"id": task_id}
    )
    content = {"task": task_id, "title": task["title"], "reason": reason}
    await tell(session, viewer, case["id"], "withdrawn", content, now, credit=task["credit"])
    await audit(session, viewer, "case.withdraw_task", "case", case["number"], why=reason, after=content)


async def put_off(
    session: AsyncSession, viewer: Viewer, task_id: int, version: int | None, due: date, reason: str, now: datetime
) -> None:
    """Set another deadline for a task that one's desk gave."""
    viewer.require("decide")
    reason = said(reason, "reason")
    task, case = await _task(session, viewer, task_id, version)
    _desk_only(viewer, case)
    checked_due(due, civil_day(now))
    await (await session.connection()).execute(
        text("UPDATE case_tasks SET due = :due, told = 0, version = version + 1 WHERE id = :id"),
        {"due": due, "id": task_id},
    )
    content = {"task": task_id, "title": task["title"], "due": due, "was": task["due"], "reason": reason}
    await tell(session, viewer, case["id"], "put_off", content, now, credit=task["credit"])
    await audit(session, viewer, "case.put_off", "case", case["number"], why=reason, after=content)


async def move_deadline(
    session: AsyncSession, viewer: Viewer, number: str, version: int | None, due: date, reason: str, now: datetime
) -> None:
    """Set another deadline for the stage that a case is in."""
    case = await lock_case(session, viewer, number, version)
    reason = said(reason, "reason")
    checked_due(due, civil_day(now))
    await change_case(session, case, due=due, told=0)
    content = {"due": due, "was": case["due"], "reason": reason}
    await tell(session, viewer, case["id"], "deadline", content, now)
    await audit(session, viewer, "case.deadline", "case", number, why=reason, after=content)


async def tell_people(
    session: AsyncSession, kind: str, case: Row, task_id: int, organisation: str, credit: bool, now: datetime
) -> None:
    """Announce what happened to a task, to an office."""
    number = case["number"]
    await announce(
        session,
        Happened(
            kind,
            f"{kind}:{task_id}:{now.isoformat()}",
            "case",
            number,
            f"/cases/{number}",
            f"案件 {number}",
            f"Case {number}",
            organisation_id=organisation,
            region=case["region"],
            lane="credit" if credit else "",
        ),
        now,
    )


async def _task(session: AsyncSession, viewer: Viewer, task_id: int, version: int | None) -> tuple[Row, Row]:
    """An open task, locked at the version that was seen, with its case."""
    seen = await first(
        session,
        "SELECT c.number FROM case_tasks AS t JOIN cases AS c ON c.id = t.case_id WHERE t.id = :id",
        id=task_id,
    )
    if seen is None:
        raise NotFound("There is no such task.", where="task")
    # A policy lets only the two offices lock it.
    task = await first(session, "SELECT * FROM case_tasks WHERE id = :id FOR UPDATE", id=task_id)
    if task is None:
        raise NotAllowed("This task is another office's.")
    if version is not None and task["version"] != version:
        raise ChangedMeanwhile(
            "Somebody else changed this task meanwhile.",
            where="version",
            remedy="Read what was changed, then repeat your change.",
        )
    if task["state"] != "open":
        raise Conflict("This task is done already.")
    return task, await find_case(session, seen["number"])


def _desk_only(viewer: Viewer, case: Row) -> None:
    if case["desk_id"] != viewer.organisation_id or viewer.account_id is None:
        raise NotAllowed("Another desk works on this case.")
