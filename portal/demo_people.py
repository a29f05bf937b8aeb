"""The demo's people, all invented, in invented organisations: one a role, who works in each lane, one of a bank."""

import secrets
from datetime import date, datetime
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.account_writing import NewAccount, create_account
from registry.granting import Grant, grant_role
from registry.organising import NewOrganisation, create_organisation
from registry.reading import first
from registry.viewers import NATION, Viewer

# id, agency whose duties it has (a bank: none), Chinese and English name, lanes, region
ORGANISATIONS: Final[tuple[tuple[str, str | None, str, str, tuple[str, ...], str], ...]] = (
    ("demo-office", "ndrc", "示例发展改革委员会", "Example Development and Reform Commission", ("approval",), NATION),
    ("demo-industry", "miit", "示例工业主管部门", "Example Industry Authority", ("approval",), NATION),
    ("demo-land", "mnr", "示例自然资源部门", "Example Natural Resources Authority", ("land",), NATION),
    ("demo-land-hebei", "mnr", "示例河北自然资源厅", "Example Natural Resources of Hebei", ("land",), "130000"),
    ("demo-environment", "mee", "示例生态环境部门", "Example Environment Authority", ("environment",), NATION),
    ("demo-quality", "samr", "示例市场监管部门", "Example Market Regulation", ("quality",), NATION),
    ("demo-finance", "nfra", "示例金融监管局", "Example Financial Regulation Office", ("credit",), NATION),
    ("demo-bank", None, "示例银行", "Example Bank", (), NATION),
)
# login, name, organisation, role
PEOPLE: Final = (
    ("demo-reader", "示例甲", "demo-office", "reader"),
    ("demo-officer", "示例乙", "demo-office", "officer"),
    ("demo-reviewer", "示例丙", "demo-office", "reviewer"),
    ("demo-supervisor", "示例丁", "demo-office", "supervisor"),
    ("demo-publisher", "示例戊", "demo-office", "publisher"),
    ("demo-administrator", "示例己", "demo-office", "administrator"),
    ("demo-auditor", "示例庚", "demo-office", "auditor"),
    ("demo-finance", "示例辛", "demo-finance", "officer"),
    ("demo-bank", "示例壬", "demo-bank", "reader"),
    ("demo-supervisor-2", "示例癸", "demo-office", "supervisor"),
    ("demo-supervisor-3", "示例子", "demo-office", "supervisor"),
    ("demo-finance-reviewer", "示例丑", "demo-finance", "reviewer"),
    ("demo-finance-supervisor", "示例寅", "demo-finance", "supervisor"),
    ("demo-land", "示例卯", "demo-land", "reviewer"),
    ("demo-land-officer", "示例辰", "demo-land", "officer"),
    ("demo-land-supervisor", "示例巳", "demo-land", "supervisor"),
    ("demo-environment", "示例午", "demo-environment", "reviewer"),
    ("demo-environment-officer", "示例未", "demo-environment", "officer"),
    ("demo-environment-supervisor", "示例申", "demo-environment", "supervisor"),
    ("demo-industry", "示例酉", "demo-industry", "reviewer"),
    ("demo-land-hebei", "示例戌", "demo-land-hebei", "reviewer"),
    ("demo-quality", "示例亥", "demo-quality", "reviewer"),
)


async def add_demo_people(session: AsyncSession, now: datetime, today: date) -> int:
    """Add those that are missing; returns how many. Nobody can sign in as one by password: it is random and untold."""
    loader = Viewer("person", actor="demo", region=NATION, permissions=frozenset({"accounts"}))
    for identity, agency, name_zh, name_en, lanes, region in ORGANISATIONS:
        if await first(session, "SELECT 1 AS one FROM organisations WHERE id = :id", id=identity) is None:
            new = NewOrganisation(
                identity,
                "agency" if agency else "bank",
                name_zh,
                name_en,
                region,
                agency_id=agency,
                lanes=lanes,
                lender_names=() if agency else (name_zh,),
                invented=True,
            )
            await create_organisation(session, loader, new, now)
    added = 0
    for login, name, organisation, role in PEOPLE:
        if await first(session, "SELECT 1 AS one FROM accounts WHERE login = :login", login=login):
            continue
        account, _password = await create_account(
            session, loader, NewAccount(login, name, organisation, invented=True), now, password=secrets.token_hex(32)
        )
        await grant_role(session, loader, Grant(account, role, today, None, "the demo's people"), now)
        added += 1
    return added
