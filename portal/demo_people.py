"""The demo's people: one a role, who works files in each lane, a bank's; all invented, as their offices are."""

import secrets
from datetime import date, datetime
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.account_writing import NewAccount, create_account
from registry.granting import Grant, grant_role
from registry.organising import NewOrganisation, create_organisation
from registry.reading import first
from registry.viewers import NATION, Viewer

# id, kind, Chinese and English name, lanes, names under which it lends
ORGANISATIONS: Final = (
    ("demo-office", "agency", "示例发展改革委员会", "Example Development and Reform Commission", ("approval",), ()),
    ("demo-land", "agency", "示例自然资源局", "Example Natural Resources Office", ("land",), ()),
    ("demo-environment", "agency", "示例生态环境局", "Example Ecology and Environment Office", ("environment",), ()),
    ("demo-finance", "agency", "示例金融监管局", "Example Financial Regulation Office", ("credit",), ()),
    ("demo-land", "agency", "示例自然资源部门", "Example Natural Resources Office", ("land",), ()),
    ("demo-environment", "agency", "示例生态环境部门", "Example Environment Office", ("environment",), ()),
    ("demo-bank", "bank", "示例银行", "Example Bank", (), ("示例银行",)),
)
# login, name, organisation, role
PEOPLE: Final = (
    ("demo-reader", "示例甲", "demo-office", "reader"),
    ("demo-officer", "示例乙", "demo-office", "officer"),
    ("demo-reviewer", "示例丙", "demo-office", "reviewer"),
    ("demo-supervisor", "示例丁", "demo-office", "supervisor"),
    ("demo-supervisor-2", "示例癸", "demo-office", "supervisor"),
    ("demo-supervisor-3", "示例子", "demo-office", "supervisor"),
    ("demo-publisher", "示例戊", "demo-office", "publisher"),
    ("demo-administrator", "示例己", "demo-office", "administrator"),
    ("demo-auditor", "示例庚", "demo-office", "auditor"),
    ("demo-finance", "示例辛", "demo-finance", "officer"),
    ("demo-land", "示例癸", "demo-land", "officer"),
    ("demo-environment", "示例子", "demo-environment", "officer"),
    ("demo-bank", "示例壬", "demo-bank", "reader"),
    ("demo-finance-reviewer", "示例癸", "demo-finance", "reviewer"),
    ("demo-finance-supervisor", "示例子", "demo-finance", "supervisor"),
    ("demo-land-officer", "示例丑", "demo-land", "officer"),
    ("demo-land-reviewer", "示例寅", "demo-land", "reviewer"),
    ("demo-land-supervisor", "示例卯", "demo-land", "supervisor"),
    ("demo-environment-officer", "示例辰", "demo-environment", "officer"),
    ("demo-environment-reviewer", "示例巳", "demo-environment", "reviewer"),
    ("demo-environment-supervisor", "示例午", "demo-environment", "supervisor"),
)


async def add_demo_people(session: AsyncSession, now: datetime, today: date) -> int:
    """Add those that are missing; returns how many. Nobody can sign in as one by password: it is random and untold."""
    loader = Viewer("person", actor="demo", region=NATION, permissions=frozenset({"accounts"}))
    for identity, kind, name_zh, name_en, lanes, lenders in ORGANISATIONS:
        if await first(session, "SELECT 1 AS one FROM organisations WHERE id = :id", id=identity) is None:
            new = NewOrganisation(
                identity, kind, name_zh, name_en, NATION, lanes=lanes, lender_names=lenders, invented=True
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
