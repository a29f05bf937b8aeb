"""Batches at work: answered piece by piece beside the requests; a look at an unfinished one sets it going again."""

import asyncio
from typing import Final

import structlog

from registry.database import engine, transaction
from registry.errors import ThreegatesError
from registry.gate.batches import run_batch
from registry.gate.signing import ensure_signing_key
from registry.viewers import GATEKEEPER, become

_WORKING: Final[dict[str, asyncio.Task[None]]] = {}


def set_going(address: str) -> None:
    """Work on a batch in this process unless it already does; a piece at a time is answered, whoever works on it."""
    if address not in _WORKING:
        task = asyncio.create_task(_run(address))
        _WORKING[address] = task
        task.add_done_callback(lambda _: _WORKING.pop(address, None))


async def _run(address: str) -> None:
    try:
        async with transaction() as session:
            await become(session, GATEKEEPER)
            key = await ensure_signing_key(session)
        async for _progress in run_batch(engine(), address, key):
            # Pages are answered between the pieces.
            await asyncio.sleep(0)
    except ThreegatesError as error:
        structlog.get_logger().error("a batch of gate checks stopped", reason=str(error))
    except Exception as error:
        # The class alone: a database's message may hold a row.
        structlog.get_logger().error("a batch of gate checks stopped", error=type(error).__name__)
