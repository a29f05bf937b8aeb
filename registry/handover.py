"""What is open in somebody's name and goes to a successor when they leave: one list, to which new kinds of work add."""

from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.reading import first

# kind of work -> (how many are open of :leaving, what gives them to :successor)
OPEN_WORK: Final[dict[str, tuple[str, str]]] = {
    "proposals": (
        "SELECT count(*) AS number FROM proposals WHERE owner_id = :leaving AND state = 'open'",
        "UPDATE proposals SET owner_id = :successor, version = version + 1 "
        "WHERE owner_id = :leaving AND state = 'open'",
    ),
    "cases": (
        "SELECT count(*) AS number FROM cases WHERE owner_id = :leaving AND state = 'open'",
        "UPDATE cases SET owner_id = :successor, version = version + 1 WHERE owner_id = :leaving AND state = 'open'",
    ),
    "case_tasks": (
        "SELECT count(*) AS number FROM case_tasks WHERE assignee_id = :leaving AND state = 'open'",
        "UPDATE case_tasks SET assignee_id = :successor, version = version + 1 "
        "WHERE assignee_id = :leaving AND state = 'open'",
    ),
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
    for _count, move in OPEN_WORK.values():
        await (await session.connection()).execute(text(move), {"leaving": leaving, "successor": successor})
