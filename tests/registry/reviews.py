"""A small world for tests of reviewing: two projects, records that await a person, reviewers, their supervisor."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.database import json_text, transaction
from registry.enterprise_writing import register_enterprises
from registry.import_items import EnterpriseItem, ProjectItem
from registry.project_writing import register_projects
from registry.restating import Telling
from registry.roles import Role, permissions_of
from registry.viewers import NATION, Viewer, become
from tests.registry.pages import open_run, page, rows, store

NOW = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
OWNER = "唐山甲示例钢铁有限公司"
PROJECT = "唐山甲示例钢铁有限公司年产100万吨炼钢项目"
OTHER_PROJECT = "唐山乙示例水泥有限公司熟料生产线项目"


def viewer(account: int, *roles: Role, lanes: tuple[str, ...] = (), region: str = NATION, **more: Any) -> Viewer:
    """A person with these roles."""
    return Viewer(
        kind="person",
        account_id=account,
        actor=f"person{account}",
        organisation_id="office",
        region=region,
        permissions=permissions_of(frozenset(roles), "agency", frozenset(lanes)),
        **more,
    )


FIRST, SECOND, CHIEF = viewer(1, "reviewer"), viewer(2, "reviewer"), viewer(3, "supervisor")
READER, OFFICER, FINANCE = viewer(4, "reader"), viewer(5, "officer"), viewer(6, "reviewer", lanes=("credit",))


@asynccontextmanager
async def acting(engine: AsyncEngine, who: Viewer) -> AsyncIterator[AsyncSession]:
    """A transaction with the rights of a viewer."""
    async with transaction(engine) as session:
        await become(session, who)
        yield session


def later(minutes: int) -> datetime:
    """An instant after the world was made."""
    return NOW + timedelta(minutes=minutes)


RECORD: dict[str, Any] = {
    "act": "land_grant",
    "acted_on": date(2015, 6, 1),
    "party_name": "唐山甲\u200b示例鋼鐵公司",
    "project_name": "年产100万吨炼钢技改项目",
    "region": "130283",
    "address": "唐山市迁安市示例路1号",
    "area_hectares": "3.5",
}
EXPLANATION = [
    {"feature": "owner_name", "value": 0.93, "weight": 2.4},
    {"feature": "region", "value": 1, "weight": 0.8},
]


async def make_world(
    engine: AsyncEngine, *records: Mapping[str, Any], scores: tuple[float, float] = (0.82, 0.31)
) -> None:
    """Two projects and these records (default: one), each awaiting a person with both projects as candidates."""
    telling = Telling(actor="test", at=NOW - timedelta(days=1), reason="test")
    owners = [("t:A", OWNER, "91130200MA00000017"), ("t:B", "唐山乙示例水泥有限公司", "91130200MA00000025")]
    projects = [("t:P1", PROJECT, "t:A", "steel"), ("t:P2", OTHER_PROJECT, "t:B", "cement")]
    async with transaction(engine) as session:
        await register_enterprises(
            session,
            [
                EnterpriseItem.model_validate(
                    {"reference": reference, "name": name, "uscc": uscc, "region": "130200", "invented": True}
                )
                for reference, name, uscc in owners
            ],
            telling,
        )
        await register_projects(
            session,
            [
                ProjectItem.model_validate(
                    {
                        "reference": reference,
                        "name": name,
                        "owner": owner,
                        "sector": sector,
                        "region": "130200",
                        "nature": "new_build",
                        "stage": "construction",
                        "invented": True,
                    }
                )
                for reference, name, owner, sector in projects
            ],
            telling,
        )
    writer = await open_run(engine)
    entries = [{"source_key": f"r{number}", **RECORD, **one} for number, one in enumerate(records or [{}])]
    await store(engine, writer, page(entries))
    await rows(engine, "UPDATE sync_runs SET state = 'done' RETURNING id")
    await rows(
        engine, "UPDATE feeds SET agency_id = 'mnr', name_zh = '示例国土', name_en = 'Example land' RETURNING id"
    )
    async with transaction(engine) as session:
        connection = await session.connection()
        binds = {"at": NOW - timedelta(hours=1), "why": json_text(EXPLANATION), "one": scores[0], "two": scores[1]}
        for statement in (
            "INSERT INTO links (record_id, outcome, method, score, shown_sector, known_from) "
            "SELECT record_id, 'unlinked', 'likely_match', :one, 'steel', :at FROM records WHERE known_to = 'infinity'",
            "INSERT INTO review_items (record_id, cause, best_score, candidates, amount, area_hectares, known_from) "
            "SELECT record_id, 'likely_match', :one, 2, amount, area_hectares, :at FROM records "
            "WHERE known_to = 'infinity'",
            "INSERT INTO link_candidates (record_id, project_id, score, model, explanation, known_from) "
            "SELECT r.record_id, p.id, CASE p.reference WHEN 't:P1' THEN CAST(:one AS float) ELSE CAST(:two AS float) "
            "END, 'm1', CAST(CAST(:why AS text) AS jsonb), :at FROM records AS r, projects AS p "
            "WHERE r.known_to = 'infinity'",
            "DELETE FROM dirty_marks",
        ):
            wanted = {name: value for name, value in binds.items() if f":{name}" in statement}
            await connection.execute(text(statement), wanted)


async def record_id(engine: AsyncEngine, key: str = "r0") -> int:
    """The number of a record."""
    found = await rows(engine, f"SELECT record_id FROM records WHERE source_key = '{key}' AND known_to = 'infinity'")
    return int(found[0][0])


async def project_id(engine: AsyncEngine, reference: str = "t:P1") -> int:
    """The number of a project."""
    found = await rows(engine, f"SELECT id FROM projects WHERE reference = '{reference}'")
    return int(found[0][0])


async def link(engine: AsyncEngine, record: int) -> list[tuple[Any, ...]]:
    """The present links of a record: outcome, project, who."""
    found = await rows(
        engine,
        "SELECT outcome, project_id, decided_by FROM links "
        f"WHERE record_id = {record} AND known_to = 'infinity' ORDER BY project_id",
    )
    return [tuple(row) for row in found]
