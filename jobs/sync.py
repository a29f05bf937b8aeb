"""The sync of one feed: fetch pages, store each in its own transaction, check the bounds, move the watermark."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.agency import Agency
from connectors.errors import CheckpointExpired, FeedError, FeedHeld
from connectors.fetch import fetch
from connectors.page import Page
from jobs import runs
from jobs.holds import Hold, check
from jobs.looking_ahead import look_ahead
from jobs.runs import LEASE, MOST_ATTEMPTS, Lease
from registry import clock
from registry.arrivals import Interpret, Refused
from registry.database import transaction
from registry.errors import ThreegatesError
from registry.storing import PageCounts, Reading, StaleToken, Writer, read_page, store_reading

LOG: Final = structlog.get_logger(__name__)

# Seconds until a run that broke off is tried again: doubled with every try, or what the agency asks for.
FIRST_RETRY: Final = 30.0
LONGEST_RETRY: Final = 3600.0


class Progress(Protocol):
    """Told after every stored page."""

    def __call__(self, feed: str, page: Page, counts: PageCounts) -> None: ...


def silent(feed: str, page: Page, counts: PageCounts) -> None:
    """No progress shown."""


@dataclass(slots=True)
class Outcome:
    """How one sync ended: done, held, failed, queued (broke off, will be gone on with) or busy (another has it)."""

    feed: str
    state: str
    run_id: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    held_reason: str = ""
    error: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Sync:
    """What a sync works with. `stopping` is set when the process is asked to end: the page at hand is stored first."""

    engine: AsyncEngine
    stopping: asyncio.Event
    progress: Progress = silent
    now: Callable[[], datetime] = clock.now
    fetch: Callable[..., Iterator[Page]] = fetch


async def sync_feed(sync: Sync, agency: Agency, run_id: int) -> Outcome:
    """Go on with a run until it is done, held or broken off; every stored page stays."""
    async with transaction(sync.engine) as session:
        lease = await runs.claim_run(session, run_id, sync.now(), mapping_version=agency.mapping_version)
    if lease is None:
        return Outcome(agency.id, "busy", run_id)
    log = LOG.bind(feed=agency.id, run=run_id, token=lease.token)
    log.info("sync begins", resumed=lease.checkpoint is not None, attempt=lease.attempts)
    try:
        async with _kept(sync, lease):
            whole = await _store_all(sync, agency, lease)
        outcome = await _finish(sync, agency, lease) if whole else await _break_off(sync, lease)
    except StaleToken as error:
        outcome = Outcome(agency.id, "busy", run_id, error=str(error))
    except FeedHeld as error:
        outcome = await _hold(sync, lease, Hold("contradiction", {"detail": str(error)}))
    except CheckpointExpired as error:
        # The place is lost: another run reads again from the watermark, and what is stored is found unchanged.
        outcome = await _break_off(sync, lease, error, last=lease.checkpoint is not None)
    except FeedError as error:
        outcome = await _break_off(sync, lease, error)
    log.info("sync ends", state=outcome.state, error=outcome.error, **outcome.counts)
    return outcome


async def sync_now(sync: Sync, agency: Agency, *, full: bool = False) -> Outcome:
    """Sync a feed in this process: an unfinished run is gone on with, else a run of this instant is opened.

    `full` reads the whole feed again instead of what is new since the watermark.
    """
    async with transaction(sync.engine) as session:
        await runs.register_feeds(session, [agency])
        if full:
            await (await session.connection()).execute(
                text('UPDATE feeds SET declaration = declaration || \'{"mapping": ""}\' WHERE id = :feed'),
                {"feed": agency.id},
            )
        run_id = None if full else await runs.unfinished_run(session, agency.id)
        run_id = run_id or await runs.open_run(session, agency.id, sync.now())
    if run_id is None:
        return Outcome(agency.id, "busy")
    outcome = await sync_feed(sync, agency, run_id)
    if outcome.state == "failed" and outcome.error.startswith(CheckpointExpired.__name__):
        return await sync_now(sync, agency)
    return outcome


@contextlib.asynccontextmanager
async def _kept(sync: Sync, lease: Lease) -> AsyncIterator[None]:
    """Renews the lease while the block runs; a lost lease is noticed by the next page's fence."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 4)
            with contextlib.suppress(ThreegatesError):
                async with transaction(sync.engine) as session:
                    await runs.renew_lease(session, lease, sync.now())

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await renewing


def interpreter(agency: Agency, page: Page) -> Interpret:
    """Interprets the entries at some positions of a page; what cannot be read is refused, and harms nobody else."""
    entries, raws = page.entries, page.raws

    def interpret(positions: Sequence[int]) -> list[tuple[Any, ...] | Refused]:
        found = agency.page_interpreter([entries[one] for one in positions], [raws[one] for one in positions])
        return [
            row if isinstance(row, tuple) else Refused(one, raws[one], row.field_name, row.reason, page.keys[one])
            for one, row in zip(positions, found, strict=True)
        ]

    return interpret


async def _store_all(sync: Sync, agency: Agency, lease: Lease) -> bool:
    """Store page after page; False where the process had to end before the last.

    While PostgreSQL merges one page, the next is compared and interpreted here and the one after is being fetched.
    """
    writer = Writer(agency.id, lease.run_id, lease.token, agency.mapping_version)
    pages = sync.fetch(agency, watermark=lease.watermark_from, checkpoint=lease.checkpoint)
    storing: asyncio.Task[None] | None = None
    before: Reading | None = None
    try:
        async with contextlib.aclosing(look_ahead(pages)) as arriving:
            async for page in arriving:
                reading = await _read(sync, agency, writer, page)
                if storing is not None:
                    await storing
                    if before is not None and not before.keys.isdisjoint(reading.keys):
                        reading = await _read(sync, agency, writer, page)
                if sync.stopping.is_set() and before is not None:
                    return False
                before = reading
                merging = asyncio.Event()
                storing = asyncio.create_task(_store(sync, writer, page, reading, merging))
                if reading.told.staged:
                    # Sent piece by piece between the turns of the next page, it would be with PostgreSQL much later.
                    await merging.wait()
        if storing is not None:
            await storing
        return True
    finally:
        # An error of the feed comes after the pages before it: they are stored first.
        if storing is not None:
            await asyncio.gather(storing, return_exceptions=True)


async def _read(sync: Sync, agency: Agency, writer: Writer, page: Page) -> Reading:
    async with transaction(sync.engine) as session:
        return await read_page(session, writer, page, interpreter(agency, page))


async def _store(sync: Sync, writer: Writer, page: Page, reading: Reading, merging: asyncio.Event) -> None:
    try:
        async with transaction(sync.engine) as session:
            counts = await store_reading(session, writer, reading, sync.now(), merging=merging)
    finally:
        merging.set()
    sync.progress(writer.feed, page, counts)


async def _finish(sync: Sync, agency: Agency, lease: Lease) -> Outcome:
    """Check a whole run against its bounds; within them it is done, outside it is held."""
    since = None
    if agency.since is not None and lease.watermark_from is not None:
        since = lease.watermark_from - agency.since.overlap
    async with transaction(sync.engine) as session:
        connection = await session.connection()
        # What was held when the run began, of the period it asked for.
        found = await connection.execute(
            text(
                "SELECT count(*) FROM records WHERE feed = :feed AND known_from < :start AND known_to >= :start "
                + ("AND source_modified > :since" if since else "")
            ),
            {"feed": agency.id, "start": lease.started_at, **({"since": since} if since else {})},
        )
        expected = found.scalar_one()
        totals = await connection.execute(
            text("SELECT received, added, quarantined FROM sync_runs WHERE id = :run"), {"run": lease.run_id}
        )
        received, added, rejected = totals.one()
        hold = check(
            agency.bounds, received=received, added=added, rejected=rejected, expected=expected, full=since is None
        )
        if hold is None:
            if not await runs.finish_run(session, lease, sync.now(), mapping_version=agency.mapping_version):
                return Outcome(agency.id, "busy", lease.run_id)
        elif not await runs.end_run(session, lease, "held", sync.now(), runs.Why(hold)):
            return Outcome(agency.id, "busy", lease.run_id)
    return await _outcome(sync, lease)


async def _hold(sync: Sync, lease: Lease, hold: Hold) -> Outcome:
    async with transaction(sync.engine) as session:
        await runs.end_run(session, lease, "held", sync.now(), runs.Why(hold))
    return await _outcome(sync, lease)


async def _break_off(sync: Sync, lease: Lease, error: FeedError | None = None, *, last: bool = False) -> Outcome:
    """Give an unfinished run back for another attempt, or fail it after the last."""
    state = "failed" if last or (error is not None and lease.attempts >= MOST_ATTEMPTS) else "queued"
    message = f"{type(error).__name__}: {error}" if error is not None else ""
    again = None
    if state == "queued" and error is not None:
        asked_for = getattr(error, "retry_after", None)
        again = min(asked_for or FIRST_RETRY * 2.0 ** (lease.attempts - 1), LONGEST_RETRY)
    async with transaction(sync.engine) as session:
        await runs.end_run(session, lease, state, sync.now(), runs.Why(error=message, retry_after=again))
    outcome = await _outcome(sync, lease)
    outcome.retry_after = again
    return outcome


COUNTED: Final = ("pages", "received", "added", "changed", "unchanged", "stale", "quarantined")


async def _outcome(sync: Sync, lease: Lease) -> Outcome:
    async with transaction(sync.engine) as session:
        found = await (await session.connection()).execute(
            text(f"SELECT state, held_reason, error, {', '.join(COUNTED)} FROM sync_runs WHERE id = :run"),
            {"run": lease.run_id},
        )
        run = found.mappings().one()
    counts = {name: run[name] for name in COUNTED}
    return Outcome(lease.feed, run["state"], lease.run_id, counts, run["held_reason"], run["error"])
