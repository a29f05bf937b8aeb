"""Public notices for reading: the list and one notice with the units and companies it names."""

from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.errors import NotFound
from registry.project_file import SourceLine, sources_of
from registry.reading import UNDATED, day_of_cursor, number_of_cursor, read_cursor, rows, write_cursor


class NoticeSummary(BaseModel):
    """One notice in a list."""

    id: int
    reference: str
    kind: str
    sector: str
    lane: str | None
    violation_type: str
    on_date: date | None
    date_text: str
    issuer: str
    title: str
    url: str
    unverified: bool
    needs_review: str
    source_id: str


class ItemLine(BaseModel):
    """One unit or company that a notice names."""

    role: str
    enterprise_name: str
    enterprise_id: int | None
    place: str
    equipment: str
    size: Decimal | None
    size_unit: str
    count: int | None
    capacity: Decimal | None
    capacity_unit: str
    ratio: str
    note: str


class NoticeFile(NoticeSummary):
    """One notice with its items and its source."""

    items: list[ItemLine]
    sources: list[SourceLine]


class NoticePage(BaseModel):
    """One page of a list and the cursor of the next."""

    items: list[NoticeSummary]
    total: int
    next_cursor: str | None = None


async def notice_kinds(session: AsyncSession) -> list[str]:
    """The kinds of notices that the register holds."""
    return [row["kind"] for row in await rows(session, "SELECT DISTINCT kind FROM notices ORDER BY kind")]


async def list_notices(
    session: AsyncSession, *, kind: str | None = None, sector: str | None = None, cursor: str = "", limit: int = 25
) -> NoticePage:
    """Notices, newest first; undated ones last."""
    asked = {"kind": kind, "sector": sector}
    binds: dict[str, Any] = {name: value for name, value in asked.items() if value}
    where = " AND ".join(["true", *(f"{name} = :{name}" for name in binds)])
    total = await rows(session, f"SELECT count(*) AS total FROM notices WHERE {where}", **binds)
    if cursor:
        day, number = read_cursor(cursor, 2)
        where += f" AND (coalesce(on_date, date '{UNDATED}'), id) < (:day, :number)"
        binds |= {"day": day_of_cursor(day), "number": number_of_cursor(number)}
    found = await rows(
        session,
        f"""
        SELECT *, coalesce(on_date, date '{UNDATED}') AS sorted_by FROM notices WHERE {where}
        ORDER BY sorted_by DESC, id DESC LIMIT {int(limit) + 1}
        """,
        **binds,
    )
    more = len(found) > limit
    found = found[:limit]
    return NoticePage(
        items=[NoticeSummary(**row) for row in found],
        total=int(total[0]["total"]),
        next_cursor=write_cursor(found[-1]["sorted_by"].isoformat(), found[-1]["id"]) if more else None,
    )


async def notice_file(session: AsyncSession, notice_id: int) -> NoticeFile:
    """One notice, or NotFound."""
    found = await rows(session, "SELECT * FROM notices WHERE id = :id", id=notice_id)
    if not found:
        raise NotFound("There is no such notice.", where="notice")
    items = await rows(session, "SELECT * FROM notice_items WHERE notice_id = :id ORDER BY role, id", id=notice_id)
    return NoticeFile(
        **found[0],
        items=[ItemLine(**row) for row in items],
        sources=await sources_of(session, {found[0]["source_id"]}),
    )
