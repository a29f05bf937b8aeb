"""Arranging cases: whose they are, merging two, splitting one, handing one on, naming its project, notes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.events import Happened, announce
from registry.auditing import audit
from registry.cases.deadlines import due_after
from registry.cases.opening import next_number
from registry.cases.stages import FIRST, stages
from registry.cases.trail import LONGEST_TITLE, change_case, find_case, lock_case, require_person, said, tell
from registry.clock import civil_day
from registry.errors import BadInput, Conflict, NotAllowed, NotFound
from registry.reading import Row, first, rows
from registry.viewers import Viewer

# So many cases are given to somebody at once at most.
MOST_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Splitting:
    """The alerts and findings (rows of case_subjects) that become a case of their own."""

    subjects: tuple[int, ...]
    title: str
    reason: str


async def assign(
    session: AsyncSession,
    viewer: Viewer,
    numbers: Sequence[str],
    account_id: int | None,
    now: datetime,
    *,
    version: int | None = None,
) -> None:
    """Give cases of one's own desk to one of its people, or to nobody in particular."""
    require_person(viewer)
    if not numbers or len(numbers) > MOST_AT_ONCE:
        raise BadInput(f"Choose from 1 to {MOST_AT_ONCE} cases.", where="cases")
    login = await _colleague(session, viewer.organisation_id, account_id)
    # Always in the same order: two who assign the same cases wait for each other and do not lock each other out.
    for number in sorted(set(numbers)):
        case = await lock_case(session, viewer, number, version)
        await change_case(session, case, owner_id=account_id)
        await tell(session, viewer, case["id"], "assigned", {"to": login}, now)
        before = {"owner": case["owner_id"]}
        await audit(session, viewer, "case.assign", "case", number, before=before, after={"owner": account_id})
        if account_id is not None and account_id != viewer.account_id:
            await _announce(session, case, f"case.assigned:{number}:{case['version'] + 1}", now, accounts=(account_id,))


async def assign_task(
    session: AsyncSession, viewer: Viewer, task_ids: Sequence[int], account_id: int | None, now: datetime
) -> None:
    """Give open tasks of one's own office to one of its people."""
    if not (viewer.may("register") or viewer.may("decide")):
        viewer.require("register")
    if not task_ids or len(task_ids) > MOST_AT_ONCE:
        raise BadInput(f"Choose from 1 to {MOST_AT_ONCE} tasks.", where="tasks")
    login = await _colleague(session, viewer.organisation_id, account_id)
    for task_id in sorted(set(task_ids)):
        task = await first(session, "SELECT * FROM case_tasks WHERE id = :id AND state = 'open' FOR UPDATE", id=task_id)
        if task is None or task["organisation_id"] != viewer.organisation_id:
            raise NotFound("There is no such open task of this office.", where="task")
        await (await session.connection()).execute(
            text("UPDATE case_tasks SET assignee_id = :account, version = version + 1 WHERE id = :id"),
            {"account": account_id, "id": task_id},
        )
        content = {"task": task_id, "title": task["title"], "to": login}
        await tell(session, viewer, task["case_id"], "task_assigned", content, now, credit=task["credit"])
        await audit(session, viewer, "case.assign_task", "case_task", str(task_id), after={"assignee": account_id})


async def merge(
    session: AsyncSession,
    viewer: Viewer,
    number: str,
    into: str,
    reason: str,
    now: datetime,
    *,
    version: int | None = None,
) -> None:
    """Merge a case into another of the same desk: alerts, findings and open tasks go over, the rest is read there."""
    reason = said(reason, "reason")
    if number == into:
        raise BadInput("A case cannot be merged into itself.", where="into")
    # The lesser number first, whichever way round: two who merge each other's cases do not lock each other out.
    locked = {
        one: await lock_case(session, viewer, one, version if one == number else None) for one in sorted({number, into})
    }
    case, target = locked[number], locked[into]
    if case["credit"] != target["credit"]:
        raise Conflict("What tells of credit alone is not merged with what does not.", where="into")
    subjects = await _leave(session, case, None, now)
    await _take(session, viewer, target["id"], subjects, now)
    await (await session.connection()).execute(
        text("UPDATE case_tasks SET case_id = :into WHERE case_id = :case AND state = 'open'"),
        {"into": target["id"], "case": case["id"]},
    )
    await change_case(session, case, state="merged", merged_into=target["id"], closed_at=now, due=None)
    taking_over: dict[str, Any] = {
        "organisations": sorted({*target["organisations"], *case["organisations"]}),
        "synthetic": target["synthetic"] or case["synthetic"],
    }
    for name in ("project_id", "suspected_id", "enterprise_id"):
        taking_over[name] = target[name] if target[name] is not None else case[name]
    await change_case(session, target, **taking_over)
    await tell(session, viewer, case["id"], "merged", {"into": into, "reason": reason}, now)
    await tell(session, viewer, target["id"], "took_over", {"from": number, "reason": reason}, now)
    await audit(session, viewer, "case.merge", "case", number, why=reason, after={"into": into})


async def split(
    session: AsyncSession, viewer: Viewer, number: str, version: int | None, splitting: Splitting, now: datetime
) -> str:
    """Make some of a case's alerts and findings a case of their own; returns its number."""
    case = await lock_case(session, viewer, number, version)
    reason, title = said(splitting.reason, "reason"), said(splitting.title, "title", longest=LONGEST_TITLE)
    wanted = sorted(set(splitting.subjects))
    if not wanted:
        raise BadInput("Choose what becomes a case of its own.", where="subjects")
    there = await rows(
        session, "SELECT id FROM case_subjects WHERE case_id = :case AND left_at IS NULL", case=case["id"]
    )
    if {row["id"] for row in there} <= set(wanted):
        raise BadInput("Something must stay in the case.", where="subjects")
    subjects = await _leave(session, case, wanted, now)
    if len(subjects) != len(wanted):
        raise NotFound("There is no such alert or finding in this case.", where="subjects")
    desk = await first(session, "SELECT region FROM organisations WHERE id = :id", id=case["desk_id"])
    assert desk is not None  # noqa: S101  # a case's desk is never deleted
    new = await next_number(session, desk["region"], now)
    today = civil_day(now)
    row = await first(
        session,
        "INSERT INTO cases (number, path, title, desk_id, region, origin, project_id, suspected_id, enterprise_id, "
        "credit, synthetic, stage, stage_since, due, owner_id, split_from, opened_at, opened_by) VALUES (:number, "
        ":path, :title, :desk, :region, 'split', :project, :suspected, :enterprise, :credit, :synthetic, :stage, :now, "
        ":due, :owner, :from, :now, :by) RETURNING id",
        number=new,
        path=case["path"],
        title=title,
        desk=case["desk_id"],
        region=case["region"],
        project=case["project_id"],
        suspected=case["suspected_id"],
        enterprise=case["enterprise_id"],
        credit=case["credit"] or all(one["credit"] for one in subjects),
        synthetic=case["synthetic"],
        stage=FIRST,
        now=now,
        due=due_after(today, stages().stages[FIRST].allowed_on(today)),
        owner=case["owner_id"],
        by=viewer.actor,
        **{"from": case["id"]},
    )
    assert row is not None  # noqa: S101  # RETURNING gives the one row
    await _take(session, viewer, row["id"], subjects, now)
    await change_case(session, case)
    await tell(session, viewer, case["id"], "split", {"into": new, "reason": reason}, now)
    await tell(session, viewer, row["id"], "opened", {"path": case["path"], "origin": "split", "from": number}, now)
    after = {"into": new, "subjects": [f"{one['kind']} {one['reference']}" for one in subjects]}
    await audit(session, viewer, "case.split", "case", number, why=reason, after=after)
    return new


async def hand_on(
    session: AsyncSession, viewer: Viewer, number: str, version: int | None, desk_id: str, reason: str, now: datetime
) -> None:
    """Hand a case on to another office, which works on it from then on; one's own goes on reading it."""
    case = await lock_case(session, viewer, number, version)
    reason = said(reason, "reason")
    office = await first(
        session,
        "SELECT lanes, name_zh FROM organisations WHERE id = :id AND kind = 'agency' AND ended_at IS NULL",
        id=desk_id,
    )
    if office is None or desk_id == case["desk_id"]:
        raise BadInput("There is no such office.", where="desk")
    if case["credit"] and "credit" not in office["lanes"]:
        raise BadInput("What tells of credit goes to financial authorities alone.", where="desk")
    # First the line in the trail: afterwards the case is the other desk's.
    await tell(
        session, viewer, case["id"], "handed_on", {"to": desk_id, "to_name": office["name_zh"], "reason": reason}, now
    )
    organisations = sorted({*case["organisations"], viewer.organisation_id})
    await change_case(session, case, desk_id=desk_id, owner_id=None, organisations=organisations)
    await audit(
        session,
        viewer,
        "case.hand_on",
        "case",
        number,
        why=reason,
        before={"desk": case["desk_id"]},
        after={"desk": desk_id},
    )
    await _announce(session, case, f"case.handed_on:{number}:{case['version'] + 1}", now, desk=desk_id)


async def name_project(
    session: AsyncSession, viewer: Viewer, number: str, version: int | None, project_id: int, now: datetime
) -> None:
    """Say which registered project a case is about, or correct it while nothing was decided on it."""
    case = await lock_case(session, viewer, number, version)
    found = await first(
        session,
        "SELECT v.owner_id, p.invented FROM projects AS p JOIN project_versions AS v ON v.project_id = p.id "
        "AND v.known_to = 'infinity' WHERE p.id = :id ORDER BY v.held_from DESC NULLS LAST LIMIT 1",
        id=project_id,
    )
    if found is None:
        raise NotFound("There is no such project.", where="project_id")
    decided = await first(session, "SELECT 1 AS one FROM case_decisions WHERE case_id = :id LIMIT 1", id=case["id"])
    if decided is not None:
        raise Conflict("A decision was written into this project's file already.", where="project_id")
    synthetic = case["synthetic"] or found["invented"]
    await change_case(session, case, project_id=project_id, enterprise_id=found["owner_id"], synthetic=synthetic)
    await tell(session, viewer, case["id"], "project", {"project": project_id}, now)
    before = {"project": case["project_id"]}
    await audit(session, viewer, "case.name_project", "case", number, before=before, after={"project": project_id})


async def add_note(
    session: AsyncSession, viewer: Viewer, number: str, body: str, now: datetime, *, credit: bool = False
) -> None:
    """Add a note to a case that the viewer reads and whose region, desk or task is theirs."""
    if not (viewer.may("register") or viewer.may("decide")):
        viewer.require("register")
    if viewer.account_id is None:
        raise NotAllowed("Only a person works on a case.")
    if credit and not viewer.may("credit"):
        viewer.require("credit")
    body = said(body, "body")
    case = await find_case(session, number)
    await (await session.connection()).execute(
        text(
            "INSERT INTO case_notes (case_id, body, credit, actor, organisation_id, at) "
            "VALUES (:case, :body, :credit, :actor, :organisation, :at)"
        ),
        {
            "case": case["id"],
            "body": body,
            "credit": credit,
            "actor": viewer.actor,
            "organisation": viewer.organisation_id,
            "at": now,
        },
    )
    await tell(session, viewer, case["id"], "note", {}, now, credit=credit)
    await audit(session, viewer, "case.note", "case", number, after={"characters": len(body)})


async def _colleague(session: AsyncSession, organisation_id: str, account_id: int | None) -> str:
    """The login of an active person of an organisation; empty for nobody."""
    if account_id is None:
        return ""
    found = await first(
        session,
        "SELECT login FROM colleagues WHERE id = :id AND organisation_id = :organisation AND state = 'active'",
        id=account_id,
        organisation=organisation_id,
    )
    if found is None:
        raise BadInput("There is no such person in this office.", where="account")
    return str(found["login"])


async def _leave(session: AsyncSession, case: Row, subjects: Sequence[int] | None, now: datetime) -> list[Row]:
    """Take subjects (None: all) out of a case."""
    statement = text(
        "UPDATE case_subjects SET left_at = :now WHERE case_id = :case AND left_at IS NULL "
        "AND (:all OR id = ANY(:ids)) RETURNING kind, reference, episode, credit"
    ).bindparams(bindparam("ids", list(subjects or ()), ARRAY(BigInteger)))
    given = {"now": now, "case": case["id"], "all": subjects is None}
    return [dict(row) for row in (await (await session.connection()).execute(statement, given)).mappings()]


async def _take(session: AsyncSession, viewer: Viewer, case_id: int, subjects: Sequence[Row], now: datetime) -> None:
    """Put subjects into a case; their alerts say from then on in which they are."""
    connection = await session.connection()
    for one in subjects:
        await connection.execute(
            text(
                "INSERT INTO case_subjects (case_id, kind, reference, episode, credit, added_at, added_by) "
                "VALUES (:case, :kind, :reference, :episode, :credit, :now, :by)"
            ),
            {
                "case": case_id,
                "kind": one["kind"],
                "reference": one["reference"],
                "episode": one["episode"],
                "credit": one["credit"],
                "now": now,
                "by": viewer.actor,
            },
        )
    alerts = sorted(int(one["reference"]) for one in subjects if one["kind"] == "alert")
    await connection.execute(
        text(
            "UPDATE alerts SET case_id = :case, changed_at = :now, version = version + 1 WHERE id = ANY(:ids)"
        ).bindparams(bindparam("ids", alerts, ARRAY(BigInteger))),
        {"case": case_id, "now": now},
    )


async def _announce(
    session: AsyncSession,
    case: Row,
    key: str,
    now: datetime,
    *,
    accounts: tuple[int, ...] = (),
    desk: str | None = None,
) -> None:
    number = case["number"]
    await announce(
        session,
        Happened(
            "case.opened",
            key,
            "case",
            number,
            f"/cases/{number}",
            f"案件 {number}",
            f"Case {number}",
            organisation_id=desk,
            account_ids=accounts,
            region=case["region"],
            lane="credit" if case["credit"] else "",
        ),
        now,
    )
