"""kill_sync: SIGKILL a real sync at random points, resume it, and compare with a register that nobody disturbed."""

import asyncio
import multiprocessing
import random
import signal
from collections import Counter
from itertools import count
from multiprocessing.context import ForkServerContext
from typing import Any

import asyncpg

from deploy.agencies.play import Players, played
from jobs.pipeline import Work, link
from registry.database import make_engine
from tests.faults import killed, state, world
from tests.faults.account import Account
from tests.scratch_server import database

# records, entries a page, kills
SCALES = {"small": (800, 20, 8), "full": (20_000, 50, 200)}
LONGEST_RUN = 300.0

_HISTORY = "SELECT count(*), count(DISTINCT (feed, source_key, content_hash)), count(DISTINCT source_key) FROM records"
_TOLD = """
SELECT sum(received), sum(added), sum(changed), sum(unchanged), count(*) FILTER (WHERE state = 'done') FROM sync_runs
"""


async def run(url: str, account: Account) -> None:
    """Two tellings of the feed, the second with changed and new records; kills spread over both."""
    records, size, kills = SCALES[account.scale]
    chance = random.Random(account.seed)
    first = world.records("land", records, account.seed)
    changed = [world.newer(record, 24 * 365, chance) for record in chance.sample(first, records // 5)]
    second = [*changed, *world.records("land", records // 10, account.seed, first=records)]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.killed"])
    with played({"land": first}) as players:
        async with database(url, "fault_calm") as calm, database(url, "fault_killed") as hurt:
            for dsn in (calm, hurt):
                await _register(dsn)
            points: Counter[str] = Counter()
            await _sync(context, calm, players, size)
            await _kill_and_resume(context, hurt, players, size, len(first) // size, kills - kills // 3, chance, points)
            players.feed("land").publish(second)
            await _sync(context, calm, players, size)
            await _kill_and_resume(context, hurt, players, size, len(second) // size, kills // 3, chance, points)
            await _compare(account, calm, hurt)
    account.counters = {"kills": points.total(), "points": dict(sorted(points.items())), **account.counters}
    account.expect("kills", points.total(), kills)


async def _register(dsn: str) -> None:
    engine = make_engine(dsn)
    await world.register(engine)
    await engine.dispose()


def _child(context: ForkServerContext, dsn: str, players: Players, size: int, point: str, nth: int) -> tuple[Any, Any]:
    begun = context.Event()
    process = context.Process(target=killed.run, args=(dsn, players.environment, size, point, nth, begun))
    process.start()
    return process, begun


async def _sync(context: ForkServerContext, dsn: str, players: Players, size: int) -> None:
    """A sync that nobody disturbs, to its end."""
    process, _ = _child(context, dsn, players, size, "", 0)
    await asyncio.to_thread(process.join, LONGEST_RUN)
    if process.exitcode != 0:
        raise RuntimeError(f"the sync ended with {process.exitcode}")


async def _kill_and_resume(
    context: ForkServerContext,
    dsn: str,
    players: Players,
    size: int,
    pages: int,
    kills: int,
    chance: random.Random,
    points: Counter[str],
) -> None:
    """Kill until so many kills have hit, then let the sync come to its end."""
    hit = 0
    for attempt in count(chance.randrange(len(killed.POINTS))):
        if hit == kills:
            break
        point = killed.POINTS[attempt % len(killed.POINTS)]
        # Far enough that the whole feed is travelled by all of them together, and never quite to its end.
        nth = chance.randint(1, max(1, pages // (kills + 1)))
        process, begun = _child(context, dsn, players, size, point, nth)
        if point == "any":
            await asyncio.to_thread(begun.wait, 20)
            await asyncio.sleep(chance.uniform(0, 0.05 + 0.01 * nth))
            process.kill()
        await asyncio.to_thread(process.join, LONGEST_RUN)
        if process.exitcode == -signal.SIGKILL:
            hit += 1
            points[point] += 1
        elif process.exitcode != 0:
            raise RuntimeError(f"the sync ended with {process.exitcode}")
        elif await _ended(dsn):
            # It came to its end before the point: tell the feed from the beginning, so that the kills go on.
            await _forget_watermark(dsn)
    await _sync(context, dsn, players, size)


async def _ended(dsn: str) -> bool:
    connection = await asyncpg.connect(dsn)
    try:
        return bool(await connection.fetchval("SELECT watermark IS NOT NULL FROM feeds WHERE id = 'land'"))
    finally:
        await connection.close()


async def _forget_watermark(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("UPDATE feeds SET watermark = NULL")
    finally:
        await connection.close()


async def _compare(account: Account, calm: str, hurt: str) -> None:
    """Nothing lost, nothing twice, the same state, also after linking."""
    for dsn in (calm, hurt):
        engine = make_engine(dsn)
        await link(Work(engine, asyncio.Event(), _no_search))
        await engine.dispose()
    one, other = await asyncpg.connect(calm), await asyncpg.connect(hurt)
    try:
        wanted, found = await one.fetchrow(_HISTORY), await other.fetchrow(_HISTORY)
        keys = "SELECT source_key, content_hash FROM records"
        lost = {tuple(row) for row in await one.fetch(keys)} - {tuple(row) for row in await other.fetch(keys)}
        told = await other.fetchrow(_TOLD)
        account.counters = {
            "records": found[2],
            "versions": found[0],
            "lost": len(lost),
            "duplicated": found[0] - found[1],
            "added": told[1],
            "changed": told[2],
            "runs_done": told[4],
            "digest_equal": await state.digest(one) == await state.digest(other),
        }
        account.expect("lost versions", len(lost), 0)
        account.expect("duplicated versions", found[0] - found[1], 0)
        account.expect("versions of all records", found[0], wanted[0])
        # Every version was counted once: no page was stored twice, none was left out of the account.
        account.expect("versions counted by the runs", told[1] + told[2], wanted[0])
        account.expect("digest equal to the undisturbed run", account.counters["digest_equal"], True)
        pages = "SELECT count(*) - count(DISTINCT (run_id, number)) FROM sync_pages"
        account.expect("pages audited twice", await other.fetchval(pages), 0)
        rows = "SELECT (SELECT sum(received) FROM sync_pages) - (SELECT sum(received) FROM sync_runs)"
        account.expect("difference of pages and runs", await other.fetchval(rows), 0)
    finally:
        await one.close()
        await other.close()


def _no_search() -> Any:
    raise AssertionError("linking asks no index")
