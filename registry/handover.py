"""What is open in somebody's name and goes to a successor when they leave: one list, to which new kinds of work add."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.reading import first

# Whose work is somebody's: their own, and what those left open whom they succeeded, and those before them.
_THEIRS: Final = """
WITH RECURSIVE theirs (id) AS (
    SELECT unnest(CAST(:accounts AS bigint[]))
    UNION SELECT left_by.id FROM successions AS left_by JOIN theirs ON left_by.successor_id = theirs.id
)
"""

# kind of work -> (how many are open of :leaving, what gives them to :successor; '' where another statement or the
# succession itself does)
OPEN_WORK: Final[dict[str, tuple[str, str]]] = {
    "proposals": (
        "SELECT count(*) AS number FROM proposals WHERE owner_id = :leaving AND state = 'open'",
        "UPDATE proposals SET owner_id = :successor, version = version + 1 "
        "WHERE owner_id = :leaving AND state = 'open'",
    ),
    # A first opinion is never rewritten: it is the successor's by the succession, who may undo it and not second it.
    "opinions": (
        f"{_THEIRS.replace(':accounts', 'ARRAY[:leaving]')} SELECT coalesce(sum(number), 0) AS number "
        "FROM waiting_opinions JOIN theirs ON theirs.id = waiting_opinions.account_id",
        "",
    ),
    "cases": (
        "SELECT cases AS number FROM open_case_work(:leaving)",
        "SELECT hand_over_case_work(:leaving, :successor)",
    ),
    # With the cases.
    "case_tasks": ("SELECT tasks AS number FROM open_case_work(:leaving)", ""),
}


async def open_work(session: AsyncSession, leaving: int) -> dict[str, int]:
    """How much of each kind is open in an account's name."""
    counts: dict[str, int] = {}
    for kind, (count, _move) in OPEN_WORK.items():
        row = await first(session, count, leaving=leaving)
        counts[kind] = int(row["number"]) if row else 0
    return counts


async def hand_over(session: AsyncSession, leaving: int, successor: int) -> None:
    """Give everything open to the successor."""
    connection = await session.connection()
    both = {"leaving": leaving, "successor": successor}
    for _count, move in OPEN_WORK.values():
        if move:
            await connection.execute(text(move), both)
    await connection.execute(text("UPDATE accounts SET successor_id = :successor WHERE id = :leaving"), both)


async def with_predecessors(session: AsyncSession, accounts: Iterable[int]) -> frozenset[int]:
    """These accounts and all whose open work came to them: what one of them drafted or said first is theirs."""
    found = await (await session.connection()).execute(
        text(f"{_THEIRS} SELECT id FROM theirs").bindparams(bindparam("accounts", sorted(accounts), ARRAY(BigInteger)))
    )
    return frozenset(found.scalars())
