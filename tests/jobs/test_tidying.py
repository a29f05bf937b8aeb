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

_PERSON = text(
    "WITH office AS (INSERT INTO organisations (id, kind, name_zh, name_en, lanes, region, lender_names, invented, "
    "created_at) VALUES ('office', 'agency', '示例', '', '{}', '000000', '{}', true, now()) RETURNING id) "
    "INSERT INTO accounts (login, name, organisation_id, region, state, invented, created_at) "
    "SELECT 'somebody', '示例', id, '000000', 'active', true, now() FROM office"
)
_SIGN_IN = text(
    "INSERT INTO sign_ins (account_id, secret_hash, method, began_at, seen_at, ends_at) "
    "SELECT id, :secret, 'password', :at, :at, :at FROM accounts"
)
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
        await connection.execute(_PERSON)
        for secret, age in (("old", 180), ("young", 179)):
            await connection.execute(_SIGN_IN, {"secret": secret.encode(), "at": NOW - timedelta(days=age)})
        await connection.execute(
            text(
                "INSERT INTO organisations (id, kind, name_zh, name_en, region, created_at) "
                "VALUES ('desk', 'agency', '示例', 'Example', '000000', :now)"
            ),
            {"now": NOW},
        )
        await connection.execute(text("INSERT INTO tip_desks (organisation_id, since) VALUES ('desk', '2026-11-01')"))
        # A draft of two days ago, with a sealed piece, and one of yesterday.
        for name, day in (("old", 19), ("young", 20)):
            await connection.execute(
                text(
                    "INSERT INTO tip_parts (id, draft_hash, organisation_id, day, outer_month) "
                    "VALUES (:name, '', 'desk', :day, '2026-11')"
                ),
                {"name": name, "day": NOW.date().replace(day=day)},
            )
            await connection.execute(text("INSERT INTO tip_chunks VALUES (:name, 0, '')"), {"name": name})
    # What ends at this very moment has ended.
    assert await tidy(Work(engine, asyncio.Event(), servers, lambda: NOW)) == 4
    async with transaction(owners) as session:
        connection = await session.connection()
        assert list(await connection.scalars(text("SELECT key FROM idempotent_answers"))) == ["young"]
        assert list(await connection.scalars(text("SELECT part_id FROM tip_chunks"))) == ["young"]
        kept = await connection.scalars(text("SELECT previous_hash FROM api_keys ORDER BY name"))
        assert list(kept) == [None, b"before young"]
        assert list(await connection.scalars(text("SELECT secret_hash FROM sign_ins"))) == [b"young"]
    assert await tidy(Work(engine, asyncio.Event(), servers, lambda: NOW)) == 0


def test_it_is_on_the_timetable() -> None:
    assert "tidy" in TIMETABLE and "tidy" in JOBS
