"""Reports by schedule: with a month's key goes what any backup holds of it; desks are told once a day."""

import asyncio
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.programs import Programs
from jobs.pipeline import Work
from jobs.reports import keep_schedule
from registry import settings as register_settings
from registry.database import transaction
from registry.errors import NotFound
from registry.tips.desks import read_desks
from registry.tips.outer_keys import destroy_on, outer_identity
from registry.tips.receipts import new_receipt
from registry.tips.sealing import CannotOpen, open_sealed
from registry.tips.threads import keep_report
from search.client import servers
from tests import tip_world

_SEALED = (
    "SELECT p.outer_month, string_agg(c.content, ''::bytea ORDER BY c.number) AS sealed FROM tip_parts AS p "
    "JOIN tip_chunks AS c ON c.part_id = p.id GROUP BY p.id"
)
FRIDAY = date(2026, 11, 20)


async def test_a_destroyed_month_is_read_from_no_backup(
    engine: AsyncEngine,
    owners: AsyncEngine,
    database_url: str,
    empty_database_url: str,
    programs: Programs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("THREEGATES_DATA_FOLDER", str(tmp_path / "data"))
    register_settings.settings.cache_clear()
    try:
        world = await tip_world.build(database_url)
        async with transaction(owners) as session:
            desk = next(one for one in await read_desks(session) if one.id == "desk-hebei")
        await keep_report(owners, new_receipt(), desk, b"TGMARK", None, FRIDAY)
        keys = world.opening(desk.id, outer_identity("2026-11"))

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

        # The backup holds the report, sealed; while the month's key is there its people read it.
        dump = tmp_path / "register.dump"
        _postgresql(programs, "pg_dump", "--format=custom", f"--file={dump}", _plain(database_url))
        assert b"TGMARK" not in dump.read_bytes()
        ends = destroy_on("2026-11")
        assert await at(date(ends.year, ends.month - 1, 28)) == []
        assert await at(ends) == ["2026-11"]
        assert await at(ends) == []
        assert await _rows(database_url, "SELECT 1 FROM tip_threads") == []
        noted = await _rows(database_url, "SELECT month, destroyed_on FROM tip_outer_keys")
        assert [(one["month"], one["destroyed_on"]) for one in noted] == [("2026-11", ends)]

        # Restored, with every key that the desk has: the month's is nowhere.
        _postgresql(programs, "pg_restore", "--no-owner", "--no-privileges", f"--dbname={_plain(empty_database_url)}",
                    str(dump))  # fmt: skip
        back = await _rows(empty_database_url, _SEALED)
        assert len(back) == 1
        with pytest.raises(NotFound):
            outer_identity(back[0]["outer_month"])
        with pytest.raises(CannotOpen):
            open_sealed(back[0]["sealed"], keys[1:])
        # It was the key that was missing, and nothing else.
        assert open_sealed(back[0]["sealed"], keys).content == b"TGMARK"
    finally:
        register_settings.settings.cache_clear()


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def _plain(dsn: str) -> str:
    """An address as PostgreSQL's own programs take it."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(scheme="postgresql"))


def _postgresql(programs: Programs, name: str, *arguments: str) -> None:
    done = subprocess.run([programs.postgresql / name, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


async def _rows(dsn: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


async def _told(dsn: str) -> list[asyncpg.Record]:
    return await _rows(dsn, "SELECT kind, organisation_id, path FROM announcements ORDER BY id")
