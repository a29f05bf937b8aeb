"""The queue in PostgreSQL that wakes workers: jobs named after verbs, each at most once in the queue."""

from typing import Final

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.queries import Queries

# sync carries the number of its run; the others work on marks, so that one in the queue is as good as many.
JOBS: Final = (
    "sync",
    "link",
    "judge",
    "index",
    "judge_nation",
    "obligations",
    "backtest",
    "verify",
    "seal",
    "anchor",
    "audit_verify",
)

_INSTALLING: Final = "threegates queue"


async def install_queue(connection: asyncpg.Connection) -> None:
    """Create the queue's tables where they are missing; safe when several processes start at once."""
    queries = Queries(AsyncpgDriver(connection))
    await connection.execute("SELECT pg_advisory_lock(hashtext($1))", _INSTALLING)
    try:
        if not await queries.schema_is_installed():
            await queries.install()
    finally:
        await connection.execute("SELECT pg_advisory_unlock(hashtext($1))", _INSTALLING)


async def wake(connection: asyncpg.Connection, job: str, run_id: int | None = None) -> None:
    """Put a job into the queue unless it waits there already; in the connection's transaction, if it has one."""
    key = job if run_id is None else f"{job} {run_id}"
    payload = None if run_id is None else str(run_id).encode()
    await Queries(AsyncpgDriver(connection)).enqueue(job, payload, dedupe_key=key, on_conflict="skip")
