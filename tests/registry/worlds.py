"""Small worlds for tests of judging: a scenario that is kept instead of rolled back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import dirty
from registry.database import transaction
from registry.history import FOREVER
from registry.judging import Judged, judge_changed, judge_nation
from registry.records import Record
from registry.scenario_worlds import build_world
from registry.scenarios import Scenario

AS_OF = date(2016, 12, 31)
CODE = "2014-130200-31-03-000001"
OWNER = "91130200MA00000017"
OTHER = "91130200MA0000002A"


def at(hour: int, day: int = 1) -> datetime:
    """An instant of January 2026; what a scenario brings was known long before."""
    return datetime(2026, 1, day, hour, tzinfo=UTC)


def project(**more: Any) -> dict[str, Any]:
    """A steel project of an invented company, filed on 2014-06-01."""
    filed = {"id": "A1", "kind": "filing", "issued": "2014-06-01", "expires": "2016-05-31"}
    return {
        "code": CODE,
        "name": "年产100万吨炼钢示例项目",
        "owner": OWNER,
        "sector": "steel",
        "region": "130200",
        "approvals": [filed],
        **more,
    }


def record(name: str, act: str, on: str, **more: Any) -> dict[str, Any]:
    """An act that bears the project's code."""
    return {"id": name, "act": act, "on": on, "project_code": CODE, **more}


def scenario(records: Sequence[Mapping[str, Any]], *projects: Mapping[str, Any], **more: Any) -> Scenario:
    """A world of these records and projects (default: the one steel project)."""
    return Scenario.model_validate(
        {
            "scenario": "test",
            "as_of": AS_OF.isoformat(),
            "enterprises": [
                {"uscc": OWNER, "name": "示例甲钢铁有限公司", "region": "130200", "former_names": ["示例甲钢铁厂"]},
                {"uscc": OTHER, "name": "示例乙钢铁有限公司", "region": "130200"},
            ],
            "projects": list(projects) or [project()],
            "records": list(records),
            **more,
        }
    )


async def keep(engine: AsyncEngine, world: Scenario) -> None:
    """Build the world and keep it."""
    async with transaction(engine) as session:
        await build_world(session, world)


async def nation(engine: AsyncEngine, when: datetime, as_of: date = AS_OF) -> Judged:
    """Judge the nation."""
    async with transaction(engine) as session:
        return await judge_nation(session, as_of, when)


async def changed(engine: AsyncEngine, when: datetime) -> Judged | None:
    """Judge what was marked."""
    async with transaction(engine) as session:
        return await judge_changed(session, when)


async def correct_record(session: AsyncSession, key: str, changes: dict[str, Any], when: datetime) -> None:
    """Another version of a record as its agency sends it, linked as before."""
    connection = await session.connection()
    (before,) = (
        await connection.execute(
            text("UPDATE records SET known_to = :at WHERE source_key = :key AND known_to = 'infinity' RETURNING *"),
            {"at": when, "key": key},
        )
    ).mappings()
    after = {name: one for name, one in before.items() if name not in ("version_id", "known_to")}
    after |= {"known_from": when, **changes}
    record = Record(**after)
    session.add(record)
    await session.flush()
    await dirty.mark(session, "judge", "record", [record.record_id])


async def findings(engine: AsyncEngine, *, versions: bool = False) -> list[dict[str, Any]]:
    """The findings as they stand, or all their versions, in order of subject, rule and time."""
    async with transaction(engine) as session:
        rows = await (await session.connection()).execute(
            text(
                "SELECT * FROM findings WHERE :versions OR known_to = 'infinity' "
                "ORDER BY subject_reference, rule, version_id"
            ),
            {"versions": versions},
        )
        return [
            {**row, "known_to": FOREVER if row["known_to"].year == FOREVER.year else row["known_to"]}
            for row in rows.mappings()
        ]


async def value(engine: AsyncEngine, query: str, **binds: Any) -> Any:
    """One value of the database."""
    async with transaction(engine) as session:
        return await (await session.connection()).scalar(text(query), binds)
