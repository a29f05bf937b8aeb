"""The schema's history; `threegates migrate` brings a database to its newest state."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.database import make_engine
from registry.law.loading import load_law
from registry.reference.loading import load_reference
from registry.renormalising import renormalise
from registry.row_security import apply_row_security, lift_views

FOLDER = Path(__file__).parent


def _configuration(connection: Connection | None = None) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    configuration.attributes["connection"] = connection
    return configuration


async def upgrade(dsn: str, *, restored: bool = False) -> int:
    """Bring the schema to the newest migration, load reference data and law, put the policies in force; repeatable.

    With `restored` the policies are put in force whatever the register says: a backup brings none. Returns how many
    stored names have another normal form than before; what they belong to is marked.
    """
    migrating = make_engine(dsn, pool_size=1)
    try:
        async with migrating.begin() as connection:
            current, newest = await schema_version(connection)
            if restored or current != newest:
                await lift_views(connection)
            await connection.run_sync(lambda sync: command.upgrade(_configuration(sync), "head"))
            await load_reference(connection)
            await load_law(connection)
            renamed = await renormalise(connection)
            await apply_row_security(connection)
            return renamed
    finally:
        await migrating.dispose()


async def schema_version(connection: AsyncConnection) -> tuple[str | None, str | None]:
    """The migration the database stands at, and the newest one this software has."""
    current = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    return current, ScriptDirectory.from_config(_configuration()).get_current_head()


def knows(revision: str) -> bool:
    """Whether this software has a migration: it can bring a database that stands there to its newest."""
    return any(script.revision == revision for script in ScriptDirectory.from_config(_configuration()).walk_revisions())
