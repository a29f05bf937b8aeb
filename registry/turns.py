"""Taking turns: who works on the same projects or alerts does so one after the other, everybody else side by side.

Advisory locks that end with the transaction. Whoever gets one reads after the one before has committed, so that nobody
overwrites with what he read earlier.
"""

from collections.abc import Collection
from typing import Final

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

# A batch takes at most a quarter of what the server has room for; one that touches more is at it alone.
_ROOM: Final = text(
    "SELECT current_setting('max_locks_per_transaction')::int * current_setting('max_connections')::int / 4"
)
_ALONE: Final = text("SELECT pg_advisory_xact_lock(hashtext(:work), hashtext('all of it'))")
_BESIDE: Final = text("SELECT pg_advisory_xact_lock_shared(hashtext(:work), hashtext('all of it'))")
# In one order everywhere: two who want the same wait for each other and never in a circle.
_EACH: Final = text(
    "SELECT count(pg_advisory_xact_lock(hashtext(:work), one)) "
    "FROM (SELECT DISTINCT hashtext(topic) AS one FROM unnest(:topics) AS topic ORDER BY one) AS ordered"
).bindparams(bindparam("topics", type_=ARRAY(Text)))


async def take_turn(connection: AsyncConnection, work: str, topics: Collection[str] | None = None) -> None:
    """Wait until nobody else is at this work on any of these topics; None waits for all who are at it, and bars them.

    No topics at all is to be at it beside everybody but those. Take it before reading what is to be written.
    """
    if topics is None or (topics and len(topics) > (await connection.scalar(_ROOM) or 0)):
        await connection.execute(_ALONE, {"work": work})
        return
    await connection.execute(_BESIDE, {"work": work})
    if topics:
        await connection.execute(_EACH, {"work": work, "topics": list(topics)})
