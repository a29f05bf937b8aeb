"""`python -m jobs.worker`: does what the queue wakes it for; at SIGTERM it stores the page at hand and ends.

A worker is two processes. This one works off small runs and delivers, so that it is always at hand within milliseconds;
its companion (`python -m jobs.worker big`, which it starts and ends) syncs, and works off the big runs, at lower
priority. Both hear from each other, and from other workers, through PostgreSQL.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import asyncpg
import structlog
from pgqueuer import PgQueuer
from pgqueuer.errors import RetryRequested
from pgqueuer.executors import DatabaseRetryEntrypointExecutor
from pgqueuer.models import Job
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.agency import Agency
from jobs import audit, pipeline, publishing, reports, tidying
from jobs.flow import STEPS, Flow
from jobs.logs import configure_logs
from jobs.pipeline import Work
from jobs.process import calm_collector
from jobs.queue import WOKEN, require_queue, tell, wake
from jobs.scheduler import all_agencies
from jobs.sync import FIRST_RETRY, Sync, sync_feed
from registry.database import connect, engine, transaction
from registry.dirty import PURPOSES, Lane
from registry.errors import ThreegatesError
from registry.settings import settings
from search.client import Servers, servers
from search.verify import repair, verify

LOG: Final = structlog.get_logger("jobs.worker")

# Feeds are read side by side, so that a slow agency delays no other; so many at once at most.
FEEDS_AT_ONCE: Final = 4
# How much the companion gives way to whatever else wants the processor.
NICE: Final = 10
LONGEST_END: Final = timedelta(seconds=8)
# A run that another worker is at, or whose feed is being read, is looked at again.
BUSY_AGAIN: Final = timedelta(seconds=30)


class Worker:
    """The jobs by name, on one engine; `stopping` asks them to end at the next safe place."""

    def __init__(
        self,
        database: AsyncEngine,
        agencies: dict[str, Agency],
        connection: asyncpg.Connection,
        lane: Lane,
        search: Callable[[], Servers] = servers,
    ) -> None:
        self.agencies = agencies
        self.connection = connection
        self.lane = lane
        self.speaking = asyncio.Lock()
        self.stopping = asyncio.Event()
        self.sync_with = Sync(database, self.stopping)
        self.work = Work(database, self.stopping, search)
        self.flow = Flow(self.work, lane, self._tell)

    async def sync(self, job: Job) -> None:
        """One run of one feed, then linking what it brought."""
        run_id = int(job.payload or b"0")
        async with transaction(self.work.engine) as session:
            raw = await (await session.connection()).exec_driver_sql(
                "SELECT feed, state FROM sync_runs WHERE id = $1", (run_id,)
            )
            run = raw.one_or_none()
        if run is None or run.state not in ("queued", "running"):
            return
        agency = self.agencies.get(run.feed)
        if agency is None:
            LOG.warning("no agency.yml for this feed", feed=run.feed)
            return
        outcome = await sync_feed(self.sync_with, agency, run_id)
        if outcome.state == "busy":
            raise RetryRequested(BUSY_AGAIN, "another worker reads this feed")
        if outcome.state == "queued":
            again = timedelta(seconds=outcome.retry_after or FIRST_RETRY)
            raise RetryRequested(again, outcome.error or "asked to end")
        await self._then("link")

    def step(self, name: str) -> Callable[[Job], Awaitable[None]]:
        """The job of one step of the flow; what follows from it is begun with its first batch."""

        async def do(job: Job) -> None:
            await self.flow.run(name)

        return do

    def woken(self, connection: object, sender: int, channel: str, step: object) -> None:
        """Begin what somebody just marked; where it fails its job in the queue tries again, and the scheduler looks."""
        if not self.stopping.is_set() and (step in PURPOSES or (step == "deliver" and self.lane == "small")):
            self.flow.begin(str(step))

    async def obligations(self, job: Job) -> None:
        """Bring up to date what agencies owe against defaulters; what was missed while nothing ran is caught up."""
        await pipeline.settle_defaults(self.work)

    async def backtest(self, job: Job) -> None:
        """Try the drafted values of the law that wait for it."""
        await pipeline.backtest(self.work)

    async def verify(self, job: Job) -> None:
        """Compare register and index; what differs is marked and written again."""
        try:
            compared = await verify(self.work.servers())
            repaired = await repair(self.work.servers(), compared)
        except ThreegatesError as error:
            LOG.warning("verifying waits", reason=str(error))
            return
        LOG.info("verified", repaired=repaired)
        if repaired:
            await self._then("index")

    async def seal(self, job: Job) -> None:
        """Chain the audit's entries that are not chained yet."""
        await audit.seal(self.work)

    async def anchor(self, job: Job) -> None:
        """Write the end of the audit's chain outside the database."""
        try:
            await audit.anchor(self.work)
        except ThreegatesError as error:
            LOG.error("the audit is not anchored", reason=str(error))

    async def audit_verify(self, job: Job) -> None:
        """Verify the audit's chain."""
        try:
            await audit.verify(self.work)
        except ThreegatesError as error:
            LOG.error("the audit cannot be verified", reason=str(error))

    async def publish(self, job: Job) -> None:
        """Publish what stood its objection period."""
        if await publishing.publish(self.work):
            await self._then("judge")

    async def tidy(self, job: Job) -> None:
        """Forget what has served its time, and keep the schedule of reports."""
        await tidying.tidy(self.work)
        await reports.keep_schedule(self.work)

    async def _then(self, job: str) -> None:
        if not self.stopping.is_set():
            async with self.speaking:
                await wake(self.connection, job)

    async def _tell(self, step: str) -> None:
        async with self.speaking:
            await tell(self.connection, step)

    def jobs(self) -> dict[str, tuple[Callable[[Job], Awaitable[None]], int]]:
        """Every job and how many of it this process runs at once."""
        if self.lane == "small":
            steps = [name for name in STEPS if name != "judge_nation"]
            return {**{name: (self.step(name), 1) for name in steps}, "publish": (self.publish, 1)}
        return {
            "sync": (self.sync, FEEDS_AT_ONCE),
            "judge_nation": (self.step("judge_nation"), 1),
            "obligations": (self.obligations, 1),
            "backtest": (self.backtest, 1),
            "verify": (self.verify, 1),
            "seal": (self.seal, 1),
            "anchor": (self.anchor, 1),
            "audit_verify": (self.audit_verify, 1),
            "tidy": (self.tidy, 1),
        }


def _patient(parameters: Any) -> DatabaseRetryEntrypointExecutor:
    """Retries are off in the library unless asked for."""
    return DatabaseRetryEntrypointExecutor(
        parameters, max_attempts=8, initial_delay=timedelta(seconds=5), max_delay=timedelta(minutes=10)
    )


@contextlib.asynccontextmanager
async def _companion(lane: Lane) -> AsyncIterator[Process | None]:
    """The process for the big runs beside the one for the small; it ends with the block, or when this process dies."""
    if lane == "big":
        yield None
        return
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "jobs.worker", "big", stdin=PIPE)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        # It was asked to end when this process was. Killed, it leaves nothing half done.
        try:
            await asyncio.wait_for(process.wait(), 1)
        except TimeoutError:
            process.kill()


def _end_with_parent(loop: asyncio.AbstractEventLoop, asked: asyncio.Event) -> None:
    """Ask this process to end when the one that started it is gone, whatever ended it: nobody else would."""

    def watch() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(asked.set)
        time.sleep(LONGEST_END.total_seconds() + 1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


async def run(lane: Lane) -> int:
    """Work until SIGTERM or SIGINT; 1 when the queue or the companion was lost: a supervisor starts it all again."""
    connection = await connect(settings().database_dsn())
    waking = await connect(settings().database_dsn())
    await require_queue(connection)
    asked, lost = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    if lane == "big":
        os.nice(NICE)
        _end_with_parent(loop, asked)
    async with _companion(lane) as companion:
        worker = Worker(engine(), all_agencies(), waking, lane)
        queue = PgQueuer.from_asyncpg_connection(connection)
        for name, (job, at_once) in worker.jobs().items():
            queue.entrypoint(name, concurrency_limit=at_once, executor_factory=_patient)(job)
        waking.add_termination_listener(lambda _: lost.set())
        await waking.add_listener(WOKEN, worker.woken)
        working = asyncio.create_task(
            queue.run(dequeue_timeout=timedelta(seconds=5), heartbeat_timeout=timedelta(seconds=30))
        )
        there = "the worker waits for jobs" if lane == "small" else "its companion waits for big runs"
        LOG.info(there, agencies=sorted(worker.agencies))
        ends: list[asyncio.Task[Any]] = [working, asyncio.create_task(asked.wait()), asyncio.create_task(lost.wait())]
        if companion is not None:
            ends.append(asyncio.create_task(companion.wait()))
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        worker.stopping.set()
        queue.shutdown.set()
        if companion is not None and companion.returncode is None:
            companion.terminate()
        done, _ = await asyncio.wait([working], timeout=LONGEST_END.total_seconds())
    if asked.is_set():
        return 0
    error = working.exception() if done else None
    LOG.error("the queue was lost", error=type(error).__name__ if error else "its connection or the companion ended")
    return 1


if __name__ == "__main__":
    configure_logs()
    calm_collector()
    try:
        code = asyncio.run(run("big" if "big" in sys.argv[1:] else "small"))
    except ThreegatesError as error:
        # What is wrong and what to do; a stack of calls helps nobody who reads the log.
        LOG.error("the worker cannot begin", reason=str(error))
        code = 1
    sys.stderr.flush()
    # A bulk on its way to a hanging Elasticsearch must not keep the process: its marks are still there.
    os._exit(code)
