"""The queue in PostgreSQL that wakes workers: jobs named after verbs, each at most once in the queue."""

from typing import Final

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.queries import Queries

from registry.errors import Unavailable
from registry.row_policies import Policy
from registry.row_security import policy_statements
from registry.viewers import JOBS_ROLE

# sync carries the number of its run; the others work on marks, so that one in the queue is as good as many.
JOBS: Final = (
    "sync",
    "link",
    "judge",
    "alert",
    "deliver",
    "let_pass",
    "index",
    "judge_nation",
    "obligations",
    "backtest",
    "verify",
    "seal",
    "anchor",
    "audit_verify",
    "publish",
    "tidy",
)

# Tells every worker at once what there is to do. A job that a worker is just ending is still in the queue, which takes
# no second one: without this, what came in that moment would wait until the scheduler looks again.
WOKEN: Final = "threegates_woken"

_INSTALLING: Final = "threegates queue"


async def install_queue(connection: asyncpg.Connection) -> None:
    """Create the queue's tables where they are missing, as their owner; safe when several do so at once."""
    queries = Queries(AsyncpgDriver(connection))
    await connection.execute("SELECT pg_advisory_lock(hashtext($1))", _INSTALLING)
    try:
        if not await queries.schema_is_installed():
            await queries.install()
        await _shut_to_the_portal(connection)
    finally:
        await connection.execute("SELECT pg_advisory_unlock(hashtext($1))", _INSTALLING)


async def _shut_to_the_portal(connection: asyncpg.Connection) -> None:
    """Put the queue's tables under row-level security as every table is: nobody but the jobs reads or changes them."""
    # Only what is not so yet: an ALTER would wait for every worker that is at its queue.
    open_tables = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
        "AND relname LIKE 'pgqueuer%' AND NOT (relrowsecurity AND relforcerowsecurity)"
    )
    for row in open_tables:
        async with connection.transaction():
            for statement in policy_statements(row["relname"], Policy()):
                await connection.execute(statement)
            await connection.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {JOBS_ROLE}")


async def require_queue(connection: asyncpg.Connection) -> None:
    """Raise Unavailable where the queue is not there: who works from it may not make it."""
    if await connection.fetchval("SELECT to_regclass('pgqueuer') IS NULL"):
        raise Unavailable(
            "The database does not hold the jobs' queue.",
            remedy="Start everything with `threegates up`, or run `threegates migrate`.",
        )


async def wake(connection: asyncpg.Connection, job: str, run_id: int | None = None) -> None:
    """Put a job into the queue unless it waits there already; in the connection's transaction, if it has one."""
    key = job if run_id is None else f"{job} {run_id}"
    payload = None if run_id is None else str(run_id).encode()
    await Queries(AsyncpgDriver(connection)).enqueue(job, payload, dedupe_key=key, on_conflict="skip")
    await tell(connection, job)


async def tell(connection: asyncpg.Connection, job: str) -> None:
    """Let every worker know that there is something to do, when the connection's transaction commits."""
    await connection.execute("SELECT pg_notify($1, $2)", WOKEN, job)
