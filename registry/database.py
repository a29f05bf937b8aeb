"""The way to PostgreSQL: one engine a process, one transaction a task."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
import orjson
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.errors import BadSetting, NotAllowed, ThreegatesError, Unavailable
from registry.settings import settings

UNDEFINED_TABLE = "42P01"
# What the policies of rows answer to a change they do not allow.
INSUFFICIENT_PRIVILEGE = "42501"


SETTINGS_OF_SESSION: Final = {"timezone": "UTC", "application_name": "threegates"}


async def connect(dsn: str) -> asyncpg.Connection:
    """A connection of the driver; a failure says in words what is wrong and what to do."""
    # The driver reads the address itself: it knows sslmode and sslrootcert, which SQLAlchemy does not pass on.
    try:
        return await asyncpg.connect(dsn, server_settings=SETTINGS_OF_SESSION)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise _cannot_connect(error, dsn) from error


def _cannot_connect(error: Exception, dsn: str) -> ThreegatesError:
    variable = "THREEGATES_DATABASE_URL"
    name = urlsplit(dsn).path.lstrip("/")
    if isinstance(error, asyncpg.InvalidPasswordError | asyncpg.InvalidAuthorizationSpecificationError):
        return BadSetting(
            "PostgreSQL refuses the user or the password.",
            remedy=f"Correct them in {variable}; see `threegates doctor`.",
        )
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return BadSetting(
            f"PostgreSQL has no database “{name}”.",
            remedy=f"Create it: createdb --encoding=UTF8 --locale=C.UTF-8 --template=template0 {name}",
        )
    if isinstance(error, ssl.SSLError):
        words = getattr(error, "verify_message", "") or error.reason or "unknown reason"
        return BadSetting(
            f"The encrypted connection to PostgreSQL cannot be made ({words}).",
            remedy=f"Correct sslmode and sslrootcert in {variable}, or the server's certificate.",
        )
    if isinstance(error, ConnectionError) and "rejected SSL" in str(error):
        return BadSetting(
            "PostgreSQL does not speak TLS, which its address asks for.",
            remedy=f"Turn on ssl in the server, or correct sslmode in {variable}.",
        )
    # Without a network a file is the only thing that can be missing: the certificates the address names.
    if isinstance(error, FileNotFoundError | ValueError | asyncpg.InterfaceError | asyncpg.UndefinedObjectError):
        return BadSetting(
            f"The address of PostgreSQL cannot be used ({_first_line(error)}).",
            where=variable,
            remedy="It looks like postgresql://user:password@host:5432/threegates?sslmode=verify-full&sslrootcert=FILE.",
        )
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return Unavailable("PostgreSQL has no free connection.", remedy="Raise its max_connections or end other users.")
    return Unavailable(
        "PostgreSQL does not answer.", remedy="See `threegates doctor`; start everything with `threegates up`."
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def make_engine(dsn: str, *, pool_size: int = 5) -> AsyncEngine:
    """An engine for an address `postgresql://…`; JSON goes through orjson (Decimal and date included as text)."""

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=partial(connect, dsn),
        pool_size=pool_size,
        max_overflow=10,
        pool_pre_ping=True,
        # The one used last comes first: it has planned the big statements already.
        pool_use_lifo=True,
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
        sqlstate = getattr(error.orig, "sqlstate", "")
        if sqlstate == INSUFFICIENT_PRIVILEGE:
            raise NotAllowed(
                "This lies outside what your account may change.",
                remedy="It is for your region's or your organisation's people only; ask the ones in charge there.",
            ) from error
        if sqlstate != UNDEFINED_TABLE:
            raise
        raise Unavailable(
            "The database does not hold the register, or an older one.",
            remedy="Start everything with `threegates up`, or run `threegates migrate`.",
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
