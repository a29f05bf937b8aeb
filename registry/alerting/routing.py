"""Routing: which desk has the duty, by the duty holder of today, the lane and the region."""

import csv
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.flags import Succession, read_succession

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class StandIn:
    """Whose offices act for a holder that has none: a government, an enterprise; `level` 1: the province's office."""

    agency: str
    level: int | None
    reason: str


@lru_cache(maxsize=1)
def stand_ins() -> dict[str, StandIn]:
    """The stand-ins by holder, from stand_ins.csv."""
    with (_HERE / "stand_ins.csv").open(encoding="utf-8", newline="") as stream:
        return {
            row["holder"]: StandIn(row["agency"], int(row["level"]) if row["level"] else None, row["reason"])
            for row in csv.DictReader(stream)
        }


async def route(session: AsyncSession, keys: str, today: date, **binds: Any) -> None:
    """Fill the temporary table `routed` for the (holder, lane, region) that the SELECT `keys` gives."""
    connection = await session.connection()
    succession = await read_succession(session)
    await connection.exec_driver_sql("DROP TABLE IF EXISTS ways, offices, routed")
    await connection.execute(
        text(
            "CREATE TEMPORARY TABLE ways (holder text, lane text, region text, agency text, level integer) "
            "ON COMMIT DROP"
        )
    )
    await connection.execute(
        text(
            "CREATE TEMPORARY TABLE offices ON COMMIT DROP AS SELECT id, agency_id AS agency, lanes, region "
            "FROM organisations WHERE kind = 'agency' AND ended_at IS NULL"
        )
    )
    await connection.execute(text(f"INSERT INTO ways (holder, lane, region) {keys}"), binds)
    holders = (await connection.execute(text("SELECT DISTINCT holder FROM ways"))).scalars().all()
    agencies = (
        (await connection.execute(text("SELECT DISTINCT agency FROM offices WHERE agency IS NOT NULL"))).scalars().all()
    )
    for holder in holders:
        agency, level = _agency_of(holder, succession, today)
        await connection.execute(
            text("UPDATE ways SET agency = :agency, level = :level WHERE holder = :holder"),
            {"holder": holder, "agency": agency, "level": level},
        )
    for agency in agencies:
        # An office that still bears its former name has the duties of whoever took over.
        if (heir := succession.holder(agency, today)) != agency:
            await connection.execute(
                text("UPDATE offices SET agency = :heir WHERE agency = :agency"), {"heir": heir, "agency": agency}
            )
    await connection.exec_driver_sql((_HERE / "routing.sql").read_text(encoding="utf-8"))


def _agency_of(holder: str, succession: Succession, today: date) -> tuple[str, int | None]:
    found = stand_ins().get(holder)
    named, level = (found.agency, found.level) if found else (holder, None)
    return succession.holder(named, today), level
