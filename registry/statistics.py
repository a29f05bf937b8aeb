"""The planner's statistics, refreshed before a big judging: right after a first load it would plan for empty tables."""

from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

# Below this many changes the plan does not matter.
WORTH_A_LOOK: Final = 500

_GROWN: Final = """
SELECT c.relname
FROM pg_class AS c
JOIN pg_stat_user_tables AS s ON s.relid = c.oid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND pg_table_is_visible(c.oid)
  AND has_table_privilege(c.oid, 'MAINTAIN')
  AND (c.reltuples < 0 OR s.n_mod_since_analyze > :worth + 0.1 * s.n_live_tup)
ORDER BY c.relname
"""


async def refresh(session: AsyncSession, changes: int) -> None:
    """Analyse the tables that grew by a tenth since they were last analysed; nothing for a handful of changes.

    Autovacuum does the same within a minute or so, but a first load of a nation is judged seconds after it was
    stored, and a plan made for empty tables then takes hours instead of seconds.
    """
    if changes < WORTH_A_LOOK:
        return
    connection = await session.connection()
    grown = (await connection.execute(text(_GROWN), {"worth": WORTH_A_LOOK})).scalars().all()
    await look_at(session, *grown)


async def look_at(session: AsyncSession, *tables: str) -> None:
    """Analyse these tables as this transaction sees them."""
    connection = await session.connection()
    for table in tables:
        # Whoever is at it already does it for us: its lock lasts as long as its transaction.
        await connection.execute(text(f'ANALYZE (SKIP_LOCKED) "{table}"'))
