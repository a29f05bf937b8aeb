"""Keys of the API: made at first start, kept as a hash; the key itself lies in the data folder for its owner alone."""

import hashlib
import os
import secrets
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request

from registry import clock
from registry.database import transaction
from registry.errors import ThreegatesError
from registry.reading import first
from registry.settings import settings

FIRST_KEY: Final = "first"


class KeyNeeded(ThreegatesError):
    """The address needs a key of the API, and none that is known came."""

    status = 401
    title = "A key is needed"


def key_file() -> Path:
    """Where the key of the first start lies."""
    return settings().data_folder / "run" / "api-key"


async def ensure_first_key() -> None:
    """Make the first key where the register has none; only its hash goes into the database."""
    async with transaction() as session:
        # One maker at a time: several portals may start at once.
        await (await session.connection()).execute(text("SELECT pg_advisory_xact_lock(hashtext('threegates api key'))"))
        if await first(session, "SELECT 1 AS one FROM api_keys LIMIT 1"):
            return
        key = f"tg_{secrets.token_urlsafe(32)}"
        await (await session.connection()).execute(
            text(
                "INSERT INTO api_keys (name, key_hash, scopes, created_at) "
                "VALUES (:name, :hash, ARRAY['read', 'write'], :at)"
            ),
            {"name": FIRST_KEY, "hash": hash_of(key), "at": clock.now()},
        )
        _keep(key)


def _keep(key: str) -> None:
    path = key_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    # Ours alone from its first byte on.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(key + "\n")


def hash_of(key: str) -> bytes:
    """The hash under which a key is known; a key is random, so a plain hash cannot be guessed back."""
    return hashlib.sha256(key.encode()).digest()


async def caller(session: AsyncSession, request: Request) -> str | None:
    """The name of the key that came with a request, or None without one; raises KeyNeeded for an unknown one."""
    scheme, _space, key = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return None
    if scheme.lower() == "bearer":
        found = await first(
            session,
            "SELECT name FROM api_keys WHERE key_hash = :hash AND coalesce(expires_at, 'infinity') > :now",
            hash=hash_of(key.strip()),
            now=clock.now(),
        )
        if found:
            return str(found["name"])
    raise KeyNeeded("This key is not known.", remedy="Send “Authorization: Bearer KEY”; see docs/api.md for the key.")
