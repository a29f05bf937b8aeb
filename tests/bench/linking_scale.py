"""Linking at ten times the size, and of a few changed records: `python -m tests.bench.linking_scale --projects 300000`.

The rate at full size beside the rate at a tenth of it, the memory of this process, and how long 1,000 changed records
take when the register is known, as in the worker that runs all day.
"""

import argparse
import asyncio
import json
import os
import random
import resource
import statistics
import sys
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.linkage import records, world
from jobs.process import calm_collector
from registry import dirty
from registry.clock import now
from registry.database import make_engine, transaction
from registry.linking.benchmark import load, timed_linking
from registry.linking.sets import LinkageSet
from registry.scratch import beside, scratch_database

CHANGED = 1_000
ROUNDS = 5


@dataclass(frozen=True)
class Scale:
    """Rates in records a second, seconds, MB."""

    projects: int
    records: int
    rate_at_a_tenth: float
    rate: float
    ratio: float
    peak_rss_mb: float
    changed_seconds: float
    changed_seconds_most: float

    @property
    def holds(self) -> bool:
        """Whether the floors are kept."""
        return self.ratio >= 0.9 and self.peak_rss_mb <= 2048 and self.changed_seconds < 2


def made(projects: int, count: int) -> LinkageSet:
    """A set of invented companies; its truth is not asked for."""
    chance = random.Random(f"{projects}/{count}")
    held = world.made(projects, chance, real=False)
    rows, _ = records.made(held, count, "plain", chance)
    return LinkageSet([one.row() for one in held.projects], rows, {})


async def linked(server: str, projects: int, count: int) -> dict[str, Any]:
    """What a process of its own measures that links a set: the set itself is not in its memory."""
    async with scratch_database(server) as engine:
        given = made(projects, count)
        async with transaction(engine) as session:
            await load(session, given, now())
            name = await (await session.connection()).scalar(text("SELECT current_database()"))
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.bench.linking_scale", "--only-link"),
            env={**os.environ, "THREEGATES_DATABASE_URL": beside(server, str(name))},
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await child.communicate()
        found: dict[str, Any] = {"records": len(given.records), **json.loads(told)}
        return found


async def only_link(server: str) -> dict[str, Any]:
    """Seconds for all waiting records, for some that changed afterwards, and this process's memory."""
    engine = make_engine(server)
    try:
        seconds = await timed_linking(engine)
        changed = [await _changed(engine, start) for start in range(ROUNDS)]
    finally:
        await engine.dispose()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "changed": changed, "peak_rss_mb": peak}


async def _changed(engine: AsyncEngine, start: int) -> float:
    async with transaction(engine) as session:
        found = await (await session.connection()).execute(
            text(
                "SELECT record_id FROM records WHERE known_to = 'infinity' ORDER BY record_id OFFSET :skip LIMIT :most"
            ),
            {"skip": start * CHANGED, "most": CHANGED},
        )
        await dirty.mark(session, "link", "record", list(found.scalars()))
    return await timed_linking(engine)


async def run(server: str, projects: int, count: int) -> Scale:
    """A tenth, then the whole."""
    tenth, whole = await linked(server, projects // 10, count // 10), await linked(server, projects, count)
    rate_at_a_tenth, rate = tenth["records"] / tenth["seconds"], whole["records"] / whole["seconds"]
    return Scale(
        projects=projects,
        records=whole["records"],
        rate_at_a_tenth=round(rate_at_a_tenth, 1),
        rate=round(rate, 1),
        ratio=round(rate / rate_at_a_tenth, 3),
        peak_rss_mb=round(whole["peak_rss_mb"], 1),
        changed_seconds=round(statistics.median(whole["changed"]), 3),
        changed_seconds_most=round(max(whole["changed"]), 3),
    )


def main() -> int:
    """Measure on THREEGATES_DATABASE_URL and print; 1 where a floor is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projects", type=int, default=30_000)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only-link", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only_link:
        # As in the worker.
        calm_collector()
        print(json.dumps(asyncio.run(only_link(os.environ["THREEGATES_DATABASE_URL"]))))
        return 0
    found = asyncio.run(run(os.environ["THREEGATES_DATABASE_URL"], options.projects, options.records))
    if options.json:
        print(json.dumps(asdict(found)))
    else:
        print(
            f"linking {found.records:,} records with {found.projects:,} projects: {found.rate:,.0f}/s, "
            f"{found.ratio} of the rate at a tenth ({found.rate_at_a_tenth:,.0f}/s), {found.peak_rss_mb:,.0f} MB; "
            f"{CHANGED:,} changed records in {found.changed_seconds} s (at most {found.changed_seconds_most})"
        )
    return 0 if found.holds else 1


if __name__ == "__main__":
    sys.exit(main())
