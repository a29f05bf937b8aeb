"""A project's file is read through indexes alone, as known now and as known on any earlier day."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.database import transaction
from registry.project_file import project_file
from registry.registering import ProjectItem, Telling, register_projects
from tests.registry.worlds import OWNER, at, keep, nation, record, scenario

# Read whole: small tables of reference.
SMALL = ("sources", "regions", "industries")


@pytest.mark.parametrize("known_at", [None, at(13)])
async def test_no_part_of_the_file_reads_a_whole_table(engine: AsyncEngine, known_at: datetime | None) -> None:
    await keep(engine, scenario([record("L1", "land_grant", "2014-04-01", party=OWNER)]))
    await nation(engine, at(9))
    async with transaction(engine) as session:
        item = {
            "reference": "test:1",
            "name": "示例炼钢项目",
            "owner_uscc": OWNER,
            "sector": "steel",
            "region": "130200",
            "nature": "new_build",
            "stage": "operating",
            "site": {"name": "示例厂区", "reference": "site:1"},
        }
        telling = Telling("tester", at(10), "as told")
        outcome = await register_projects(session, [ProjectItem.model_validate(item)], telling)
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        asked.append((statement, parameters))

    async with transaction(engine) as session:
        connection = await session.connection()
        # With the few rows of a test PostgreSQL reads tables whole unless it is kept from doing so where it can.
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        event.listen(engine.sync_engine, "before_cursor_execute", note)
        await project_file(session, outcome.ids["test:1"], "official", known_at=known_at)
        event.remove(engine.sync_engine, "before_cursor_execute", note)
        assert len(asked) > 10
        for statement, parameters in asked:
            plan = "\n".join((await connection.exec_driver_sql("EXPLAIN " + statement, parameters)).scalars())
            whole = [
                line for line in plan.splitlines() if "Seq Scan" in line and not any(f" {s}" in line for s in SMALL)
            ]
            assert whole == [], f"{statement}\n{plan}"
