"""truncated_feed: an agency that sends less than it has is held for a person; no flag is raised or cleared by it."""

import asyncio
import os
import random
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.agency import Agency, load_agencies
from deploy.agencies.play import Players, played
from jobs.pipeline import Work, judge, link
from jobs.sync import Outcome, Sync, sync_now
from registry.database import make_engine
from tests.faults import state, world
from tests.faults.account import Account
from tests.scratch_server import database

RECORDS = {"small": 120, "full": 6000}
# The newest are cut away first, and the news are the newest: what is left must lack more than 5 % of what was held.
SHRUNK = {"small": 0.85, "full": 0.93}
# lie, what is told along, and how the pull is made: all of the feed, or what is new since the last
LIES: tuple[tuple[str, dict[str, Any], bool], ...] = (
    ("empty", {}, False),
    ("empty", {}, True),
    ("missing-page", {}, True),
    ("wrong-total", {"by": 7}, True),
    ("wrong-total", {"by": 7}, False),
    ("shrink", {}, True),
    ("shrink", {"share": 0.0}, False),
)


async def run(url: str, account: Account) -> None:
    """Tell every lie by every agency, each time with news that would move flags if it were believed."""
    count = RECORDS[account.scale]
    feeds = {name: world.records(name, count, account.seed) for name in world.ACTS}
    counters = dict.fromkeys(("lies", "runs_held", "flags_before", "flags_moved_by_lies", "flags_at_end"), 0)
    with played(feeds) as players:
        async with database(url, "fault_truncated") as dsn:
            engine = make_engine(dsn)
            connection = await asyncpg.connect(dsn)
            try:
                await world.register(engine)
                agencies = {name: _reached(agency, players) for name, agency in load_agencies().items()}
                for agency in agencies.values():
                    account.expect(f"{agency.id}, first pull", (await _pull(engine, agency)).state, "done")
                before = await state.flags(connection)
                counters["flags_before"] = before[0]
                for turn, (name, agency) in enumerate(agencies.items()):
                    for number, (lie, told, full) in enumerate(LIES):
                        if account.scale == "small" and (turn + number) % 3:
                            continue
                        players.feed(name).publish(_news(name, count, number, account.seed))
                        # The environment's token comes honestly: an answer without one is no feed at all.
                        if lie == "shrink":
                            told = {"share": SHRUNK[account.scale], **told}
                        players.tell(name, lie, after=name == "environment" and lie == "empty", **told)
                        outcome = await _pull(engine, agency, full=full)
                        players.tell(name, "normal")
                        seen = await state.flags(connection)
                        counters["lies"] += 1
                        counters["runs_held"] += outcome.state == "held"
                        counters["flags_moved_by_lies"] += seen != before
                        what = f"{name}, {lie}, {'all' if full else 'news'}"
                        account.expect(what, outcome.state, "held")
                        account.expect(f"flags after {what}", seen, before)
                        # The agency comes to its senses: what it says now counts, its news with it.
                        account.expect(f"{name} after {lie}", (await _pull(engine, agency, full=full)).state, "done")
                        before = await state.flags(connection)
                counters["flags_at_end"] = before[0]
                # The news were real: believed, they did move flags.
                account.expect("flags raised by the truth", before[0] > counters["flags_before"], True)
            finally:
                await connection.close()
                await engine.dispose()
    account.counters = counters


def _reached(agency: Agency, players: Players) -> Agency:
    """The agency with its address and secrets, in pages small enough that one can go missing."""

    os.environ.update(players.environment)
    return agency.model_copy(update={"paging": agency.paging.model_copy(update={"size": 50})})


def _news(feed: str, count: int, number: int, seed: int) -> list[dict[str, Any]]:
    """New records and changed ones; some belong to projects that nobody approved."""
    chance = random.Random(f"{seed}/{feed}/news/{number}")
    fresh = world.records(feed, 8, seed, first=count + 8 * number)
    changed = [world.newer(record, 24 * 365, chance) for record in fresh[:2]]
    return [*fresh[2:], *changed]


async def _pull(engine: AsyncEngine, agency: Agency, *, full: bool = False) -> Outcome:
    """Sync, then link and judge, as after every sync."""
    never = asyncio.Event()
    outcome = await sync_now(Sync(engine, never), agency, full=full)
    work = Work(engine, never, _no_search)
    await link(work)
    await judge(work)
    return outcome


def _no_search() -> Any:
    raise AssertionError("linking and judging ask no index")
