"""Linking everything that waits, batch by batch, each in a transaction of its own."""

import asyncio
import math
from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from registry import clock, dirty
from registry.database import transaction
from registry.linking import BATCH, Linked, link_changed

# While one batch reckons in this process, PostgreSQL makes the tables of the other.
SIDE_BY_SIDE: Final = 2
# What is less than a batch for each is shared out; below this a batch's own cost shows.
LEAST: Final = 3_000


async def link_waiting(
    engine: AsyncEngine,
    told: Callable[[Linked], None],
    *,
    now: Callable[[], datetime] = clock.now,
    limit: int | None = None,
    side_by_side: int = SIDE_BY_SIDE,
    lane: dirty.Lane | None = None,
    stopping: asyncio.Event | None = None,
) -> None:
    """Link until no mark is left or `stopping` is set; `told` hears of each batch when it is committed."""
    if limit is None:
        async with transaction(engine) as session:
            waiting = await dirty.how_many(session, "link", most=side_by_side * BATCH)
        limit = max(LEAST, math.ceil(waiting / side_by_side))

    async def batches() -> None:
        while stopping is None or not stopping.is_set():
            async with transaction(engine) as session:
                done = await link_changed(session, now(), limit=limit, lane=lane)
            if not done.claimed:
                return
            told(done)

    rows = [asyncio.create_task(batches()) for _ in range(side_by_side)]
    try:
        await asyncio.gather(*rows)
    finally:
        # Where one fails the others end too; what they had not committed is still marked.
        for row in rows:
            row.cancel()
        await asyncio.gather(*rows, return_exceptions=True)
