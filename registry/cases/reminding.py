"""Reminders: a deadline that comes near, one that is over, and one that has long been over, told each once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.events import Happened, announce
from registry.cases.stages import stages
from registry.cases.trail import tell
from registry.clock import civil_day
from registry.reading import Row, first, rows
from registry.viewers import NATION
from registry.working_days import is_working_day, working_day_after

# Working days before a deadline at which it is called near, and after it at which the office above is told. No clause
# sets them: our own reading.
NEAR: Final = 2
LONG_OVER: Final = 5
AT_ONCE: Final = 500

# What is to be told: 1 near, 2 over, 3 long over. A stage and a task have the same columns.
_LEVEL: Final = "CASE WHEN {row}.due < :long_over THEN 3 WHEN {row}.due < :today THEN 2 ELSE 1 END"
_TASKS: Final = f"""
SELECT 'task' AS what, t.id, t.case_id, t.title, t.due, t.organisation_id AS office, t.assignee_id AS person, t.credit,
    c.number, c.region, c.desk_id, c.owner_id, {_LEVEL.format(row="t")} AS level
FROM case_tasks AS t JOIN cases AS c ON c.id = t.case_id
WHERE t.state = 'open' AND t.due <= :near AND t.told < {_LEVEL.format(row="t")}
ORDER BY t.due, t.id LIMIT {AT_ONCE} FOR UPDATE OF t SKIP LOCKED
"""
_STAGES: Final = f"""
SELECT 'stage' AS what, c.id, c.id AS case_id, c.stage AS title, c.due, c.desk_id AS office, c.owner_id AS person,
    c.credit, c.number, c.region, c.desk_id, c.owner_id, {_LEVEL.format(row="c")} AS level
FROM cases AS c WHERE c.state = 'open' AND c.due <= :near AND c.told < {_LEVEL.format(row="c")}
ORDER BY c.due, c.id LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED
"""
# The office above of the same agency: the nearest whose region contains this office's, else the nation's.
_ABOVE: Final = """
SELECT up.id, up.name_zh
FROM organisations AS o JOIN organisations AS up ON up.agency_id = o.agency_id AND up.id <> o.id
    AND up.ended_at IS NULL AND up.kind = 'agency' AND up.region <> o.region
WHERE o.id = :office AND (up.region = :nation
    OR EXISTS (SELECT FROM region_within AS w WHERE w.outer_code = up.region AND w.inner_code = o.region))
ORDER BY length(rtrim(up.region, '0')) DESC, up.id LIMIT 1
"""
_TOLD: Final = {
    "task": text("UPDATE case_tasks SET told = :level, told_of = :due WHERE id = :id"),
    "stage": text("UPDATE cases SET told = :level, told_of = :due WHERE id = :id"),
}


@dataclass(slots=True)
class Reminded:
    """How many deadlines were told to be near, over, and long over."""

    near: int = 0
    over: int = 0
    escalated: int = 0


async def remind(session: AsyncSession, at: datetime) -> Reminded:
    """Tell what has to be told by now, in the caller's transaction; again it tells nothing more."""
    today = civil_day(at)
    long_over, left = today, LONG_OVER
    while left:
        long_over -= timedelta(days=1)
        left -= is_working_day(long_over)
    binds = {"today": today, "near": working_day_after(today, NEAR), "long_over": long_over}
    found = [*await rows(session, _TASKS, **binds), *await rows(session, _STAGES, **binds)]
    done = Reminded()
    for one in found:
        if one["level"] == 1:
            done.near += 1
            await _near(session, one, at)
        else:
            done.over += one["level"] == 2
            done.escalated += one["level"] == 3
            await _over(session, one, at)
        told = {"level": one["level"], "due": one["due"], "id": one["id"]}
        await (await session.connection()).execute(_TOLD[one["what"]], told)
    return done


def _name(one: Row) -> tuple[str, str]:
    """What is due, in both languages; a task's title stays away: it goes into mails."""
    if one["what"] == "task":
        return "任务", "task"
    stage = stages().stages.get(one["title"])
    return (stage.title_zh, stage.title_en) if stage else (one["title"], one["title"])


async def _near(session: AsyncSession, one: Row, at: datetime) -> None:
    content = {"due": one["due"], "title": _name(one)[0] if one["what"] == "stage" else one["title"]}
    await tell(session, None, one["case_id"], "due_soon", content, at, credit=one["credit"])
    await _announce(session, "case.task.due", one, one["office"], at)


async def _over(session: AsyncSession, one: Row, at: datetime) -> None:
    """Over: the office and the desk that waits are told; long over: the office above too."""
    content = {"due": one["due"], "title": _name(one)[0] if one["what"] == "stage" else one["title"]}
    offices = {one["office"], one["desk_id"]}
    kind = "overdue"
    if one["level"] == 3:
        above = await first(session, _ABOVE, office=one["office"], nation=NATION)
        if above is not None:
            # Who is told of it must be able to read it.
            offices.add(above["id"])
            await (await session.connection()).execute(
                text(
                    "UPDATE cases SET organisations = organisations || :office WHERE id = :id "
                    "AND NOT :office = ANY(organisations) AND desk_id <> :office"
                ),
                {"office": above["id"], "id": one["case_id"]},
            )
        kind = "escalated"
        content |= {"to": above["id"], "to_name": above["name_zh"]} if above else {}
    await tell(session, None, one["case_id"], kind, content, at, credit=one["credit"])
    for office in sorted(offices):
        await _announce(session, "case.task.overdue", one, office, at)


async def _announce(session: AsyncSession, kind: str, one: Row, office: str, at: datetime) -> None:
    zh, en = _name(one)
    number, due = one["number"], one["due"]
    await announce(
        session,
        Happened(
            kind,
            f"{kind}:{one['what']}:{one['id']}:{due}:{one['level']}:{office}",
            "case",
            number,
            f"/cases/{number}",
            f"案件 {number}：{zh}，期限 {due}",
            f"Case {number}: {en}, due {due}",
            organisation_id=office,
            account_ids=(one["person"],) if one["person"] and office == one["office"] else (),
            region=one["region"],
            lane="credit" if one["credit"] else "",
        ),
        at,
    )
