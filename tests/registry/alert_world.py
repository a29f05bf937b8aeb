"""Offices with people, and alerts raised from a small world: what the tests of alerting share."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.alerting.escalating import Passed, let_time_pass
from registry.alerting.raising import Raised, raise_alerts
from registry.alerting.spreading import Channels
from registry.database import transaction
from registry.roles import OF_ROLE, Role, permissions_of
from registry.viewers import Viewer

# A working Monday, ten in the morning in China.
MONDAY = datetime(2026, 1, 5, 2, tzinfo=UTC)
# id -> agency, lanes, region
OFFICES: dict[str, tuple[str | None, tuple[str, ...], str]] = {
    "land-tangshan": ("mlr", ("land",), "130200"),  # under its former name
    "land-hebei": ("mnr", ("land",), "130000"),
    "land-nation": ("mnr", ("land",), "000000"),
    "credit-nation": ("nfra", ("credit",), "000000"),
}


async def offices(engine: AsyncEngine, roles: tuple[Role, ...] = ("reviewer",)) -> dict[str, Viewer]:
    """The offices, and in each one person a role; viewers by "office/role"."""
    found = {}
    async with transaction(engine) as session:
        connection = await session.connection()
        for name, (agency, lanes, region) in OFFICES.items():
            await connection.execute(
                text(
                    "INSERT INTO organisations (id, kind, name_zh, name_en, agency_id, lanes, region, invented, "
                    "created_at) VALUES (:id, 'agency', concat('示例', CAST(:id AS text)), :id, :agency, :lanes, "
                    ":region, true, :at)"
                ),
                {"id": name, "agency": agency, "lanes": list(lanes), "region": region, "at": MONDAY},
            )
            for role in roles:
                account = await connection.scalar(
                    text(
                        "INSERT INTO accounts (login, name, email, organisation_id, region, state, invented, "
                        "created_at) VALUES (:login, '示例', :email, :office, :region, 'active', true, :at) "
                        "RETURNING id"
                    ),
                    {
                        "login": f"{name}.{role}",
                        "email": f"{role}@{name}.example",
                        "office": name,
                        "region": region,
                        "at": MONDAY,
                    },
                )
                await connection.execute(
                    text(
                        "INSERT INTO role_grants (account_id, role, held_from, granted_by, granted_at) "
                        "VALUES (:account, :role, date '2020-01-01', 'test', :at)"
                    ),
                    {"account": account, "role": role, "at": MONDAY},
                )
                assert role in OF_ROLE
                found[f"{name}/{role}"] = Viewer(
                    "person",
                    account_id=account,
                    actor=f"{name}.{role}",
                    organisation_id=name,
                    region=region,
                    permissions=permissions_of(frozenset({role}), "agency", frozenset(lanes)),
                )
    return found


async def told(engine: AsyncEngine, at: datetime = MONDAY, *, mail: bool = True) -> Raised:
    """Raise what is marked."""
    async with transaction(engine) as session:
        return await raise_alerts(session, at, Channels(mail=mail))


async def later(engine: AsyncEngine, at: datetime) -> Passed:
    """Let time pass."""
    async with transaction(engine) as session:
        return await let_time_pass(session, at, Channels(mail=True))


async def rows(engine: AsyncEngine, query: str, **binds: Any) -> list[Any]:
    """All rows as the owner sees them."""
    async with transaction(engine) as session:
        return list((await (await session.connection()).execute(text(query), binds)).all())
