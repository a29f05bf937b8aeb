"""The sources for reading: real ones first, a page at a time."""

from typing import Any

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.project_file import SourceLine
from registry.reading import BadCursor, read_cursor, rows, write_cursor


class SourcePage(BaseModel):
    """One page of the sources and the cursor of the next."""

    items: list[SourceLine]
    total: int
    next_cursor: str | None = None


async def list_sources(session: AsyncSession, *, cursor: str = "", limit: int = 50) -> SourcePage:
    """The sources, real ones before synthetic ones, verified ones before the others."""
    total = await rows(session, "SELECT count(*) AS total FROM sources")
    binds: dict[str, Any] = {"limit": limit + 1}
    where = "true"
    if cursor:
        synthetic, unverified, last = read_cursor(cursor, 3)
        if not (isinstance(synthetic, bool) and isinstance(unverified, bool) and isinstance(last, str)):
            raise BadCursor
        where = "(synthetic, unverified, id) > (:synthetic, :unverified, :last)"
        binds |= {"synthetic": synthetic, "unverified": unverified, "last": last}
    found = await rows(
        session, f"SELECT * FROM sources WHERE {where} ORDER BY synthetic, unverified, id LIMIT :limit", **binds
    )
    items = [SourceLine(**row) for row in found[:limit]]
    end = items[-1] if len(found) > limit else None
    return SourcePage(
        items=items,
        total=int(total[0]["total"]),
        next_cursor=write_cursor(end.synthetic, end.unverified, end.id) if end else None,
    )
