"""The schedule: slots from the trigger, one run a slot, workers woken once, marks that wait are seen."""

from datetime import UTC, datetime, timedelta

from apscheduler.triggers.cron import CronTrigger
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.agency import Agency
from jobs import runs
from jobs.scheduler import note_due, slots, wake_for_waiting
from registry import dirty
from registry.clock import CIVIL_ZONE, now
from registry.database import transaction
from tests.registry.pages import rows

NIGHT = CronTrigger.from_crontab("30 1 * * *", timezone=CIVIL_ZONE)
DUE = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)  # 01:30 in China


def test_a_late_tick_is_of_the_slot_it_was_planned_for() -> None:
    late = DUE + timedelta(hours=2, seconds=3)
    assert slots(NIGHT, late - timedelta(hours=12), late) == [DUE]
    assert slots(NIGHT, DUE, DUE + timedelta(hours=23)) == []
    assert slots(NIGHT, DUE - timedelta(days=2), DUE) == [DUE - timedelta(days=1), DUE]


async def _prepared(engine: AsyncEngine, land: Agency) -> None:
    async with transaction(engine) as session:
        await runs.register_feeds(session, [land])


async def test_two_schedulers_note_one_run_a_slot_and_wake_one_worker(engine: AsyncEngine, land: Agency) -> None:
    await _prepared(engine, land)
    for minutes in (0, 1, 5):
        async with transaction(engine) as session:
            await note_due(session, land, DUE + timedelta(minutes=minutes))
    assert await rows(engine, "SELECT slot FROM sync_runs") == [(DUE,)]
    assert await rows(engine, "SELECT entrypoint, dedupe_key FROM pgqueuer") == [("sync", "sync 1")]
    # A clock that was set back notes nothing anew.
    async with transaction(engine) as session:
        assert await note_due(session, land, DUE - timedelta(hours=1)) is None


async def test_marks_that_wait_wake_a_worker_those_of_a_held_run_do_not(engine: AsyncEngine, land: Agency) -> None:
    await _prepared(engine, land)
    async with transaction(engine) as session:
        run = await runs.open_run(session, land.id, now())
        await dirty.mark(session, "link", "record", [1], run_id=run)
        await dirty.mark(session, "index", "record", [1])
        assert await wake_for_waiting(session, now()) == ["index"]
        await (await session.connection()).exec_driver_sql("UPDATE sync_runs SET state = 'done'")
        assert await wake_for_waiting(session, now()) == ["link", "index"]


async def test_a_run_that_broke_off_wakes_nobody_before_its_next_try(engine: AsyncEngine, land: Agency) -> None:
    await _prepared(engine, land)
    async with transaction(engine) as session:
        run = await runs.open_run(session, land.id, now())
        await (await session.connection()).exec_driver_sql(
            "UPDATE sync_runs SET started_at = now(), attempts = 1, error = 'x', retry_at = now() + interval '30 s'"
        )
        assert await wake_for_waiting(session, now()) == []
        assert await wake_for_waiting(session, now() + timedelta(seconds=31)) == [f"sync {run}"]


async def test_a_run_whose_worker_died_wakes_another(engine: AsyncEngine, land: Agency) -> None:
    await _prepared(engine, land)
    async with transaction(engine) as session:
        run = await runs.open_run(session, land.id, now())
        assert run is not None
        assert await runs.claim_run(session, run, now(), mapping_version="x") is not None
        assert await wake_for_waiting(session, now()) == []
        assert await wake_for_waiting(session, now() + 2 * runs.LEASE) == [f"sync {run}"]
