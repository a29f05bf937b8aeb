"""Raising alerts: what judging and people's decisions marked becomes alerts, each with its desk, and is announced.

Set-based and in one transaction with the settling of the marks: killed between two, nothing is lost; done twice,
nothing comes twice (an alert stands once a topic and rule, an announcement once a key).
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import dirty
from registry.alerting.announcing import announce_alerts
from registry.alerting.clocks import acknowledged_by
from registry.alerting.routing import route
from registry.alerting.spreading import Channels, spread
from registry.clock import civil_day
from registry.history import Instant
from registry.turns import take_turn

# So many findings a transaction: a nation's worth does not hold its marks for long.
AT_ONCE: Final = 500
_GROUPING: Final = (Path(__file__).parent / "grouping.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Raised:
    """What one pass did: marks claimed; alerts opened, raised to a violation and closed; deliveries written."""

    claimed: int = 0
    opened: int = 0
    raised: int = 0
    closed: int = 0
    deliveries: int = 0


async def raise_alerts(
    session: AsyncSession, at: datetime, channels: Channels, *, limit: int = AT_ONCE, lane: dirty.Lane | None = None
) -> Raised:
    """Bring the alerts up to date with the marked findings and write who is to be told; call until none is claimed."""
    claims = await dirty.claim(session, "alert", limit=limit, lane=lane)
    if not claims:
        return Raised()
    connection = await session.connection()
    versions = [claim.id for claim in claims]
    await _group(connection, versions)
    # Two who raise of the same topic would both open an alert, or one would write what it read before the other.
    await take_turn(connection, "alerts", list((await connection.execute(text(_TOPICS))).scalars()))
    await _group(connection, versions)
    opened = await _open(connection, at)
    await _gather(connection, at)
    raised, closed = await _restate(connection, at)
    if opened:
        await _give_desks(session, connection, at)
    await announce_alerts(session, "alert.opened", opened, at)
    await announce_alerts(session, "alert.raised", raised, at)
    deliveries = await spread(session, at, channels)
    await dirty.settle(session, "alert", claims)
    return Raised(len(claims), len(opened), len(raised), len(closed), deliveries)


async def _group(connection: AsyncConnection, versions: list[int]) -> None:
    await connection.exec_driver_sql("DROP TABLE IF EXISTS telling, touched")
    await connection.execute(
        text(_GROUPING).bindparams(bindparam("versions", type_=ARRAY(BigInteger))), {"versions": versions}
    )


def _at(sql: str) -> TextClause:
    return text(sql).bindparams(bindparam("at", type_=Instant)) if ":at" in sql else text(sql)


async def _run(connection: AsyncConnection, sql: str, at: datetime, **binds: Any) -> Any:
    return await connection.execute(_at(sql), {**({"at": at} if ":at" in sql else {}), **binds})


async def _open(connection: AsyncConnection, at: datetime) -> list[int]:
    """An alert for each topic and rule that holds and has none standing; returns their numbers."""
    found = await _run(connection, _OPEN, at)
    opened = list(found.scalars())
    if opened:
        await connection.execute(
            text(_EVENT).bindparams(bindparam("ids", type_=ARRAY(BigInteger)), bindparam("at", type_=Instant)),
            {"ids": opened, "at": at, "kind": "opened"},
        )
    return opened


async def _gather(connection: AsyncConnection, at: datetime) -> None:
    """Each finding into the alert that stands for its topic and rule; what no longer holds is said to."""
    await connection.exec_driver_sql(_TOUCHED)
    await _run(connection, _JOIN, at)
    await _run(connection, _NO_LONGER, at)


async def _restate(connection: AsyncConnection, at: datetime) -> tuple[list[int], list[int]]:
    """Counts, severity and state by the findings; returns what was raised to a violation, and what is closed."""
    found = (await _run(connection, _RESTATE, at)).all()
    raised = [row.id for row in found if row.raised]
    closed = [row.id for row in found if row.closed]
    for kind, ids in (("raised", raised), ("closed", closed)):
        if ids:
            await connection.execute(
                text(_EVENT).bindparams(bindparam("ids", type_=ARRAY(BigInteger)), bindparam("at", type_=Instant)),
                {"ids": ids, "at": at, "kind": kind},
            )
    return raised, closed


async def _give_desks(session: AsyncSession, connection: AsyncConnection, at: datetime) -> None:
    today = civil_day(at)
    await route(session, _KEYS_OF_NEW, today)
    by = {f"by_{severity}": day for severity, day in acknowledged_by(at).items()}
    binds = [bindparam(name, type_=Instant) for name in by]
    await connection.execute(text(_DESKS).bindparams(*binds), by)


# What is told of, and what it belonged to before.
_TOPICS: Final = """
SELECT topic FROM telling
UNION
SELECT a.topic FROM alert_findings AS g JOIN telling AS t ON t.fingerprint = g.fingerprint
JOIN alerts AS a ON a.id = g.alert_id
"""
_EVENT: Final = (
    "INSERT INTO alert_events (alert_id, at, kind, reason) "
    "SELECT id, :at, CAST(:kind AS text), CASE WHEN CAST(:kind AS text) = 'closed' THEN closed_reason ELSE '' END "
    "FROM alerts WHERE id = ANY(:ids) ORDER BY id"
)

_OPEN: Final = """
INSERT INTO alerts (topic, rule, episode, lane, severity, project_id, suspected_id, enterprise_id, sector, region,
    duty_holder, opened_at, changed_at, silence_id)
SELECT DISTINCT ON (t.topic, t.rule) t.topic, t.rule,
    1 + coalesce((SELECT max(past.episode) FROM alerts AS past WHERE past.topic = t.topic AND past.rule = t.rule), 0),
    t.lane, t.severity, t.project_id, t.suspected_id,
    -- A borrower need not be the project's owner: of a project it alone is named.
    CASE WHEN t.project_id IS NULL AND t.suspected_id IS NULL THEN t.enterprise_id END,
    t.sector, t.region, t.duty_holder, :at, :at,
    (SELECT s.id FROM alert_silences AS s WHERE s.topic = t.topic AND s.rule = t.rule AND s.lifted_at IS NULL
        AND s.ends_at > :at ORDER BY s.ends_at DESC LIMIT 1)
FROM telling AS t
WHERE t.holds AND NOT EXISTS (
    SELECT FROM alerts AS there WHERE there.topic = t.topic AND there.rule = t.rule AND there.state <> 'closed'
)
ORDER BY t.topic, t.rule, t.severity <> 'violation', t.fingerprint
RETURNING id
"""

# Alerts whose numbers change: of the findings told of, where they were and where they are.
_TOUCHED: Final = """
CREATE TEMPORARY TABLE touched ON COMMIT DROP AS
SELECT DISTINCT g.alert_id AS id FROM alert_findings AS g
JOIN telling AS t ON t.fingerprint = g.fingerprint
UNION
SELECT a.id FROM alerts AS a
JOIN telling AS t ON t.topic = a.topic AND t.rule = a.rule AND t.holds WHERE a.state <> 'closed'
"""
_JOIN: Final = """
INSERT INTO alert_findings (fingerprint, episode, alert_id, severity, holds, added_at)
SELECT t.fingerprint, t.episode, a.id, t.severity, true, :at
FROM telling AS t JOIN alerts AS a ON a.topic = t.topic AND a.rule = t.rule AND a.state <> 'closed'
WHERE t.holds
ON CONFLICT (fingerprint, episode) DO UPDATE SET alert_id = excluded.alert_id, severity = excluded.severity,
    holds = true, added_at = CASE WHEN alert_findings.alert_id = excluded.alert_id THEN alert_findings.added_at
    ELSE excluded.added_at END
"""
_NO_LONGER: Final = """
UPDATE alert_findings AS g SET holds = false FROM telling AS t
WHERE g.fingerprint = t.fingerprint AND g.holds AND (g.episode < t.episode OR NOT t.holds)
"""
# Of a case the case says when it ends; a synthetic finding marks its alert.
_RESTATE: Final = """
UPDATE alerts AS a SET
    findings_open = n.held, findings_total = n.total,
    severity = CASE WHEN n.held = 0 THEN a.severity WHEN n.violations > 0 THEN 'violation' ELSE 'warning' END,
    synthetic = n.synthetic, changed_at = :at, version = a.version + 1,
    state = CASE WHEN n.held = 0 AND a.state IN ('open', 'acknowledged') THEN 'closed' ELSE a.state END,
    closed_at = CASE WHEN n.held = 0 AND a.state IN ('open', 'acknowledged') THEN :at ELSE a.closed_at END,
    escalate_at = CASE WHEN n.held > 0 THEN a.escalate_at END,
    closed_reason = CASE WHEN n.held > 0 OR a.state NOT IN ('open', 'acknowledged') THEN a.closed_reason
        WHEN n.total = 0 THEN 'moved' WHEN n.dismissed THEN 'dismissed' ELSE 'findings-closed' END
FROM (
    SELECT u.id, old.severity AS was, old.findings_open AS had, old.state AS stood,
        count(g.fingerprint) FILTER (WHERE g.holds) AS held, count(g.fingerprint) AS total,
        count(g.fingerprint) FILTER (WHERE g.holds AND g.severity = 'violation') AS violations,
        coalesce(bool_or(f.synthetic), false) AS synthetic,
        coalesce(bool_or(NOT g.holds AND f.state = 'open' AND f.episode = g.episode), false) AS dismissed
    FROM touched AS u JOIN alerts AS old ON old.id = u.id AND old.state <> 'closed'
    LEFT JOIN alert_findings AS g ON g.alert_id = u.id
    LEFT JOIN findings AS f ON f.fingerprint = g.fingerprint AND f.known_to = 'infinity'
    GROUP BY u.id, old.severity, old.findings_open, old.state
) AS n
WHERE a.id = n.id AND (a.findings_open, a.findings_total, a.severity, a.synthetic) IS DISTINCT FROM (
    n.held::integer, n.total::integer,
    CASE WHEN n.held = 0 THEN a.severity WHEN n.violations > 0 THEN 'violation' ELSE 'warning' END, n.synthetic)
RETURNING a.id, n.had > 0 AND n.was = 'warning' AND a.severity = 'violation' AS raised,
    a.state = 'closed' AS closed
"""

_KEYS_OF_NEW: Final = "SELECT DISTINCT duty_holder, lane, region FROM alerts WHERE routed_by = '' AND state <> 'closed'"
_DESKS: Final = """
UPDATE alerts AS a SET organisation_id = r.organisation_id, routed_by = r.routed_by,
    escalate_at = CASE WHEN r.organisation_id IS NOT NULL AND a.silence_id IS NULL THEN
        CASE a.severity WHEN 'violation' THEN :by_violation ELSE :by_warning END END
FROM routed AS r
WHERE a.routed_by = '' AND a.state <> 'closed' AND r.holder = a.duty_holder AND r.lane = a.lane
  AND r.region IS NOT DISTINCT FROM a.region
"""
