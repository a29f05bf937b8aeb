"""The demo's cases: invented flagged projects in three stages, made by the very functions that officials use."""

from datetime import datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.cases.arranging import add_note
from registry.cases.asking import Answer, Asked, answer, ask
from registry.cases.files import NewFile, add_file, look_into
from registry.cases.moving import Step, take_step
from registry.cases.opening import NewCase, open_case
from registry.clock import civil_day
from registry.database import transaction
from registry.errors import NotFound
from registry.reading import first, rows
from registry.roles import Role, permissions_of
from registry.viewers import Viewer, become

# Only of projects that the demo invented: no case of the demo accuses a real enterprise.
_FLAGGED: Final = """
SELECT f.project_id, min(v.name) AS name, array_agg(DISTINCT f.fingerprint ORDER BY f.fingerprint) AS fingerprints
FROM findings AS f JOIN projects AS p ON p.id = f.project_id AND p.invented
JOIN project_versions AS v ON v.project_id = p.id AND v.known_to = 'infinity'
JOIN enterprises AS e ON e.id = v.owner_id AND e.invented
WHERE f.known_to = 'infinity' AND f.state = 'open' AND f.lane <> 'credit'
  AND NOT EXISTS (SELECT FROM case_subjects AS s WHERE s.kind = 'finding' AND s.reference = f.fingerprint)
GROUP BY f.project_id HAVING count(DISTINCT f.fingerprint) <= 20 ORDER BY f.project_id LIMIT 4
"""
_WHY: Final = "演示：就虚构项目的疑点立案核实"
_NUMBER, _AUTHORITY = "示例发〔2026〕1号", "示例发展改革委员会"


async def add_demo_cases(on: AsyncEngine, now: datetime) -> list[str]:
    """Make the cases once, as soon as something invented is flagged; returns their numbers."""
    async with transaction(on) as session:
        if await first(session, "SELECT 1 AS one FROM cases LIMIT 1"):
            return []
        flagged = await rows(session, _FLAGGED)
        # An older demo has no such office.
        there = await first(session, "SELECT 1 AS one FROM accounts WHERE login = 'demo-environment'")
        if len(flagged) < 3 or there is None:
            return []
        reviewer, supervisor = await _person(session, "demo-reviewer"), await _person(session, "demo-supervisor")
        environment = await _person(session, "demo-environment")
        today = civil_day(now)
        await become(session, reviewer)
        numbers = [await _open(session, reviewer, one, "3-1", now) for one in flagged[:3]]
        verifying, consulting, closing = numbers
        asked = Asked("task", "到现场核对是否开工", "demo-land", today, "请附照片和核查笔录")
        await ask(session, reviewer, verifying, None, asked, now)
        await add_note(session, reviewer, verifying, "已与当地电话联系。", now)
        await take_step(session, reviewer, consulting, None, _step("halt", now), now)
        content = "（虚构）地方政府申请报告".encode()
        looked = look_into("申请报告.txt", content, most_bytes=2**20)
        await add_file(session, reviewer, consulting, NewFile("申请报告.txt", content, "application"), looked, now)
        await take_step(session, reviewer, consulting, None, _step("apply", now), now)
        await take_step(session, reviewer, consulting, None, _step("consult", now), now)
        await take_step(session, reviewer, closing, None, _step("forbid-start", now), now)
        await become(session, environment)
        opinion = await first(
            session,
            "SELECT t.id, t.version FROM case_tasks AS t JOIN cases AS c ON c.id = t.case_id "
            "WHERE c.number = :number AND t.kind = 'opinion' AND t.organisation_id = :office",
            number=consulting,
            office=environment.organisation_id,
        )
        if opinion is not None:
            said = Answer("须先完成环境影响评价，附条件同意。", "conditions")
            await answer(session, environment, opinion["id"], opinion["version"], said, now)
        await become(session, supervisor)
        await take_step(session, supervisor, closing, None, _step("close", now, outcome="not_started"), now)
        return numbers


async def _open(session: AsyncSession, viewer: Viewer, flagged: dict[str, Any], path: str, now: datetime) -> str:
    title = f"{flagged['name']}（演示）"[:200]
    return await open_case(session, viewer, NewCase(path, title, _WHY, findings=tuple(flagged["fingerprints"])), now)


def _step(name: str, now: datetime, outcome: str = "") -> Step:
    decided = civil_day(now)
    due = None if outcome else decided + timedelta(days=30)
    return Step(name, "演示：按核实结果办理", _NUMBER, _AUTHORITY, decided, outcome, due)


async def _person(session: AsyncSession, login: str) -> Viewer:
    """One of the demo's people with the roles they have."""
    row = await first(
        session,
        "SELECT a.id, a.login, a.name, a.region, o.id AS organisation, o.name_zh, o.lanes, "
        "array_agg(g.role) AS roles FROM accounts AS a JOIN organisations AS o ON o.id = a.organisation_id "
        "JOIN role_grants AS g ON g.account_id = a.id AND g.revoked_at IS NULL WHERE a.login = :login "
        "GROUP BY a.id, o.id",
        login=login,
    )
    if row is None:
        raise NotFound("There is no such person in this office.", where=login)
    roles = cast("frozenset[Role]", frozenset(row["roles"]))
    return Viewer(
        "person",
        row["id"],
        actor=row["login"],
        name=row["name"],
        organisation_id=row["organisation"],
        organisation_name=row["name_zh"],
        region=row["region"],
        permissions=permissions_of(roles, "agency", frozenset(row["lanes"])),
    )
