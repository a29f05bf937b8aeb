"""What follows a sync: link, judge, alert, index, until no mark is left; each batch in a transaction of its own."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.channels import channels
from registry import clock
from registry.alerting.raising import Raised, raise_alerts
from registry.database import transaction
from registry.dirty import Lane
from registry.errors import Unavailable
from registry.judging import Judged, judge_changed, judge_nation
from registry.law_drafting import run_backtests
from registry.linking import Linked
from registry.linking.running import SIDE_BY_SIDE, link_waiting
from registry.obligations import settle_obligations
from search.client import Servers
from search.index import Indexed, index_changed

LOG: Final = structlog.get_logger(__name__)

# Marks that a lane takes at once: what comes meanwhile waits for one batch, not for all that a big sync brought.
LINKED_AT_ONCE: Final = 2_000
# Of so many, all projects and enterprises can be locked one by one (registry.turns).
JUDGED_AT_ONCE: Final = 1_000
INDEXED_AT_ONCE: Final = 2_500


class Told(Protocol):
    """Told after every batch what was done: link, judge or index, and how many."""

    def __call__(self, step: str, count: int) -> None: ...


def silent(step: str, count: int) -> None:
    """No progress shown."""


@dataclass(frozen=True, slots=True)
class Work:
    """What the steps work with; `stopping` is looked at between batches; `lane` None takes the small and the big."""

    engine: AsyncEngine
    stopping: asyncio.Event
    servers: Callable[[], Servers]
    now: Callable[[], datetime] = clock.now
    told: Told = silent
    lane: Lane | None = None


@dataclass(slots=True)
class Settled:
    """What the steps did together; `index_waits` says why the index is behind, where it is."""

    linked: int = 0
    links_changed: int = 0
    judged: int = 0
    opened: int = 0
    changed: int = 0
    closed: int = 0
    alerts: int = 0
    indexed: int = 0
    index_waits: str = ""
    problems: list[str] = field(default_factory=list)

    def add(self, done: Linked | Judged | Raised | Indexed) -> None:
        """Take over the account of one batch."""
        if isinstance(done, Linked):
            self.linked += done.records
            self.links_changed += done.changed
        elif isinstance(done, Judged):
            self.judged += done.judged
            self.opened += done.opened
            self.changed += done.changed
            self.closed += done.closed
        elif isinstance(done, Raised):
            self.alerts += done.opened
        else:
            self.indexed += done.written + done.deleted
            self.problems += done.problems


async def link(work: Work, settled: Settled | None = None) -> Settled:
    """Link until no mark is left."""
    settled = settled or Settled()

    def told(done: Linked) -> None:
        settled.add(done)
        work.told("link", done.records)

    await link_waiting(
        work.engine,
        told,
        now=work.now,
        lane=work.lane,
        stopping=work.stopping,
        limit=LINKED_AT_ONCE if work.lane else None,
        # Beside a lane's batch the other lane's has the other processor.
        side_by_side=1 if work.lane else SIDE_BY_SIDE,
    )
    return settled


async def judge(work: Work, settled: Settled | None = None) -> Settled:
    """Judge what changed until no mark is left."""
    settled = settled or Settled()
    while not work.stopping.is_set():
        async with transaction(work.engine) as session:
            done = await judge_changed(session, work.now(), limit=JUDGED_AT_ONCE, lane=work.lane)
        if done is None:
            break
        settled.add(done)
        work.told("judge", done.judged)
    return settled


async def alert(work: Work, settled: Settled | None = None) -> Settled:
    """Bring the alerts up to date with the findings that changed, until no mark is left."""
    settled = settled or Settled()
    while not work.stopping.is_set():
        async with transaction(work.engine) as session:
            done = await raise_alerts(session, work.now(), channels(), lane=work.lane)
        if not done.claimed:
            break
        settled.add(done)
        work.told("alert", done.opened)
    return settled


async def judge_everything(work: Work, settled: Settled | None = None) -> Settled:
    """Judge the nation as of today, so that what only time changes (an expiry) is seen as well."""
    settled = settled or Settled()
    at = work.now()
    async with transaction(work.engine) as session:
        done = await judge_nation(session, clock.civil_day(at), at)
    settled.add(done)
    work.told("judge", done.judged)
    await settle_defaults(work)
    return settled


async def settle_defaults(work: Work) -> None:
    """Open, close and let lapse what agencies owe where an elimination deadline passed undone."""
    at = work.now()
    async with transaction(work.engine) as session:
        done = await settle_obligations(session, clock.civil_day(at), at)
    work.told("obligations", done.opened + done.changed)


async def backtest(work: Work) -> int:
    """Run the backtests that were asked for, each in a transaction of its own; returns how many."""
    ran = 0
    while not work.stopping.is_set():
        async with transaction(work.engine) as session:
            done = await run_backtests(session, work.now())
        if not done:
            break
        ran += done
        work.told("backtest", done)
    return ran


async def index(work: Work, settled: Settled | None = None) -> Settled:
    """Index until no mark is left; an Elasticsearch that is down makes the index wait and nothing else."""
    settled = settled or Settled()
    try:
        while not work.stopping.is_set():
            # A big run shows within the second that Elasticsearch takes by itself; asking would hold up the small ones.
            visible = work.lane != "big"
            done = await index_changed(work.servers(), limit=INDEXED_AT_ONCE, visible=visible, lane=work.lane)
            settled.add(done)
            if not done.claimed:
                break
            work.told("index", done.written)
    except Unavailable as error:
        settled.index_waits = str(error)
        LOG.warning("the index waits", reason=str(error))
    return settled


async def settle_all(work: Work) -> Settled:
    """Link, judge, tell the desks of and index everything that is marked."""
    settled = Settled()
    await link(work, settled)
    await judge(work, settled)
    await alert(work, settled)
    return await index(work, settled)
