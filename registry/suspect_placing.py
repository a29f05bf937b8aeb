"""Putting records into suspected projects and taking them out again, by a person's word."""

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.acts import OVERCAPACITY_SECTORS
from registry.database import json_text
from registry.errors import BadInput, Conflict, NotFound
from registry.reading import LARGEST_NUMBER, Row, first, rows
from registry.suspect_summaries import summarise_suspects


async def suspected_version(session: AsyncSession, suspected_id: int) -> Row:
    """The present version of a suspected project that the viewer may see, held for change; raises NotFound."""
    found = (
        None
        if suspected_id > LARGEST_NUMBER
        else await first(
            session,
            "SELECT * FROM suspected_versions WHERE suspected_id = :id AND known_to = 'infinity' FOR UPDATE",
            id=suspected_id,
        )
    )
    if found is None:
        raise NotFound("There is no such suspected project.", where="suspected project")
    return found


async def open_suspected(session: AsyncSession, sector: str, actor: str, reason: str, at: datetime) -> int:
    """A new suspected project of a sector without records yet; returns its number."""
    row = await first(session, "INSERT INTO suspected_projects (created_at) VALUES (:at) RETURNING id", at=at)
    assert row is not None  # noqa: S101  # RETURNING gives the one row
    await (await session.connection()).execute(
        text(
            "INSERT INTO suspected_versions (suspected_id, sector, decided_by, reason, known_from) "
            "VALUES (:id, :sector, :actor, :reason, :at)"
        ),
        {"id": row["id"], "sector": sector, "actor": actor, "reason": reason, "at": at},
    )
    return int(row["id"])


async def place_record(
    session: AsyncSession, record_id: int, suspected_id: int, actor: str, evidence: dict[str, Any], at: datetime
) -> None:
    """Make a record part of an open suspected project, taking it out of any other; a person's word outlasts linking."""
    version = await suspected_version(session, suspected_id)
    if version["state"] not in ("open", "empty"):
        raise Conflict(
            "This suspected project is closed.",
            where=f"suspected project {suspected_id}",
            remedy="Choose an open one, or make a new one.",
        )
    left = await take_out(session, record_id, at, summarise=False)
    await (await session.connection()).execute(
        text(
            "INSERT INTO suspected_members (suspected_id, record_id, evidence, decided_by, known_from) "
            "VALUES (:suspected, :record, CAST(CAST(:evidence AS text) AS jsonb), :actor, :at)"
        ),
        {
            "suspected": suspected_id,
            "record": record_id,
            "evidence": json_text(evidence),
            "actor": actor,
            "at": at,
        },
    )
    await summarise_suspects(session, [suspected_id, *left], at)


async def take_out(session: AsyncSession, record_id: int, at: datetime, *, summarise: bool = True) -> list[int]:
    """End a record's part in suspected projects; returns the numbers of those it was in."""
    found = await (await session.connection()).execute(
        text(
            "UPDATE suspected_members SET known_to = greatest(:at, known_from) "
            "WHERE record_id = :record AND known_to = 'infinity' RETURNING suspected_id"
        ),
        {"record": record_id, "at": at},
    )
    left = list(found.scalars())
    if summarise:
        await summarise_suspects(session, left, at)
    return left


async def suspected_of(session: AsyncSession, record_id: int) -> int | None:
    """The open suspected project that a record is part of."""
    found = await rows(
        session,
        "SELECT suspected_id FROM suspected_members WHERE record_id = :record AND known_to = 'infinity'",
        record=record_id,
    )
    return int(found[0]["suspected_id"]) if found else None


def check_sector(sector: str | None) -> str:
    """The sector of a new suspected project; raises BadInput where nothing says it."""
    if sector not in OVERCAPACITY_SECTORS:
        raise BadInput(
            "A suspected project needs its sector.", where="sector", remedy="Choose what the record shows is built."
        )
    return sector
