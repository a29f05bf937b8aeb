"""How fresh and how good the register's input is, feed by feed: so that "no flag" is never read as "lawful"."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Final

from apscheduler.triggers.cron import CronTrigger
from sqlalchemy import RowMapping, text
from sqlmodel.ext.asyncio.session import AsyncSession

from connectors.agency import Agency
from connectors.feed_words import feed_words
from jobs.holds import held_text
from registry import dirty
from registry.clock import CIVIL_ZONE


@dataclass(frozen=True, slots=True)
class Run:
    """One sync as people see it; `held_*` say in plain words why it awaits a person, `error_*` why it broke off.

    `failing`: it broke off and is failed, or awaits its next try at `retry_at`.
    """

    id: int
    state: str
    slot: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempts: int
    received: int
    added: int
    changed: int
    unchanged: int
    stale: int
    quarantined: int
    error: str
    retry_at: datetime | None
    failing: bool
    held_zh: str
    held_en: str
    error_zh: str
    error_en: str


@dataclass(frozen=True, slots=True)
class Quality:
    """What the feed's records can be relied on for."""

    records: int = 0
    covered_from: date | None = None  # the day of the first and of the last act
    covered_to: date | None = None
    last_complete_day: date | None = None  # everything that was reported by that day has been read
    without_codes: float | None = None  # share with neither project code nor USCC
    unlinked: float | None = None  # share whose project is not decided: no rule of a project judges them
    unlinked_records: int = 0
    quarantine_open: int = 0


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """One agency's feed."""

    id: str
    name_zh: str
    name_en: str
    lanes: list[str]
    schedule: str
    next_run: datetime | None
    last_run: Run | None
    last_good: datetime | None  # when it was last read to its end within its bounds
    held: list[Run]
    newest: datetime | None  # the newest modification stamp that was read
    lag_seconds: float | None
    late: bool  # later than the agency's declaration allows, or never read
    quality: Quality


@dataclass(frozen=True, slots=True)
class Status:
    """All feeds, and what still waits."""

    at: datetime
    feeds: list[FeedStatus] = field(default_factory=list)
    waiting: dict[str, int] = field(default_factory=dict)  # marks by purpose; `held` are those of unsettled runs

    def as_json(self) -> dict[str, Any]:
        """For --json and the interface."""
        return asdict(self)


_RUNS: Final = """
SELECT DISTINCT ON (feed) * FROM sync_runs ORDER BY feed, slot DESC, id DESC
"""
# A hold that a later good run has settled awaits nobody.
_HELD: Final = """
SELECT * FROM sync_runs AS run WHERE state = 'held' AND (
    EXISTS (SELECT FROM dirty_marks WHERE run_id = run.id)
    OR NOT EXISTS (SELECT FROM sync_runs AS later
                   WHERE later.feed = run.feed AND later.slot > run.slot AND later.state IN ('done', 'released'))
) ORDER BY slot
"""
_GOOD: Final = """
SELECT feed, max(finished_at) AS at FROM sync_runs WHERE state IN ('done', 'released') GROUP BY feed
"""
_QUALITY: Final = "SELECT * FROM feed_quality"
_QUARANTINE: Final = "SELECT * FROM quarantine_counts"


async def status(session: AsyncSession, agencies: Iterable[Agency], at: datetime) -> Status:
    """The state of every declared feed, also of those never read."""
    connection = await session.connection()

    async def by_feed(statement: str) -> dict[str, RowMapping]:
        return {row["feed"]: row for row in (await connection.execute(text(statement))).mappings()}

    last, good, quality, quarantine = [await by_feed(one) for one in (_RUNS, _GOOD, _QUALITY, _QUARANTINE)]
    held: dict[str, list[Run]] = {}
    for row in (await connection.execute(text(_HELD))).mappings():
        held.setdefault(row["feed"], []).append(_run(row))
    read = {row["id"]: row for row in (await connection.execute(text("SELECT * FROM feeds"))).mappings()}
    feeds = []
    for agency in agencies:
        feed, counted = read.get(agency.id), quality.get(agency.id)
        newest = feed["watermark"] if feed else None
        lag = (at - newest).total_seconds() if newest else None
        records = counted["records"] if counted else 0
        feeds.append(
            FeedStatus(
                id=agency.id,
                name_zh=agency.names.zh,
                name_en=agency.names.en,
                lanes=list(agency.lanes),
                schedule=agency.schedule,
                next_run=CronTrigger.from_crontab(agency.schedule, timezone=CIVIL_ZONE).get_next_fire_time(None, at),
                last_run=_run(last[agency.id]) if agency.id in last else None,
                last_good=good[agency.id]["at"] if agency.id in good else None,
                held=held.get(agency.id, []),
                newest=newest,
                lag_seconds=lag,
                late=lag is None or lag > agency.bounds.lag_allowed.total_seconds(),
                quality=Quality(
                    records=records,
                    covered_from=counted["covered_from"] if counted else None,
                    covered_to=counted["covered_to"] if counted else None,
                    last_complete_day=feed["last_complete_day"] if feed else None,
                    without_codes=counted["without_codes"] if counted else None,
                    unlinked=counted["unlinked_records"] / records if counted else None,
                    unlinked_records=counted["unlinked_records"] if counted else 0,
                    quarantine_open=quarantine[agency.id]["open"] if agency.id in quarantine else 0,
                ),
            )
        )
    return Status(at, feeds, await dirty.waiting(session))


def _run(row: RowMapping) -> Run:
    return Run(
        **{name: row[name] for name in Run.__dataclass_fields__ if name in row},
        failing=row["state"] == "failed" or (row["state"] == "queued" and bool(row["error"])),
        error_zh=feed_words(row["error"], "zh"),
        error_en=feed_words(row["error"], "en"),
        held_zh=held_text(row["held_reason"], "zh"),
        held_en=held_text(row["held_reason"], "en"),
    )
