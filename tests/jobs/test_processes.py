"""The worker and the scheduler as processes: they do what is due, without Elasticsearch too, and end when asked to."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.agency import Agency
from deploy.agencies.play import Players
from jobs import runs
from jobs.queue import wake
from registry.clock import now
from registry.database import driver, transaction
from tests.faults import world
from tests.registry.pages import rows

Start = Callable[[str], subprocess.Popen[bytes]]
LONGEST_WAIT = 120.0
LONGEST_END = 30.0


@pytest.fixture
def start(jobs_url: str, players: Players) -> Iterator[Start]:
    """Starts a module as a process; Elasticsearch is named and not there."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(module: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            **players.environment,
            "THREEGATES_DATABASE_URL": jobs_url,
            "THREEGATES_ELASTICSEARCH_URL": "http://127.0.0.1:9",
        }
        started.append(subprocess.Popen([sys.executable, "-m", module], env=environment))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


async def _until(engine: AsyncEngine, statement: str, wanted: list[Any]) -> None:
    """Wait for a condition of the database."""
    deadline = time.monotonic() + LONGEST_WAIT
    while (found := await rows(engine, statement)) != wanted:
        assert time.monotonic() < deadline, f"{statement}: {found}, waited for {wanted}"
        await asyncio.sleep(0.1)


async def _ended(process: subprocess.Popen[bytes]) -> int:
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code = await asyncio.to_thread(process.wait, LONGEST_WAIT)
    assert time.monotonic() - began < LONGEST_END
    return code


async def test_a_worker_syncs_links_and_judges_and_ends_when_asked_to(
    engine: AsyncEngine, start: Start, land: Agency
) -> None:
    await world.register(engine)
    async with transaction(engine) as session:
        await runs.register_feeds(session, [land])
        run_id = await runs.open_run(session, land.id, now())
        await wake(await driver(session), "sync", run_id)
    worker = start("jobs.worker")
    await _until(engine, "SELECT state, added FROM sync_runs", [("done", 60)])
    await _until(engine, "SELECT count(*) FROM dirty_marks WHERE purpose IN ('link', 'judge')", [(0,)])
    linked = await rows(engine, "SELECT count(*) FROM links WHERE known_to = 'infinity' AND outcome = 'linked'")
    assert linked == [(60,)]
    assert await rows(engine, "SELECT count(*) > 0 FROM findings WHERE rule = 'land-without-approval'") == [(True,)]
    # The index waits, and nothing else does.
    assert (await rows(engine, "SELECT count(*) > 0 FROM dirty_marks WHERE purpose = 'index'")) == [(True,)]
    assert worker.poll() is None
    assert await _ended(worker) == 0


async def test_a_worker_in_the_middle_of_a_slow_feed_ends_in_time_and_another_goes_on(
    engine: AsyncEngine, start: Start, land: Agency, players: Players, land_records: list[dict[str, Any]]
) -> None:
    # Two pages of the shipped size; the second comes too late for a worker that is asked to end.
    players.feed("land").publish(world.records("land", 1200, 1))
    players.tell("land", "slow", after=1, seconds=20)
    async with transaction(engine) as session:
        await runs.register_feeds(session, [land])
        run_id = await runs.open_run(session, land.id, now())
        await wake(await driver(session), "sync", run_id)
    worker = start("jobs.worker")
    await _until(engine, "SELECT pages FROM sync_runs", [(1,)])
    await _ended(worker)
    players.tell("land", "normal")
    async with transaction(engine) as session:
        await wake(await driver(session), "sync", run_id)
        # Queued jobs of the worker that ended come back after its heartbeat; a person would not wait for that here.
        await (await session.connection()).exec_driver_sql(
            "UPDATE pgqueuer SET status = 'queued', execute_after = now()"
        )
    start("jobs.worker")
    await _until(engine, "SELECT state, received, added FROM sync_runs", [("done", 1200, 1200)])


@pytest.mark.parametrize("module", ["jobs.worker", "jobs.scheduler"])
def test_without_its_database_it_says_what_is_wrong_and_what_to_do(database_url: str, module: str) -> None:
    environment = {**os.environ, "THREEGATES_DATABASE_URL": f"{database_url}_nosuch"}
    done = subprocess.run(
        [sys.executable, "-m", module], env=environment, capture_output=True, text=True, timeout=LONGEST_WAIT
    )
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "PostgreSQL has no database" in said
    assert "createdb" in said
    assert "Traceback" not in said


async def test_a_scheduler_notes_what_is_due_and_ends_when_asked_to(engine: AsyncEngine, start: Start) -> None:
    scheduler = start("jobs.scheduler")
    await _until(engine, "SELECT id FROM feeds ORDER BY id", [("environment",), ("finance",), ("land",)])
    assert await _ended(scheduler) == 0
