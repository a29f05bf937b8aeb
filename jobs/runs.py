"""Runs of syncs: opened once a slot, held under a lease with a fencing token, ended done, held or failed."""

import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psutil
from sqlalchemy import RowMapping, text
from sqlmodel.ext.asyncio.session import AsyncSession

from connectors.agency import Agency
from jobs.holds import Hold
from registry.auditing import audit
from registry.clock import civil_day
from registry.database import json_text
from registry.errors import Conflict, NotFound
from registry.viewers import Viewer

LEASE: Final = timedelta(seconds=60)
# A run that broke off this often is failed; the next slot starts a new one.
MOST_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to go on with a run: whoever has the greatest token of the feed may write."""

    run_id: int
    feed: str
    token: int
    started_at: datetime
    watermark_from: datetime | None
    checkpoint: dict[str, Any] | None
    attempts: int


def this_worker() -> str:
    """Host, process and when it began: enough to see that a worker of this host is gone."""
    return f"{socket.gethostname()}:{os.getpid()}:{psutil.Process().create_time():.0f}"


def is_gone(worker: str) -> bool:
    """Whether a worker ran on this host and does so no longer; of other hosts only the lease tells."""
    host, _, rest = worker.rpartition(":")[0].rpartition(":")
    began = worker.rpartition(":")[2]
    if host != socket.gethostname() or not rest.isdecimal():
        return False
    try:
        return f"{psutil.Process(int(rest)).create_time():.0f}" != began
    except psutil.NoSuchProcess:
        return True


async def register_feeds(session: AsyncSession, agencies: Iterable[Agency]) -> None:
    """Write what each agency.yml declares into the feeds; how far a feed was read stays as it is."""
    connection = await session.connection()
    for agency in agencies:
        declaration = {
            "schedule": agency.schedule,
            "bounds": agency.bounds.model_dump(mode="json"),
            "incremental": agency.since is not None,
        }
        await connection.execute(
            text(
                "INSERT INTO feeds (id, agency_id, name_zh, name_en, lanes, declaration) "
                "VALUES (:id, :authority, :zh, :en, :lanes, CAST(:declaration AS jsonb)) "
                "ON CONFLICT (id) DO UPDATE SET agency_id = EXCLUDED.agency_id, name_zh = EXCLUDED.name_zh, "
                "name_en = EXCLUDED.name_en, lanes = EXCLUDED.lanes, "
                "declaration = feeds.declaration || EXCLUDED.declaration"
            ),
            {
                "id": agency.id,
                "authority": agency.authority,
                "zh": agency.names.zh,
                "en": agency.names.en,
                "lanes": list(agency.lanes),
                "declaration": json_text(declaration),
            },
        )


async def open_run(session: AsyncSession, feed: str, slot: datetime) -> int | None:
    """Add the run of a slot; None where the slot has one already."""
    added = await (await session.connection()).execute(
        text("INSERT INTO sync_runs (feed, slot) VALUES (:feed, :slot) ON CONFLICT DO NOTHING RETURNING id"),
        {"feed": feed, "slot": slot},
    )
    found: int | None = added.scalar_one_or_none()
    return found


async def unfinished_run(session: AsyncSession, feed: str) -> int | None:
    """The newest run of a feed that is not at its end."""
    found = await (await session.connection()).execute(
        text(
            "SELECT id FROM sync_runs WHERE feed = :feed AND state IN ('queued', 'running') "
            "ORDER BY slot DESC, id DESC LIMIT 1"
        ),
        {"feed": feed},
    )
    run_id: int | None = found.scalar_one_or_none()
    return run_id


async def claim_run(session: AsyncSession, run_id: int, at: datetime, *, mapping_version: str) -> Lease | None:
    """Take a run over with a new token; None where it is at its end or another worker is at this feed.

    Where the mapping differs from the one that the stored records were read with, the run reads the whole feed.
    """
    connection = await session.connection()
    await _lock_feed(session, run_id)
    found = await connection.execute(
        text(
            "SELECT run.feed, run.state, run.attempts, run.started_at, run.watermark_from, run.checkpoint, "
            "feed.watermark, feed.declaration->>'mapping' AS mapping FROM sync_runs AS run "
            "JOIN feeds AS feed ON feed.id = run.feed WHERE run.id = :run FOR NO KEY UPDATE"
        ),
        {"run": run_id},
    )
    run = found.mappings().one_or_none()
    if run is None or run["state"] not in ("queued", "running"):
        return None
    busy = await connection.execute(
        text("SELECT worker FROM sync_runs WHERE feed = :feed AND state = 'running' AND lease_until > :at"),
        {"feed": run["feed"], "at": at},
    )
    if any(not is_gone(worker) for worker in busy.scalars()):
        return None
    first = run["started_at"] is None
    watermark = run["watermark_from"]
    if first:
        watermark = run["watermark"] if run["mapping"] in (None, mapping_version) else None
    values = {
        "run": run_id,
        "feed": run["feed"],
        "worker": this_worker(),
        "at": at,
        "until": at + LEASE,
        "watermark": watermark,
    }
    await _overtake(session, run_id, run["feed"], at)
    token = await connection.execute(
        text("UPDATE feeds SET last_token = last_token + 1 WHERE id = :feed RETURNING last_token"), values
    )
    values["token"] = token.scalar_one()
    await connection.execute(
        text(
            "UPDATE sync_runs SET state = 'running', worker = :worker, token = :token, lease_until = :until, "
            "attempts = attempts + 1, started_at = coalesce(started_at, :at), watermark_from = :watermark, "
            "finished_at = NULL, retry_at = NULL WHERE id = :run"
        ),
        values,
    )
    return Lease(
        run_id,
        run["feed"],
        values["token"],
        run["started_at"] or at,
        watermark,
        run["checkpoint"],
        run["attempts"] + 1,
    )


async def _lock_feed(session: AsyncSession, run_id: int) -> None:
    """Feed before run, as storing a page does: who changes both locks them in one order and never in a circle."""
    await (await session.connection()).execute(
        text("SELECT FROM feeds WHERE id = (SELECT feed FROM sync_runs WHERE id = :run) FOR NO KEY UPDATE"),
        {"run": run_id},
    )


async def _overtake(session: AsyncSession, run_id: int, feed: str, at: datetime) -> None:
    """Earlier runs of the feed that broke off have nothing left to do: this one reads what they would."""
    await (await session.connection()).execute(
        text(
            "UPDATE sync_runs SET state = 'failed', finished_at = :at, lease_until = NULL, retry_at = NULL, "
            "error = error || CASE WHEN error = '' THEN '' ELSE ' ' END || 'Overtaken by run ' || :name || '.' "
            "WHERE feed = :feed AND id <> :run AND state IN ('queued', 'running') "
            "AND slot < (SELECT slot FROM sync_runs WHERE id = :run)"
        ),
        {"run": run_id, "name": str(run_id), "feed": feed, "at": at},
    )


_HOLDS: Final = "WHERE id = :run AND token = :token AND state = 'running'"


async def renew_lease(session: AsyncSession, lease: Lease, at: datetime) -> bool:
    """Lengthen the lease; False where it was lost."""
    renewed = await (await session.connection()).execute(
        text(f"UPDATE sync_runs SET lease_until = :until {_HOLDS}"),
        {"until": at + LEASE, "run": lease.run_id, "token": lease.token},
    )
    return renewed.rowcount == 1


@dataclass(frozen=True, slots=True)
class Why:
    """Why a run is given back; `retry_after` is in how many seconds a queued one is tried again."""

    hold: Hold | None = None
    error: str = ""
    retry_after: float | None = None


async def end_run(session: AsyncSession, lease: Lease, state: str, at: datetime, why: Why | None = None) -> bool:
    """Give a run back: queued (to be gone on with), held or failed; False where the lease was lost."""
    why = why or Why()
    ended = await (await session.connection()).execute(
        text(
            "UPDATE sync_runs SET state = :state, lease_until = NULL, error = :error, held_reason = :held, "
            "retry_at = :retry, "
            f"finished_at = CASE WHEN :state = 'queued' THEN NULL ELSE CAST(:at AS timestamptz) END {_HOLDS}"
        ),
        {
            "state": state,
            "error": why.error[:2000],
            "held": why.hold.stored() if why.hold else "",
            "retry": at + timedelta(seconds=why.retry_after) if why.retry_after is not None else None,
            "at": at,
            "run": lease.run_id,
            "token": lease.token,
        },
    )
    return ended.rowcount == 1


async def finish_run(session: AsyncSession, lease: Lease, at: datetime, *, mapping_version: str) -> bool:
    """End a run well and move the feed's watermark; False where the lease was lost."""
    await _lock_feed(session, lease.run_id)
    if not await end_run(session, lease, "done", at):
        return False
    await _advance(session, lease.run_id)
    if lease.watermark_from is None:
        await (await session.connection()).execute(
            text(
                "UPDATE feeds SET declaration = declaration || "
                "jsonb_build_object('mapping', CAST(:mapping AS text)) WHERE id = :feed"
            ),
            {"mapping": mapping_version, "feed": lease.feed},
        )
    return True


async def _advance(session: AsyncSession, run_id: int) -> None:
    """The watermark becomes the newest stamp of the run, never later than its start: agencies' clocks may be wrong."""
    connection = await session.connection()
    found = await connection.execute(
        text("SELECT feed, started_at, watermark_to FROM sync_runs WHERE id = :run"), {"run": run_id}
    )
    run = found.mappings().one()
    await connection.execute(
        text(
            "UPDATE feeds SET watermark = greatest(watermark, CAST(:newest AS timestamptz)), "
            "last_complete_day = greatest(last_complete_day, CAST(:day AS date)) WHERE id = :feed"
        ),
        {
            "newest": min(run["watermark_to"], run["started_at"]) if run["watermark_to"] else None,
            "day": civil_day(run["started_at"]) - timedelta(days=1),
            "feed": run["feed"],
        },
    )


async def release_run(session: AsyncSession, run_id: int, *, actor: str, reason: str) -> RowMapping:
    """Let a person accept what a held run brought: its marks become claimable.

    The watermark moves only where the run had read the feed to its end; otherwise the next run reads the rest.
    """
    connection = await session.connection()
    await _lock_feed(session, run_id)
    found = await connection.execute(
        text("SELECT id, feed, state, held_reason, checkpoint FROM sync_runs WHERE id = :run FOR UPDATE"),
        {"run": run_id},
    )
    run = found.mappings().one_or_none()
    if run is None:
        raise NotFound(f"There is no run {run_id}.", remedy="`threegates status` names the runs that are held.")
    if run["state"] != "held":
        raise Conflict(
            f"Run {run_id} is not held; it is {run['state']}.",
            remedy="`threegates status` names the runs that are held.",
        )
    await connection.execute(
        text(
            "UPDATE sync_runs SET state = 'released', held_reason = (CAST(held_reason AS jsonb) || "
            "jsonb_build_object('released_by', CAST(:actor AS text), 'released_because', CAST(:reason AS text)))::text "
            "WHERE id = :run"
        ),
        {"run": run_id, "actor": actor, "reason": reason},
    )
    if (run["checkpoint"] or {}).get("done"):
        await _advance(session, run_id)
    before, after = {"state": "held", "feed": run["feed"], "held": run["held_reason"]}, {"state": "released"}
    operator = Viewer("key", actor=actor)
    await audit(session, operator, "sync_run.release", "sync_run", str(run_id), why=reason, before=before, after=after)
    return run
