"""What is open in somebody's name and goes to a successor when they leave: one list, to which new kinds of work add."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.reading import first
from registry.viewers import HANDOVER, lending

# Whose work is somebody's: their own, and what those left open whom they succeeded, and those before them.
_THEIRS: Final = """
WITH RECURSIVE theirs (id) AS (
    SELECT unnest(CAST(:accounts AS bigint[]))
    UNION SELECT left_by.id FROM successions AS left_by JOIN theirs ON left_by.successor_id = theirs.id
)
"""


def _owned(table: str, owner: str = "owner_id") -> tuple[str, str]:
    """Rows that are open and name their owner; whoever reads one to change it must name its version."""
    which = f"WHERE {owner} = :leaving AND state = 'open'"
    change = f"UPDATE {table} SET {owner} = :successor, version = version + 1 {which}"
    return f"SELECT count(*) AS number FROM {table} {which}", change


# kind of work, a table where it has one -> (how many are open of :leaving, what gives them to :successor; '' where
# the succession itself does)
OPEN_WORK: Final[dict[str, tuple[str, str]]] = {
    "proposals": _owned("proposals"),
    "alerts": _owned("alerts"),
    # A first opinion is never rewritten: it is the successor's by the succession, who may undo it and not second it.
    "opinions": (
        f"{_THEIRS.replace(':accounts', 'ARRAY[:leaving]')} SELECT coalesce(sum(number), 0) AS number "
        "FROM waiting_opinions JOIN theirs ON theirs.id = waiting_opinions.account_id",
        "",
    ),
    "cases": _owned("cases"),
    "case_tasks": _owned("case_tasks", "assignee_id"),
}

# What names its holder and is nobody else's: a desk's key opens by its holder's passphrase alone (tips.desk_keys).
ENDS_WITH_THEM: Final = frozenset({"tip_desk_keys"})


# Whoever ends an account reads none of these: they are counted and moved as the register itself.
_LENT: Final = frozenset({"alerts", "cases", "case_tasks"})


def _seeing(session: AsyncSession, kind: str) -> AbstractAsyncContextManager[None]:
    return lending(session, HANDOVER) if kind in _LENT else nullcontext()


async def open_work(session: AsyncSession, leaving: int) -> dict[str, int]:
    """How much of each kind is open in an account's name."""
    counts: dict[str, int] = {}
    for kind, (count, _move) in OPEN_WORK.items():
        async with _seeing(session, kind):
            row = await first(session, count, leaving=leaving)
        counts[kind] = int(row["number"]) if row else 0
    return counts


async def hand_over(session: AsyncSession, leaving: int, successor: int) -> None:
    """Give everything open to the successor."""
    connection = await session.connection()
    both = {"leaving": leaving, "successor": successor}
    for kind, (_count, move) in OPEN_WORK.items():
        if move:
            async with _seeing(session, kind):
                await connection.execute(text(move), both)
    await connection.execute(text("UPDATE accounts SET successor_id = :successor WHERE id = :leaving"), both)


async def with_predecessors(session: AsyncSession, accounts: Iterable[int]) -> frozenset[int]:
    """These accounts and all whose open work came to them: what one of them drafted or said first is theirs."""
    found = await (await session.connection()).execute(
        text(f"{_THEIRS} SELECT id FROM theirs").bindparams(bindparam("accounts", sorted(accounts), ARRAY(BigInteger)))
    )
    return frozenset(found.scalars())
