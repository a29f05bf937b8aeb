"""Keys of the API: made at first start, kept as a hash; the key itself lies in the data folder for its owner alone."""

import os
from pathlib import Path
from typing import Final

from sqlalchemy import text

from portal.viewing import hash_of
from registry import clock
from registry.auditing import audit
from registry.database import transaction
from registry.key_writing import new_secret
from registry.reading import first
from registry.settings import settings
from registry.viewers import STARTING, become

FIRST_KEY: Final = "first"


def key_file() -> Path:
    """Where the key of the first start lies."""
    return settings().data_folder / "run" / "api-key"


async def ensure_first_key() -> None:
    """Make the first key where the register has none; only its hash goes into the database."""
    async with transaction() as session:
        await become(session, STARTING)
        # One maker at a time: several portals may start at once.
        await (await session.connection()).execute(text("SELECT pg_advisory_xact_lock(hashtext('threegates api key'))"))
        if await first(session, "SELECT 1 AS one FROM api_keys LIMIT 1"):
            return
        key = new_secret()
        await (await session.connection()).execute(
            text(
                "INSERT INTO api_keys (name, key_hash, scopes, created_at) "
                "VALUES (:name, :hash, ARRAY['read', 'write', 'credit', 'gate', 'operate'], :at)"
            ),
            {"name": FIRST_KEY, "hash": hash_of(key), "at": clock.now()},
        )
        await audit(session, STARTING, "key.create", "key", FIRST_KEY, after={"name": FIRST_KEY})
        keep_key(key)


def keep_key(key: str) -> None:
    """Write the first key where its owner finds it."""
    path = key_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    # Ours alone from its first byte on.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(key + "\n")
