"""replay: a feed told three times over, shuffled, with late old versions, ends in the state of the ordered one."""

import random
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.agency import Agency, load_agencies
from connectors.interpret import canonical
from connectors.page import Page
from deploy.agencies.vocabulary import land
from jobs.sync import interpreter
from registry.clock import now
from registry.database import make_engine, transaction
from registry.linking import link_changed
from registry.storing import store_page
from tests.faults import state, world
from tests.faults.account import Account
from tests.registry.pages import open_run
from tests.scratch_server import database

SCALES = {"small": (600, 1), "full": (20_000, 5)}
PAGE = 250


async def run(url: str, account: Account) -> None:
    """Tell the same versions in order and out of order, and compare what the registers hold then."""
    count, rounds = SCALES[account.scale]
    chance = random.Random(account.seed)
    versions = _versions(count, account.seed)
    counters = {"records": count, "versions": len(versions), "disordered_runs": 0, "pages": 0, "different": 0}
    ordered = await _told(url, [versions], counters)
    for _ in range(rounds):
        three = []
        for _ in range(3):
            shuffled = versions.copy()
            chance.shuffle(shuffled)
            three.append(shuffled)
        # Old versions once more, long after the newest are known.
        late = chance.sample(versions, len(versions) // 5)
        disordered = await _told(url, [*three, late], counters)
        counters["disordered_runs"] += 1
        counters["different"] += disordered != ordered
    account.counters = counters
    account.expect("registers that differ from the ordered one", counters["different"], 0)


def _versions(count: int, seed: int) -> list[dict[str, Any]]:
    """One to four versions of each record in the order of their stamps; some bear the same stamp and differ."""
    chance = random.Random(f"{seed}/versions")
    found = []
    for record in world.records("land", count, seed):
        found.append(record)
        for _ in range(chance.randrange(4)):
            following = world.newer(found[-1], chance.choice((0, 5, 30)), chance)
            if following not in found[-4:]:
                found.append(following)
    return sorted(found, key=lambda version: version["source_modified"])


async def _told(url: str, tellings: list[list[dict[str, Any]]], counters: dict[str, int]) -> tuple[str, int]:
    """The state of a fresh register after these tellings, page by page."""
    agency = load_agencies()["land"]
    async with database(url, "fault_replay") as dsn:
        engine = make_engine(dsn)
        try:
            await world.register(engine)
            at = now()
            for telling in tellings:
                writer = await open_run(engine, "land")
                for start in range(0, len(telling), PAGE):
                    at += timedelta(seconds=1)
                    await _store(engine, agency, writer, telling[start : start + PAGE], at)
                    counters["pages"] += 1
                async with transaction(engine) as session:
                    await (await session.connection()).exec_driver_sql("UPDATE sync_runs SET state = 'done'")
                while True:
                    at += timedelta(seconds=1)
                    async with transaction(engine) as session:
                        done = await link_changed(session, at)
                    if not done.claimed:
                        break
        finally:
            await engine.dispose()
        connection = await asyncpg.connect(dsn)
        try:
            waiting = await connection.fetchval("SELECT count(*) FROM dirty_marks WHERE purpose = 'link'")
            return await state.digest(connection), waiting
        finally:
            await connection.close()


async def _store(
    engine: AsyncEngine, agency: Agency, writer: Any, versions: list[dict[str, Any]], at: datetime
) -> None:
    entries = [land(version) for version in versions]
    page = Page(
        label="replayed",
        keys=[entry["gdGuid"] for entry in entries],
        raws=[canonical(entry) for entry in entries],
        entries=list(entries),
        rejected=[],
        checkpoint={},
        received_bytes=0,
        last=False,
    )
    async with transaction(engine) as session:
        await store_page(session, writer, page, interpreter(agency, page), at)
