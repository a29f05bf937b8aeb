"""The way to PostgreSQL: one engine a process, one transaction a task."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

import asyncpg
import orjson
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.errors import Unavailable
from registry.settings import settings

UNDEFINED_TABLE = "42P01"


def make_engine(dsn: str, *, pool_size: int = 5) -> AsyncEngine:
    """An engine for an address `postgresql://…`; JSON goes through orjson (Decimal and date included as text)."""

    async def connect() -> asyncpg.Connection:
        # The driver reads the address itself: it knows sslmode and sslrootcert, which SQLAlchemy does not pass on.
        settings_of_session = {"timezone": "UTC", "application_name": "threegates"}
        return await asyncpg.connect(dsn, server_settings=settings_of_session)

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=pool_size,
        max_overflow=10,
        pool_pre_ping=True,
        hide_parameters=True,
        json_serializer=json_text,
        json_deserializer=orjson.loads,
    )


def json_text(value: Any) -> str:
    """JSON as stored: decimals as exact strings, dates in ISO form, keys sorted so that equal means equal bytes."""
    return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS).decode()


@lru_cache(maxsize=1)
def engine() -> AsyncEngine:
    """The engine of this process, at THREEGATES_DATABASE_URL."""
    return make_engine(settings().database_dsn())


@asynccontextmanager
async def transaction(on: AsyncEngine | None = None) -> AsyncIterator[AsyncSession]:
    """One task, one transaction: commits when the block ends well, rolls back when it raises.

    This is the only place of the project that commits.
    """
    try:
        async with AsyncSession(on or engine(), expire_on_commit=False) as session, session.begin():
            yield session
    except (OSError, asyncpg.CannotConnectNowError, asyncpg.InvalidCatalogNameError) as error:
        raise Unavailable(
            "PostgreSQL does not answer.",
            remedy="See `threegates doctor`; start everything with `threegates up`.",
        ) from error
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") != UNDEFINED_TABLE:
            raise
        raise Unavailable(
            "The database does not hold the register, or an older one.",
            remedy="Start everything with `threegates up`, or run `python -m registry.migrations`.",
        ) from error


async def driver(session: AsyncSession) -> asyncpg.Connection:
    """The asyncpg connection under a session, for COPY; it takes part in the session's transaction."""
    through = await session.connection()
    raw = await through.get_raw_connection()
    connection = raw.driver_connection
    assert connection is not None  # noqa: S101  # a connection in a transaction has a driver
    if not connection.is_in_transaction():
        # SQLAlchemy begins with the first statement that goes through it: without one, each of ours would commit alone.
        await through.exec_driver_sql("SELECT 1")
    return connection
