"""Scratch databases: made on a server at the newest schema, dropped when done."""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.database import connect, make_engine
from registry.errors import Unavailable
from registry.migrations import upgrade

PREFIX: Final = "threegates_scratch_"


def beside(address: str, database: str) -> str:
    """The address of another database on the same server; what follows the name (TLS, timeouts) stays."""
    return urlunsplit(urlsplit(address)._replace(path=f"/{database}"))


@asynccontextmanager
async def scratch_database(server: str) -> AsyncIterator[AsyncEngine]:
    """An engine on a fresh database beside the one at `server`, with schema and reference data; dropped afterwards."""
    name = f"{PREFIX}{os.getpid()}_{secrets.token_hex(4)}"
    await _execute(server, f'CREATE DATABASE "{name}"')
    try:
        await upgrade(beside(server, name))
        engine = make_engine(beside(server, name))
        try:
            yield engine
        finally:
            await engine.dispose()
    finally:
        await _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def _execute(server: str, statement: str) -> None:
    connection = await connect(server)
    try:
        await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        raise Unavailable(
            "This account may not create a scratch database.",
            remedy="Give it CREATEDB, or unset THREEGATES_DATABASE_URL: then a server is started for the while.",
        ) from None
    finally:
        await connection.close()
