"""When two regions match: equal, or one contains the other, successions included (RULES.md, Region)."""

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession


def contains(outer: str, inner: str) -> str:
    """A SQL condition that region `outer` equals or contains region `inner`; both are SQL expressions.

    Region codes that no table holds (typing errors, new codes) still lie in their city and province by their digits.
    """
    # Written out, since a regular expression takes ten times as long, and this is asked of every candidate of a record.
    own = f"left({outer}, CASE WHEN {outer} LIKE '%0000' THEN 2 WHEN {outer} LIKE '%00' THEN 4 ELSE 6 END)"
    return (
        f"(starts_with({inner}, {own}) "
        f"OR EXISTS (SELECT FROM region_within WHERE outer_code = {outer} AND inner_code = {inner}))"
    )


def match(one: str, other: str) -> str:
    """A SQL condition that two regions, given as SQL expressions, match; NULL where either is unknown."""
    return f"({contains(one, other)} OR {contains(other, one)})"


async def regions_match(session: AsyncSession, one: str, other: str) -> bool:
    """Whether two region codes match."""
    connection = await session.connection()
    statement = text(f"SELECT {match('CAST(:one AS text)', 'CAST(:other AS text)')}")
    return bool(await connection.scalar(statement, {"one": one, "other": other}))
