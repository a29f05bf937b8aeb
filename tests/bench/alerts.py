"""From the commit of a record to its alert at a receiver and to search, while a big sync runs.

`python -m tests.bench.alerts --rows 100000 --records 150`. A real worker syncs a played land agency with so many
records, links, judges, raises alerts, delivers and indexes them. Meanwhile records of another agency are committed one
by one, each an act that no approval covers, of a project of its own; a webhook's receiver on this machine notes when
the alert of that project arrives, and search is asked until it finds the record. Prints milliseconds, with where they
go: until its linking begins, its judging, its raising, its arrival; exit 1 where the 99th percentile of either is 5
seconds or more.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import asyncpg
import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.page import Page
from jobs.logs import hush
from jobs.queue import install_queue, wake
from registry.alerting.webhooks import NewWebhook, add_webhook
from registry.clock import now
from registry.database import make_engine, transaction
from registry.errors import Unavailable
from registry.import_items import ProjectItem
from registry.project_writing import register_projects
from registry.record_fields import RECORD_FIELDS
from registry.restating import Telling
from registry.settings import settings
from registry.storing import Writer, store_page
from registry.viewers import NATION, Viewer
from search.client import Servers, ask, make_client
from search.generations import existing
from search.mapping import TARGETS, alias
from tests.bench.sync import agency_of
from tests.scratch_server import database

LIMIT_MS: Final = 5_000
FEED: Final = "environment"
PAUSE: Final = 0.25
# What the sync brought is worked off when hardly anything waits to be linked, judged or told.
SETTLED_BELOW: Final = 50
SETTLED: Final = "SELECT count(*) FROM dirty_marks WHERE purpose <> 'index'"


@dataclass(frozen=True)
class Side:
    """Milliseconds from commit."""

    p50: float
    p95: float
    p99: float
    most: float


@dataclass(frozen=True)
class Latency:
    """What was measured: how many records, how many of them came while the sync's records were worked on."""

    rows: int
    records: int
    lost: int
    alone: Side
    alert: Side
    search: Side
    # Where the time of an alert goes, beside the sync: to the begin of the batch that links it, and so on.
    stages: dict[str, Side]
    sync_seconds: float
    drained_seconds: float  # 0: not within the time of the measurement

    @property
    def holds(self) -> bool:
        """Whether both stay below the limit, and nothing is lost."""
        return self.lost == 0 and self.alert.p99 < LIMIT_MS and self.search.p99 < LIMIT_MS


class _Receiver(ThreadingHTTPServer):
    def __init__(self) -> None:
        self.arrived: dict[int, float] = {}
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Note when an alert arrived."""
        event = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.arrived.setdefault(int(event["data"]["alert"] or 0), time.monotonic())
        self.send_response(204)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged."""


def _side(milliseconds: Sequence[float]) -> Side:
    ordered = sorted(milliseconds) or [float("nan")]

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))])

    return Side(at(0.5), at(0.95), at(0.99), round(ordered[-1]))


def _code(number: int) -> str:
    return f"2017-130200-31-03-{number:06d}"


async def _prepare(engine: AsyncEngine, receiver: _Receiver, projects: int) -> None:
    """Projects that nothing approves, the desk of the environment, its webhook."""
    items = [
        {
            "reference": f"bench:P{number}",
            "code": _code(number),
            "name": f"示例{number}号钢铁有限公司年产{number % 90 + 10}万吨炼钢项目",
            "owner_name": f"示例{number}号钢铁有限公司",
            "sector": "steel",
            "region": "130200",
            "nature": "new_build",
            "stage": "construction",
            "invented": True,
        }
        for number in range(projects)
    ]
    telling = Telling(at=now(), reason="bench", actor="tests.bench")
    administrator = Viewer("person", actor="bench", region=NATION, permissions=frozenset({"accounts"}))
    async with transaction(engine) as session:
        await register_projects(session, [ProjectItem.model_validate(one) for one in items], telling)
    async with transaction(engine) as session:
        connection = await session.connection()
        for office, agency, lane in (("bench-environment", "mee", "environment"), ("bench-land", "mnr", "land")):
            await connection.exec_driver_sql(
                "INSERT INTO organisations (id, kind, name_zh, name_en, agency_id, lanes, region, created_at) "
                "VALUES ($1, 'agency', '示例', 'Example', $2, $3, '000000', now())",
                (office, agency, [lane]),
            )
        await connection.exec_driver_sql("INSERT INTO feeds (id, last_token) VALUES ($1, 1)", (FEED,))
        await connection.exec_driver_sql("INSERT INTO feeds (id) VALUES ('land')")
        url = f"http://127.0.0.1:{receiver.server_port}/"
        await add_webhook(
            session, administrator, NewWebhook("bench-environment", "bench", url, ("alert.opened",)), now()
        )


async def _commit(engine: AsyncEngine, connection: asyncpg.Connection, number: int) -> tuple[int, float, datetime]:
    """One record of the other agency, as its sync stores it; its number, the moment after its commit, and the time."""
    entry = {
        "source_key": f"env-{number}", "act": "discharge_permit", "acted_on": date(2018, 8, 1),
        "project_code": _code(number), "party_name": f"示例{number}号钢铁有限公司", "region": "130200",
        "synthetic": True,
    }  # fmt: skip
    raw = orjson.dumps(entry)
    arrived = Page(
        label=f"page {number}", keys=[f"env-{number}"], raws=[raw], entries=[entry], rejected=[], checkpoint={},
        received_bytes=len(raw), last=True, newest=None,
    )  # fmt: skip

    def rows(positions: Sequence[int]) -> list[Any]:
        return [tuple(entry.get(name) for name in RECORD_FIELDS) for _ in positions]

    async with transaction(engine) as session:
        inner = await session.connection()
        run = await inner.exec_driver_sql(
            "INSERT INTO sync_runs (feed, slot, state, token) VALUES ($1, clock_timestamp(), 'running', 1) "
            "RETURNING id",
            (FEED,),
        )
        run_id = int(run.scalar_one())
        await store_page(session, Writer(FEED, run_id, 1, "bench"), arrived, rows, now())
        await inner.exec_driver_sql("UPDATE sync_runs SET state = 'done', finished_at = now() WHERE id = $1", (run_id,))
    at, clock = time.monotonic(), now()
    await wake(connection, "link")
    record = await connection.fetchval(
        "SELECT record_id FROM records WHERE feed = $1 AND source_key = $2", FEED, entry["source_key"]
    )
    return record, at, clock


# When the batches that linked, judged and raised a record began.
STAGES: Final = ("until linking", "linking", "judging", "raising and sending")
BEGAN: Final = """
SELECT r.record_id, min(l.known_from), min(f.known_from), min(a.opened_at)
FROM unnest($1::bigint[]) AS r (record_id)
JOIN links AS l ON l.record_id = r.record_id
JOIN findings AS f ON f.subject_kind = 'record' AND f.subject_id = r.record_id
JOIN alerts AS a ON a.project_id = l.project_id
GROUP BY r.record_id
"""


class Search:
    """Asks search for what is not found yet, again and again, by the numbers of the records."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self.waiting: dict[int, float] = {}
        self.found: dict[int, float] = {}
        self.there = False

    async def look(self) -> None:
        """Until the task is cancelled."""
        while True:
            await asyncio.sleep(0.05)
            # The worker makes the indices with the first batch.
            if not self.waiting or not (self.there or await existing(self.servers, "records-public")):
                continue
            self.there = True
            try:
                answer = await ask(
                    self.servers.elasticsearch.search,
                    index=alias(self.servers.prefix, "records-public"),
                    query={"ids": {"values": [str(record) for record in self.waiting]}},
                    source=False,
                    size=1000,
                    ignore_unavailable=True,
                )
            except Unavailable:
                continue  # its indices have just been made
            at = time.monotonic()
            for hit in answer["hits"]["hits"]:
                record = int(hit["_id"])
                self.found[record] = at - self.waiting.pop(record)


async def _until(holds: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:  # noqa: ASYNC110  # other processes answer, which set no event
        await asyncio.sleep(0.1)


@contextmanager
def _worker(environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as stream:
        process = subprocess.Popen([sys.executable, "-m", "jobs.worker"], env=environment, stdout=stream, stderr=stream)
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


async def measure(url: str, rows: int, records: int, alone: int, log: Path) -> Latency:
    """Fill, sync, commit beside it, wait until everything has arrived."""
    prefix = f"tgbench{os.getpid()}"
    receiver = _Receiver()
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    async with database(url, "bench_alerts") as dsn:
        with tempfile.TemporaryDirectory() as folder, agency_of(rows) as played:
            os.environ |= {
                **played,
                "THREEGATES_DATABASE_URL": dsn,
                "THREEGATES_INDEX_PREFIX": prefix,
                "THREEGATES_DATA_FOLDER": folder,
                "THREEGATES_DEMO": "true",
            }
            settings.cache_clear()
            engine = make_engine(dsn)
            search = Search(Servers(engine, make_client(settings()), prefix))
            try:
                await _prepare(engine, receiver, records + alone)
                with _worker(dict(os.environ), log):
                    return await _run(search, dsn, receiver, rows, records, alone)
            finally:
                for target in TARGETS:
                    for name in await existing(search.servers, target):
                        await ask(search.servers.elasticsearch.indices.delete, index=name)
                search.servers.elasticsearch.close()
                await engine.dispose()
                receiver.shutdown()


async def _run(search: Search, dsn: str, receiver: _Receiver, rows: int, records: int, alone: int) -> Latency:
    connection = await asyncpg.connect(dsn)
    await install_queue(connection)
    looking = asyncio.create_task(search.look())
    committed: dict[int, tuple[int, float]] = {}
    clocks: dict[int, datetime] = {}

    async def commit(number: int) -> None:
        record, at, clocks[number] = await _commit(search.servers.database, connection, number)
        search.waiting[record] = at
        committed[number] = record, at

    # By itself first: the worker starts, reads its rules and makes its indices meanwhile.
    for number in range(alone):
        await commit(number)
        await _until(lambda: not search.waiting and len(receiver.arrived) == len(committed), 40)
    run = await connection.fetchval(
        "INSERT INTO sync_runs (feed, slot, state) VALUES ('land', clock_timestamp(), 'queued') RETURNING id"
    )
    start = time.monotonic()
    await wake(connection, "sync", run)
    synced = drained = 0.0
    for number in range(alone, alone + records):
        await commit(number)
        await asyncio.sleep(PAUSE)
        if not synced and await connection.fetchval("SELECT state = 'done' FROM sync_runs WHERE id = $1", run):
            synced = time.monotonic() - start
        if synced and not drained and await connection.fetchval(SETTLED) < SETTLED_BELOW:
            drained = time.monotonic() - start
    await _until(lambda: not search.waiting and len(receiver.arrived) == len(committed), 40)
    if looking.done():
        looking.result()
    looking.cancel()
    alerts = await connection.fetch(
        "SELECT a.id, v.code FROM alerts AS a JOIN project_versions AS v ON v.project_id = a.project_id "
        "AND v.known_to = 'infinity' WHERE a.organisation_id = 'bench-environment'"
    )
    arrived = {int(row["code"][-6:]): receiver.arrived[row["id"]] for row in alerts if row["id"] in receiver.arrived}
    began = {row[0]: row[1:] for row in await connection.fetch(BEGAN, [record for record, _ in committed.values()])}
    await connection.close()
    stages: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for number in range(alone, alone + records):
        if number in arrived and committed[number][0] in began:
            record, at = committed[number]
            told = clocks[number] + timedelta(seconds=arrived[number] - at)
            moments = (clocks[number], *began[record], told)
            for stage, (since, until) in zip(STAGES, pairwise(moments), strict=True):
                stages[stage].append((until - since).total_seconds() * 1000)

    def sides(numbers: range) -> tuple[Side, Side]:
        told = [(arrived[one] - committed[one][1]) * 1000 for one in numbers if one in arrived]
        found = [search.found[committed[one][0]] * 1000 for one in numbers if committed[one][0] in search.found]
        return _side(told), _side(found)

    beside = sides(range(alone, alone + records))
    return Latency(
        rows,
        records,
        sum(one not in arrived or record not in search.found for one, (record, _) in committed.items()),
        # The first waits for the worker to start.
        sides(range(1, alone))[0],
        *beside,
        {stage: _side(taken) for stage, taken in stages.items()},
        round(synced, 1),
        round(drained, 1),
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--records", type=int, default=240, help="committed beside the sync, at most four a second")
    parser.add_argument("--alone", type=int, default=8, help="committed before it")
    parser.add_argument("--log", type=Path, default=Path(tempfile.gettempdir()) / "threegates-bench-alerts.log")
    asked = parser.parse_args()
    hush()
    url = os.environ["THREEGATES_DATABASE_URL"]
    found = asyncio.run(measure(url, asked.rows, asked.records, asked.alone, asked.log))
    print(json.dumps(asdict(found), indent=1))
    print(f"p99: alert {found.alert.p99:.0f} ms, search {found.search.p99:.0f} ms; limit {LIMIT_MS} ms")
    return 0 if found.holds else 1


if __name__ == "__main__":
    sys.exit(main())
