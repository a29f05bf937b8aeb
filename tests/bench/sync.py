"""Syncing a feed of 200,000 records over HTTP, beside a bare loader without our code and beside dlt, in turns.

`python -m tests.bench.sync --rows 200000 --rounds 3`. All fetch the same pages of the same played agency, keep the raw
payload, and merge into typed tables by key. The bare loader is written for this one feed and keeps no history: it knows
no mapping, no hash, no audit, no quarantine. dlt merges with its own defaults.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import asyncpg
import orjson
import requests

from connectors.agency import Agency, load_agencies
from deploy.agencies.land import PATH
from jobs.logs import hush
from jobs.process import calm_collector
from jobs.sync import Sync, sync_now
from registry.database import make_engine
from registry.names import normalise
from tests.scratch_server import database

PAGE: Final = 5000


@dataclass(frozen=True)
class Ratio:
    """One number that must hold, measured in one run: the median and how far the rounds lay apart."""

    what: str
    median: float
    least: float
    most: float
    must_be: float

    @property
    def holds(self) -> bool:
        """Whether the median reaches what is promised."""
        return self.median >= self.must_be


@dataclass(frozen=True)
class Syncing:
    """Records a second (medians) and the ratios."""

    records: int
    bytes_each: float
    rounds: int
    bare_per_second: int
    first_per_second: int
    again_per_second: int
    dlt_per_second: int | None
    ratios: list[Ratio]


@contextmanager
def agency_of(rows: int) -> Iterator[dict[str, str]]:
    """The played land agency in a process of its own; gives the environment by which it is reached."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "agencies.json"
        command = [sys.executable, "-m", "deploy.agencies", "--bench", str(rows), "--state", str(state)]
        process = subprocess.Popen(command)
        try:
            while not state.exists():
                if process.poll() is not None:
                    raise RuntimeError("the played agency did not start")
                time.sleep(0.05)
            yield json.loads(state.read_text())
        finally:
            process.terminate()
            process.wait(30)


def pages(environment: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    """The pages of the feed as anybody would fetch them."""
    session = requests.Session()
    session.headers["X-API-Key"] = environment["THREEGATES_AGENCY_LAND_KEY"]
    cursor = None
    while True:
        asked = {"pageSize": str(PAGE)} | ({"cursor": cursor} if cursor else {})
        body = session.get(environment["THREEGATES_AGENCY_LAND_URL"] + PATH, params=asked, timeout=30).content
        answer = orjson.loads(body)["data"]
        yield answer["list"]
        cursor = answer["next"]
        if not cursor:
            return


BARE: Final = """
CREATE TABLE {name} (
    gdguid text {key}, gxsj timestamptz, ywlx text, qdrq date, dzbabh text, xmmc text, srdw text, xzqdm text, zdzl text,
    hyfl text, hybb text, gyfs text, pzjg text, cjjg numeric, mj numeric, raw bytea NOT NULL
)
"""
_BARE_MERGE: Final = """
INSERT INTO bare SELECT * FROM staging ON CONFLICT (gdguid) DO UPDATE SET gxsj = EXCLUDED.gxsj, ywlx = EXCLUDED.ywlx,
    qdrq = EXCLUDED.qdrq, dzbabh = EXCLUDED.dzbabh, xmmc = EXCLUDED.xmmc, srdw = EXCLUDED.srdw, xzqdm = EXCLUDED.xzqdm,
    zdzl = EXCLUDED.zdzl, hyfl = EXCLUDED.hyfl, hybb = EXCLUDED.hybb, gyfs = EXCLUDED.gyfs, pzjg = EXCLUDED.pzjg,
    cjjg = EXCLUDED.cjjg, mj = EXCLUDED.mj, raw = EXCLUDED.raw
"""


def _bare_row(entry: dict[str, Any]) -> tuple[Any, ...]:
    get = entry.get
    return (
        entry["gdGuid"],
        datetime.fromisoformat(entry["gxSj"]),
        get("ywLx"),
        date.fromisoformat(entry["qdRq"]),
        get("dzBaBh"),
        get("xmMc"),
        get("srDw"),
        get("xzqDm"),
        get("zdZl"),
        get("hyFl"),
        get("hyBb"),
        get("gyFs"),
        get("pzJg"),
        Decimal(repr(entry["cjJg"])),
        Decimal(repr(entry["mj"])),
        orjson.dumps(entry),
    )


async def bare(dsn: str, environment: dict[str, str]) -> int:
    """Fetch, parse, COPY, merge; the next page is fetched while one is stored."""
    connection = await asyncpg.connect(dsn)
    stored = 0
    try:
        await connection.execute(BARE.format(name="bare", key="PRIMARY KEY"))
        await connection.execute(BARE.format(name="staging", key="").replace("CREATE", "CREATE TEMPORARY"))
        feed = pages(environment)
        following = asyncio.create_task(asyncio.to_thread(next, feed, None))
        while (page := await following) is not None:
            following = asyncio.create_task(asyncio.to_thread(next, feed, None))
            async with connection.transaction():
                await connection.copy_records_to_table("staging", records=[_bare_row(entry) for entry in page])
                await connection.execute(_BARE_MERGE)
                await connection.execute("TRUNCATE staging")
            stored += len(page)
    finally:
        await connection.close()
    return stored


def shipped_land() -> Agency:
    """The shipped declaration, with the pages that everybody asks for here."""
    agency = load_agencies()["land"]
    return agency.model_copy(update={"paging": agency.paging.model_copy(update={"size": PAGE})})


async def ours(dsn: str, *, full: bool) -> int:
    """The sync as it is."""
    engine = make_engine(dsn)
    try:
        outcome = await sync_now(Sync(engine, asyncio.Event()), shipped_land(), full=full)
    finally:
        await engine.dispose()
    if outcome.state != "done":
        raise RuntimeError(f"the sync ended {outcome.state}: {outcome.error}{outcome.held_reason}")
    return outcome.counts["received"]


def dlt_load(dsn: str, environment: dict[str, str], folder: str) -> None:
    """dlt as its documentation has it: a resource of pages, merged by key."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
    import dlt  # only the benchmark's environment has it

    pipeline = dlt.pipeline(
        "bench", destination=dlt.destinations.postgres(dsn), dataset_name="peer", pipelines_dir=folder
    )
    resource = dlt.resource(pages(environment), name="land", write_disposition="merge", primary_key="gdGuid")
    pipeline.run(resource)


async def run(server: str, rows: int, *, rounds: int = 3, with_dlt: bool = True) -> Syncing:
    """Measure in turns, each round in fresh databases."""
    normalise("示例")
    taken: dict[str, list[float]] = {"bare": [], "first": [], "again": [], "dlt": []}
    size = 0.0
    with agency_of(rows) as environment:
        os.environ.update(environment)
        sample = next(iter(pages(environment)))
        size = sum(len(orjson.dumps(entry)) for entry in sample) / len(sample)
        for _ in range(rounds):
            async with database(server, "bench_sync") as dsn, database(server, "bench_bare") as other:
                with _timed(taken["bare"]):
                    _whole(await bare(other, environment), rows)
                with _timed(taken["first"]):
                    _whole(await ours(dsn, full=False), rows)
                with _timed(taken["again"]):
                    _whole(await ours(dsn, full=True), rows)
                if with_dlt:
                    with tempfile.TemporaryDirectory() as folder, _timed(taken["dlt"]):
                        await asyncio.to_thread(dlt_load, other, environment, folder)
                    connection = await asyncpg.connect(other)
                    _whole(await connection.fetchval("SELECT count(*) FROM peer.land"), rows)
                    await connection.close()
    ratios = [
        _ratio("first load, of the bare loader's rate", taken["bare"], taken["first"], 0.6),
        _ratio("unchanged again, of the first load's rate", taken["first"], taken["again"], 2.5),
    ]
    if with_dlt:
        ratios.append(_ratio("first load, of dlt's rate", taken["dlt"], taken["first"], 3.0))

    def rate(name: str) -> int:
        return round(rows / statistics.median(taken[name]))

    return Syncing(
        rows,
        round(size, 1),
        rounds,
        rate("bare"),
        rate("first"),
        rate("again"),
        rate("dlt") if with_dlt else None,
        ratios,
    )


def _whole(stored: int, rows: int) -> None:
    if stored != rows:
        raise RuntimeError(f"{stored} of {rows} records were stored")


@contextmanager
def _timed(into: list[float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    into.append(time.perf_counter() - began)


def _ratio(what: str, floor: list[float], mine: list[float], must_be: float) -> Ratio:
    each = [theirs / own for theirs, own in zip(floor, mine, strict=True)]
    return Ratio(what, round(statistics.median(each), 2), round(min(each), 2), round(max(each), 2), must_be)


def main(arguments: list[str] | None = None, show: Callable[[str], None] = print) -> int:
    """Measure on THREEGATES_DATABASE_URL and print; exit 1 where a ratio does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-dlt", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    hush()
    # As the worker does, for all that are measured here.
    calm_collector()
    server = os.environ["THREEGATES_DATABASE_URL"]
    found = asyncio.run(run(server, asked.rows, rounds=asked.rounds, with_dlt=not asked.without_dlt))
    if asked.json:
        show(json.dumps(asdict(found)))
    else:
        peer = f"; dlt {found.dlt_per_second:,}/s" if found.dlt_per_second else ""
        show(
            f"sync of {found.records:,} records of {found.bytes_each:.0f} B over HTTP: bare loader "
            f"{found.bare_per_second:,}/s; first load {found.first_per_second:,}/s; unchanged again "
            f"{found.again_per_second:,}/s{peer}"
        )
        for ratio in found.ratios:
            verdict = "" if ratio.holds else "  DOES NOT HOLD"
            show(f"    {ratio.what}: {ratio.median} ({ratio.least} to {ratio.most}), at least {ratio.must_be}{verdict}")
    return 0 if all(ratio.holds for ratio in found.ratios) else 1


if __name__ == "__main__":
    sys.exit(main())
