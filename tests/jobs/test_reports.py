"""Reports by schedule: with a month's key goes what was sealed to it; desks are told once a day."""

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.pipeline import Work
from jobs.reports import keep_schedule
from registry import settings as register_settings
from registry.database import transaction
from registry.errors import NotFound
from registry.tips.desks import read_desks
from registry.tips.outer_keys import destroy_on, outer_identity
from registry.tips.receipts import new_receipt
from registry.tips.threads import keep_report
from search.client import servers
from tests import tip_world

FRIDAY = date(2026, 11, 20)


async def test_a_month_that_is_over_goes_with_its_key(
    engine: AsyncEngine,
    owners: AsyncEngine,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("THREEGATES_DATA_FOLDER", str(tmp_path / "data"))
    register_settings.settings.cache_clear()
    try:
        await tip_world.build(database_url)
        async with transaction(owners) as session:
            desk = next(one for one in await read_desks(session) if one.id == "desk-hebei")
        await keep_report(owners, new_receipt(), desk, b"TGMARK", None, FRIDAY)

        async def at(day: date) -> list[str]:
            return await keep_schedule(Work(engine, asyncio.Event(), servers, lambda: _noon(day)))

        # Told on the working day after, once, in words that say nothing of it; never on the day itself.
        assert await at(FRIDAY) == []
        assert await _told(database_url) == []
        assert await at(date(2026, 11, 23)) == await at(date(2026, 11, 23)) == []
        told = await _told(database_url)
        assert [(one["kind"], one["organisation_id"], one["path"]) for one in told] == [
            ("tip.waits", "desk-hebei", "/tips")
        ]

        # While the month's key is there its people read it; with the key it is gone, here and in any backup
        # (tests/faults/restore.py restores one).
        ends = destroy_on("2026-11")
        assert await at(date(ends.year, ends.month - 1, 28)) == []
        assert outer_identity("2026-11")
        assert await at(ends) == ["2026-11"]
        assert await at(ends) == []
        assert await _rows(database_url, "SELECT 1 FROM tip_threads") == []
        noted = await _rows(database_url, "SELECT month, destroyed_on FROM tip_outer_keys")
        assert [(one["month"], one["destroyed_on"]) for one in noted] == [("2026-11", ends)]
        with pytest.raises(NotFound):
            outer_identity("2026-11")
    finally:
        register_settings.settings.cache_clear()


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


async def _rows(dsn: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


async def _told(dsn: str) -> list[asyncpg.Record]:
    return await _rows(dsn, "SELECT kind, organisation_id, path FROM announcements ORDER BY id")
