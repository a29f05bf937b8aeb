"""The demo's publications: decisions on invented enterprises, led by the demo's people through every state."""

import hashlib
from datetime import datetime, timedelta
from typing import Final, cast

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.clock import civil_day
from registry.database import transaction
from registry.publishing import hearing, press
from registry.publishing.drafting import draft, submit
from registry.publishing.hearing import Letter
from registry.reading import rows
from registry.roles import Role, permissions_of
from registry.viewers import NATION, Viewer, become

# Of invented projects alone: nothing of the demo accuses a company that exists.
_MATTERS: Final = """
SELECT d.reference FROM dispositions AS d JOIN projects AS p ON p.id = d.project_id
WHERE d.known_to = 'infinity' AND p.invented AND d.kind = 'halt' ORDER BY d.reference DESC LIMIT 4
"""
_PEOPLE: Final = """
SELECT a.id, a.login, a.name, o.id AS organisation_id, o.name_zh, o.lanes, array_agg(g.role) AS roles
FROM accounts AS a JOIN organisations AS o ON o.id = a.organisation_id
JOIN role_grants AS g ON g.account_id = a.id AND g.revoked_at IS NULL
WHERE a.login = ANY(:logins) GROUP BY a.id, o.id
"""
HANDS: Final = ("demo-publisher", "demo-supervisor", "demo-supervisor-2", "demo-supervisor-3")


async def add_demo_publications(on: AsyncEngine, now: datetime) -> int:
    """Add them where there are none; returns how many: one withdrawn, one final, one on display, one half approved."""
    async with transaction(on) as session:
        if await rows(session, "SELECT 1 FROM publications LIMIT 1"):
            return 0
        matters = [row["reference"] for row in await rows(session, _MATTERS)]
        found = {row["login"]: _viewer(row) for row in await rows(session, _PEOPLE, logins=list(HANDS))}
    if len(matters) < 4 or len(found) < len(HANDS):
        return 0
    story = _Story(on, [found[login] for login in HANDS])
    days = {name: now - timedelta(days=number) for name, number in _DAYS.items()}
    gone = await story.show(matters[0], days["first"])
    await story.publish(days["first final"])
    final = await story.show(matters[1], days["second"])
    await story.reply(final, days["reply"])
    await story.publish(days["second final"])
    await story.appeal(final, days["appeal"], days["answer"])
    await story.withdraw(gone, days["withdrawal"])
    await story.show(matters[2], days["half"], approvals=1)
    shown = await story.show(matters[3], now)
    await story.object(shown, now)
    return 4


_DAYS: Final = {
    "first": 75,
    "first final": 50,
    "second": 48,
    "reply": 44,
    "second final": 25,
    "appeal": 15,
    "answer": 12,
    "withdrawal": 8,
    "half": 1,
}


def _viewer(row: dict[str, object]) -> Viewer:
    roles = frozenset(cast("list[Role]", row["roles"]))
    return Viewer(
        "person",
        cast("int", row["id"]),
        actor=str(row["login"]),
        name=str(row["name"]),
        organisation_id=str(row["organisation_id"]),
        organisation_name=str(row["name_zh"]),
        region=NATION,
        permissions=permissions_of(roles, "agency", frozenset(cast("list[str]", row["lanes"]))),
    )


class _Story:
    """The hands through which the demo's publications go, each step in a transaction of its own."""

    def __init__(self, on: AsyncEngine, people: list[Viewer]) -> None:
        self.on = on
        self.drafter, *self.approvers = people

    async def show(self, subject: str, at: datetime, approvals: int = 2) -> int:
        """Draft, submit and approve."""
        async with transaction(self.on) as session:
            await become(session, self.drafter)
            number = await draft(session, self.drafter, "disposition", subject, "", at)
            asked = await submit(session, self.drafter, number, 1, at)
        for approver in self.approvers[:approvals]:
            async with transaction(self.on) as session:
                await become(session, approver)
                await press.approve(session, approver, asked, 1, "同意。", at)
                found = await rows(session, "SELECT max(id) AS id FROM proposals WHERE state = 'open'")
                asked = found[0]["id"] or asked
        return number

    async def publish(self, at: datetime) -> None:
        """What the job does."""
        async with transaction(self.on) as session:
            await press.publish_due(session, at)

    async def reply(self, publication: int, at: datetime) -> None:
        """The enterprise replies."""
        words = "示例：本企业已于接到决定当日停止施工，并已拆除临时设施。请予复查。联系电话 13800138000。"
        async with transaction(self.on) as session:
            await become(session, self.drafter)
            letter = Letter(civil_day(at), words, _hash(words))
            number, _covered = await hearing.receive_reply(session, self.drafter, publication, letter, at)
        async with transaction(self.on) as session:
            await become(session, self.approvers[0])
            await hearing.confirm_reply(session, self.approvers[0], number, at, whole=True)

    async def appeal(self, publication: int, at: datetime, answered: datetime) -> None:
        """The enterprise appeals, and somebody who had no hand in it answers."""
        words = "示例：请求撤回，理由见附件。"
        async with transaction(self.on) as session:
            await become(session, self.drafter)
            letter = Letter(civil_day(at), words, _hash(words))
            number = await hearing.receive_appeal(session, self.drafter, publication, letter, at)
        async with transaction(self.on) as session:
            await become(session, self.approvers[2])
            answer = "示例：经复查，处理决定有效，公布内容属实，不予撤回。"
            await hearing.answer_appeal(session, self.approvers[2], number, answer, "", answered)

    async def object(self, publication: int, at: datetime) -> None:
        """Somebody objects; the answer is still due."""
        async with transaction(self.on) as session:
            await become(session, self.drafter)
            letter = Letter(civil_day(at), "示例：所列项目名称与现场标牌不一致，请核对。")
            await hearing.receive_objection(session, self.drafter, publication, letter, "public", at)

    async def withdraw(self, publication: int, at: datetime) -> None:
        """Withdrawn by two people."""
        async with transaction(self.on) as session:
            await become(session, self.drafter)
            reason = "示例：处理决定经复议撤销。"
            asked = await press.ask_withdrawal(session, self.drafter, publication, reason, at)
        async with transaction(self.on) as session:
            await become(session, self.approvers[0])
            await press.approve_withdrawal(session, self.approvers[0], asked, 1, "同意。", at)


def _hash(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()
