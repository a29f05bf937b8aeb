"""What has served its time is forgotten, and nothing before."""

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.pipeline import Work
from jobs.queue import JOBS
from jobs.scheduler import TIMETABLE
from jobs.tidying import tidy
from registry.database import transaction
from search.client import servers

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def test_old_answers_and_old_secrets_go_and_young_ones_stay(engine: AsyncEngine, owners: AsyncEngine) -> None:
    async with transaction(owners) as session:
        connection = await session.connection()
        for name, age in (("old", 24), ("young", 23)):
            await connection.execute(
                text("INSERT INTO idempotent_answers VALUES (:name, 'test', '', 200, '{}', :at)"),
                {"name": name, "at": NOW - timedelta(hours=age)},
            )
            await connection.execute(
                text(
                    "INSERT INTO api_keys (name, key_hash, scopes, created_at, created_by, rate, revoked_by, "
                    "previous_hash, previous_until) VALUES (:name, :hash, '{read}', :now, '', 1, '', :before, :until)"
                ),
                {
                    "name": name,
                    "hash": name.encode(),
                    "before": f"before {name}".encode(),
                    "now": NOW,
                    "until": NOW + timedelta(hours=24 - age),
                },
            )
    # What ends at this very moment has ended.
    assert await tidy(Work(engine, asyncio.Event(), servers, lambda: NOW)) == 2
    async with transaction(owners) as session:
        connection = await session.connection()
        assert list(await connection.scalars(text("SELECT key FROM idempotent_answers"))) == ["young"]
        kept = await connection.scalars(text("SELECT previous_hash FROM api_keys ORDER BY name"))
        assert list(kept) == [None, b"before young"]
    assert await tidy(Work(engine, asyncio.Event(), servers, lambda: NOW)) == 0


def test_it_is_on_the_timetable() -> None:
    assert "tidy" in TIMETABLE and "tidy" in JOBS
