"""`python -m jobs.scheduler`: decides when something is due, notes it and wakes a worker; does nothing of it itself.

Several schedulers at once do no harm: a slot has one run (UNIQUE(feed, slot)), and a job waits in the queue once.
"""

import asyncio
import signal
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from apscheduler.events import EVENT_JOB_MISSED
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from connectors.agency import SHIPPED, Agency, load_agencies
from jobs import runs
from jobs.logs import configure_logs
from jobs.queue import require_queue, wake
from registry import clock
from registry.alerting.sending import delivery_waits
from registry.clock import CIVIL_ZONE
from registry.database import driver, engine, transaction
from registry.dirty import PURPOSES, UNSETTLED_RUNS
from registry.errors import ThreegatesError
from registry.law_drafting import law_waits
from registry.settings import settings

LOG: Final = structlog.get_logger("jobs.scheduler")

# A tick that comes late (a suspended machine, a long start) still counts: it only notes what is due.
GRACE: Final = timedelta(hours=12)
NIGHTLY: Final = "30 4 * * *"
HOURLY: Final = "15 * * * *"
# The audit: chained each minute, anchored outside each hour, verified each night.
TIMETABLE: Final = {
    "judge_nation": NIGHTLY,
    "obligations": "25 * * * *",
    # What nobody acknowledged goes up, and digests and what failed before are sent when they are due.
    "let_pass": "* * * * *",
    "verify": HOURLY,
    "seal": "* * * * *",
    "anchor": "45 * * * *",
    "audit_verify": "10 5 * * *",
    "publish": "2 * * * *",
    "tidy": "35 * * * *",
}
# How soon marks are worked on that nobody was woken for, such as those a returned Elasticsearch waits for.
LOOK_EVERY: Final = timedelta(seconds=20)


def all_agencies() -> dict[str, Agency]:
    """The shipped agencies and those of THREEGATES_AGENCIES_FOLDER."""
    more = settings().agencies_folder
    return load_agencies((SHIPPED, more) if more else (SHIPPED,))


def slots(trigger: BaseTrigger, after: datetime, until: datetime) -> list[datetime]:
    """The instants for which the trigger fires after one instant and up to another.

    The library does not tell a job for which instant it runs, and the clock lies when a tick is late.
    """
    found: list[datetime] = []
    following = trigger.get_next_fire_time(after, after + timedelta(microseconds=1))
    while following is not None and following <= until:
        found.append(following)
        following = trigger.get_next_fire_time(following, following + timedelta(microseconds=1))
    return found


async def note_due(session: AsyncSession, agency: Agency, at: datetime) -> int | None:
    """Add the run of the newest slot that is due and not noted yet, and wake a worker; older ones it replaces."""
    connection = await session.connection()
    last = await connection.scalar(
        text("SELECT max(slot) FROM sync_runs WHERE feed = :feed AND slot <= :at"), {"feed": agency.id, "at": at}
    )
    trigger = CronTrigger.from_crontab(agency.schedule, timezone=CIVIL_ZONE)
    due = slots(trigger, max(last or at - GRACE, at - GRACE), at)
    if not due:
        return None
    run_id = await runs.open_run(session, agency.id, due[-1])
    if run_id is not None:
        await wake(await driver(session), "sync", run_id)
    return run_id


async def wake_for_waiting(session: AsyncSession, at: datetime) -> list[str]:
    """Wake workers for marks that wait, for runs that nobody works on, and for what two people put in force."""
    connection = await session.connection()
    raw = await driver(session)
    woken: list[str] = []
    for purpose in PURPOSES:
        waits = await connection.scalar(
            text(
                "SELECT EXISTS (SELECT FROM dirty_marks WHERE purpose = :purpose "
                f"AND (:purpose = 'index' OR run_id IS NULL OR run_id NOT IN ({UNSETTLED_RUNS})))"
            ),
            {"purpose": purpose},
        )
        if waits:
            await wake(raw, purpose)
            woken.append(purpose)
    if await delivery_waits(session, at):
        await wake(raw, "deliver")
        woken.append("deliver")
    backtest, nation = await law_waits(session)
    for job, waits in (("backtest", backtest), ("judge_nation", nation)):
        if waits:
            await wake(raw, job)
            woken.append(job)
    left = await connection.execute(
        text(
            "SELECT id, worker FROM sync_runs WHERE state = 'queued' AND started_at IS NOT NULL AND attempts < :most "
            "AND (retry_at IS NULL OR retry_at <= :at) OR state = 'running' AND lease_until < :at"
        ),
        {"at": at, "most": runs.MOST_ATTEMPTS},
    )
    for run_id, _ in left:
        await wake(raw, "sync", run_id)
        woken.append(f"sync {run_id}")
    return woken


class Schedule:
    """The timetable of one process."""

    def __init__(self, agencies: Iterable[Agency]) -> None:
        self.agencies = list(agencies)
        self.timer = AsyncIOScheduler(
            timezone=CIVIL_ZONE,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": int(GRACE.total_seconds())},
        )
        for agency in self.agencies:
            trigger = CronTrigger.from_crontab(agency.schedule, timezone=CIVIL_ZONE)
            self.timer.add_job(self._note, trigger, [agency], id=f"sync {agency.id}")
        for job, line in TIMETABLE.items():
            trigger = CronTrigger.from_crontab(line, timezone=CIVIL_ZONE)
            self.timer.add_job(self._wake, trigger, [job], id=job)
        every = IntervalTrigger(seconds=int(LOOK_EVERY.total_seconds()), timezone=CIVIL_ZONE)
        self.timer.add_job(self._look, every, id="look")
        self.timer.add_listener(self._missed, EVENT_JOB_MISSED)

    async def begin(self) -> None:
        """Note the feeds and what is overdue, then start ticking."""
        async with transaction() as session:
            await require_queue(await driver(session))
        async with transaction() as session:
            await runs.register_feeds(session, self.agencies)
        for agency in self.agencies:
            await self._note(agency)
        self.timer.start()

    async def _note(self, agency: Agency) -> None:
        async with transaction() as session:
            run_id = await note_due(session, agency, clock.now())
        if run_id is not None:
            LOG.info("a sync is due", feed=agency.id, run=run_id)

    async def _wake(self, job: str) -> None:
        async with transaction() as session:
            await wake(await driver(session), job)

    async def _look(self) -> None:
        async with transaction() as session:
            await wake_for_waiting(session, clock.now())

    def _missed(self, event: Any) -> None:
        LOG.warning("a tick came too late", job=event.job_id, planned=str(event.scheduled_run_time))


async def run() -> None:
    """Tick until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    schedule = Schedule(all_agencies().values())
    try:
        await schedule.begin()
        LOG.info("the scheduler ticks", agencies=[agency.id for agency in schedule.agencies])
        await ended.wait()
    finally:
        if schedule.timer.running:
            schedule.timer.shutdown(wait=False)
        await engine().dispose()


if __name__ == "__main__":
    configure_logs()
    try:
        asyncio.run(run())
    except ThreegatesError as error:
        # What is wrong and what to do; a stack of calls helps nobody who reads the log.
        LOG.error("the scheduler cannot begin", reason=str(error))
        sys.exit(1)
