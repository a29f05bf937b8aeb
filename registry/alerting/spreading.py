"""Spreading: from what was announced to one delivery a recipient and channel, as each person wants to be told."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.clocks import next_digest
from registry.alerting.kinds import KINDS
from registry.clock import civil_day
from registry.database import json_text
from registry.history import Instant
from registry.roles import OF_ROLE

_SPREAD: Final = (Path(__file__).parent / "spreading.sql").read_text(encoding="utf-8")
_WAITING: Final = "SELECT id FROM announcements WHERE spread_at IS NULL ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED"
AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Channels:
    """Which channels this installation has: without a mail server nobody is written a mail."""

    mail: bool = False


async def spread(session: AsyncSession, at: datetime, channels: Channels, *, limit: int = AT_ONCE) -> int:
    """Write the deliveries of what was announced and is not spread yet; returns how many."""
    connection = await session.connection()
    ids = list((await connection.execute(text(_WAITING), {"limit": limit})).scalars())
    if not ids:
        return 0
    moments = ("at", "hourly", "daily")
    written = await connection.execute(
        text(_SPREAD).bindparams(
            bindparam("ids", type_=ARRAY(BigInteger)), *(bindparam(name, type_=Instant) for name in moments)
        ),
        {
            "ids": ids,
            "today": civil_day(at),
            "at": at,
            "hourly": next_digest(at, "hourly"),
            "daily": next_digest(at, "daily"),
            "mail": channels.mail,
            "kinds": json_text(_kinds()),
        },
    )
    await connection.execute(
        text("UPDATE announcements SET spread_at = :at WHERE id = ANY(:ids)").bindparams(
            bindparam("ids", type_=ARRAY(BigInteger)), bindparam("at", type_=Instant)
        ),
        {"ids": ids, "at": at},
    )
    return written.rowcount


def _kinds() -> list[dict[str, object]]:
    return [
        {
            "kind": name,
            "urgent": kind.urgent,
            "roles": [role for role, granted in OF_ROLE.items() if kind.permission in granted],
        }
        for name, kind in KINDS.items()
    ]
