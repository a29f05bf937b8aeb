"""What time alone brings: alerts nobody acknowledged go up, snoozes and silences end, alerts without a desk get one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.announcing import announce_alerts
from registry.alerting.clocks import acknowledged_by
from registry.alerting.routing import route
from registry.alerting.spreading import Channels, spread
from registry.clock import civil_day
from registry.flags import Succession, read_succession
from registry.history import Instant
from registry.turns import take_turn

AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Passed:
    """What one pass did: alerts that got a desk, that came back, that went up; deliveries written."""

    routed: int = 0
    returned: int = 0
    escalated: int = 0
    deliveries: int = 0


async def let_time_pass(session: AsyncSession, at: datetime, channels: Channels) -> Passed:
    """Look once at everything that is due by now; again it does nothing more."""
    connection = await session.connection()
    await take_turn(connection, "alerts")
    routed = await _reroute(session, connection, at)
    returned = await _return(connection, at)
    escalated = await _escalate(session, connection, at)
    await announce_alerts(session, "alert.routed", routed, at)
    await announce_alerts(session, "alert.returned", returned, at)
    await announce_alerts(session, "alert.escalated", escalated, at)
    deliveries = await spread(session, at, channels)
    return Passed(len(routed), len(returned), len(escalated), deliveries)


async def _ids(connection: AsyncConnection, sql: str, at: datetime, **binds: Any) -> list[int]:
    statement = text(sql).bindparams(bindparam("at", type_=Instant), *_instants(binds))
    return list((await connection.execute(statement, {"at": at, **binds})).scalars())


def _instants(binds: dict[str, Any]) -> list[Any]:
    return [bindparam(name, type_=Instant) for name in binds if name.startswith("by_")]


async def _reroute(session: AsyncSession, connection: AsyncConnection, at: datetime) -> list[int]:
    """Desks for alerts that have none, or whose desk has ended."""
    waits = await connection.scalar(text(f"SELECT EXISTS (SELECT FROM alerts AS a WHERE {_WITHOUT_DESK})"))
    if not waits:
        return []
    await route(
        session,
        f"SELECT DISTINCT a.duty_holder, a.lane, a.region FROM alerts AS a WHERE {_WITHOUT_DESK}",
        civil_day(at),
    )
    by = {f"by_{severity}": until for severity, until in acknowledged_by(at).items()}
    return await _ids(connection, _REROUTE, at, **by)


async def _return(connection: AsyncConnection, at: datetime) -> list[int]:
    by = {f"by_{severity}": until for severity, until in acknowledged_by(at).items()}
    return await _ids(connection, _RETURN, at, **by)


async def _escalate(session: AsyncSession, connection: AsyncConnection, at: datetime) -> list[int]:
    """Each that is due to the next office above: of the same agency, else of the lane; above the nation is nobody."""
    due = await connection.execute(
        text(
            "SELECT DISTINCT o.agency_id FROM alerts AS a JOIN organisations AS o ON o.id = a.organisation_id "
            "WHERE a.state = 'open' AND a.escalate_at <= :at"
        ).bindparams(bindparam("at", type_=Instant)),
        {"at": at},
    )
    agencies = list(due.scalars())
    if not agencies:
        return []
    succession = await read_succession(session)
    same = await _successors(connection, succession, at)
    by = {f"by_{severity}": until for severity, until in acknowledged_by(at).items()}
    statement = text(_ESCALATE).bindparams(
        bindparam("at", type_=Instant),
        bindparam("agencies", type_=ARRAY(Text)),
        bindparam("heirs", type_=ARRAY(Text)),
        *_instants(by),
    )
    values = {"at": at, "agencies": list(same), "heirs": list(same.values()), "limit": AT_ONCE, **by}
    return list((await connection.execute(statement, values)).scalars())


async def _successors(connection: AsyncConnection, succession: Succession, at: datetime) -> dict[str, str]:
    found = await connection.execute(
        text("SELECT DISTINCT agency_id FROM organisations WHERE kind = 'agency' AND agency_id IS NOT NULL")
    )
    return {agency: succession.holder(agency, civil_day(at)) for agency in found.scalars()}


async def unrouted(session: AsyncSession) -> int:
    """How many alerts have no desk: an office has to be added, or someone would miss them."""
    connection = await session.connection()
    return int(await connection.scalar(text(f"SELECT count(*) FROM alerts AS a WHERE {_WITHOUT_DESK}")) or 0)


_WITHOUT_DESK: Final = (
    "a.state <> 'closed' AND (a.organisation_id IS NULL OR EXISTS (SELECT FROM organisations AS ended "
    "WHERE ended.id = a.organisation_id AND ended.ended_at IS NOT NULL))"
)
_REROUTE: Final = f"""
WITH given AS (
    UPDATE alerts AS a SET organisation_id = r.organisation_id, routed_by = r.routed_by, changed_at = :at,
        version = a.version + 1, escalate_at = CASE WHEN a.state = 'open' AND a.silence_id IS NULL THEN
            CASE a.severity WHEN 'violation' THEN :by_violation ELSE :by_warning END END
    FROM routed AS r
    WHERE {_WITHOUT_DESK} AND r.holder = a.duty_holder AND r.lane = a.lane AND r.region IS NOT DISTINCT FROM a.region
      AND r.organisation_id IS NOT NULL
    RETURNING a.id, a.organisation_id
),
told AS (
    INSERT INTO alert_events (alert_id, at, kind, content)
    SELECT id, :at, 'routed', jsonb_build_object('organisation', organisation_id) FROM given ORDER BY id
)
SELECT id FROM given
"""
# The clock begins anew: nobody was asked while it slept. What somebody acknowledged before stays acknowledged.
_RETURN: Final = """
WITH back AS (
    UPDATE alerts AS a SET snoozed_until = NULL, snooze_reason = '', silence_id = NULL, changed_at = :at,
        version = a.version + 1, escalate_at = CASE WHEN a.state = 'open' AND a.organisation_id IS NOT NULL THEN
            CASE a.severity WHEN 'violation' THEN :by_violation ELSE :by_warning END END
    WHERE a.state <> 'closed' AND (a.snoozed_until IS NOT NULL OR a.silence_id IS NOT NULL)
      AND coalesce(a.snoozed_until, '-infinity') <= :at
      AND NOT EXISTS (SELECT FROM alert_silences AS s WHERE s.topic = a.topic AND s.rule = a.rule
          AND s.lifted_at IS NULL AND s.ends_at > :at)
    RETURNING a.id
),
told AS (INSERT INTO alert_events (alert_id, at, kind) SELECT id, :at, 'returned' FROM back ORDER BY id)
SELECT id FROM back
"""
_ESCALATE: Final = """
WITH heirs AS (SELECT * FROM unnest(:agencies, :heirs) AS h (agency, heir)),
due AS (
    SELECT a.id, a.lane, a.region, a.escalated_to, coalesce(a.escalated_to, a.organisation_id) AS standing
    FROM alerts AS a
    WHERE a.state = 'open' AND a.escalate_at <= :at AND a.silence_id IS NULL
      AND (a.snoozed_until IS NULL OR a.snoozed_until <= :at)
    ORDER BY a.escalate_at LIMIT :limit FOR UPDATE OF a SKIP LOCKED
),
above AS (
    SELECT d.id, up.id AS organisation_id FROM due AS d
    JOIN organisations AS now_at ON now_at.id = d.standing
    LEFT JOIN heirs AS mine ON mine.agency = now_at.agency_id
    LEFT JOIN LATERAL (
        SELECT o.id FROM organisations AS o LEFT JOIN heirs AS theirs ON theirs.agency = o.agency_id
        WHERE o.kind = 'agency' AND o.ended_at IS NULL AND o.id <> now_at.id AND now_at.region <> '000000'
          AND (theirs.heir = mine.heir OR d.lane = ANY(o.lanes))
          AND (d.lane <> 'credit' OR 'credit' = ANY(o.lanes))
          AND o.region <> now_at.region
          AND (o.region = '000000' OR EXISTS (
              SELECT FROM region_within AS r WHERE r.outer_code = o.region AND r.inner_code = now_at.region))
        ORDER BY theirs.heir IS DISTINCT FROM mine.heir, o.region = '000000', o.region LIKE '__0000', o.id
        LIMIT 1
    ) AS up ON true
),
-- Where nobody stands above, the desk itself is told once more, and then no more.
risen AS (
    UPDATE alerts AS a SET escalated_to = coalesce(u.organisation_id, a.escalated_to),
        escalations = a.escalations + 1, changed_at = :at, version = a.version + 1,
        escalate_at = CASE WHEN u.organisation_id IS NOT NULL THEN
            CASE a.severity WHEN 'violation' THEN :by_violation ELSE :by_warning END END
    FROM above AS u WHERE a.id = u.id
    RETURNING a.id, u.organisation_id
),
told AS (
    INSERT INTO alert_events (alert_id, at, kind, content)
    SELECT id, :at, 'escalated', jsonb_build_object('organisation', organisation_id) FROM risen ORDER BY id
)
SELECT id FROM risen
"""
