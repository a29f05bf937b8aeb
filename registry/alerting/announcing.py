"""Announcing alerts: one event for the desk of each, unless it is snoozed or silenced."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.history import Instant

# What is escalated is for whoever it went up to, and for the desk that has not acknowledged it.
_ANNOUNCE: Final = text(
    """
    INSERT INTO announcements (key, kind, at, subject_kind, subject, path, organisation_id, alert_id, rule, lane,
        severity, region)
    SELECT concat_ws(':', CAST(:kind AS text), a.id, a.episode, nullif(a.escalations, 0), told.desk,
            CASE WHEN CAST(:kind AS text) = 'alert.opened' THEN NULL ELSE a.version END),
        CAST(:kind AS text), :at, 'alert', a.id::text, concat('/alerts/', a.id), told.desk, a.id,
        a.rule, a.lane, a.severity, a.region
    FROM alerts AS a
    CROSS JOIN LATERAL (
        SELECT DISTINCT desk FROM (VALUES (a.organisation_id), (a.escalated_to)) AS told (desk) WHERE desk IS NOT NULL
    ) AS told
    WHERE a.id = ANY(:ids) AND a.silence_id IS NULL AND (a.snoozed_until IS NULL OR a.snoozed_until <= :at)
    ORDER BY a.id
    ON CONFLICT (key) DO NOTHING
    """
).bindparams(bindparam("ids", type_=ARRAY(BigInteger)), bindparam("at", type_=Instant))


async def announce_alerts(session: AsyncSession, kind: str, ids: Sequence[int], at: datetime) -> None:
    """Announce something of these alerts to their desks; by the jobs alone, which see every row."""
    if ids:
        await (await session.connection()).execute(_ANNOUNCE, {"kind": kind, "ids": list(ids), "at": at})
