"""`threegates migrate`: bring the database to this software's newest schema, as its owner."""

import asyncio

import typer

from jobs.queue import install_queue
from registry.database import connect
from registry.migrations import upgrade
from registry.settings import settings


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def migrate() -> None:
        """Make or renew tables, reference data, law, policies and the jobs' queue; `threegates up` does it by itself.

        Runs as the database's owner (THREEGATES_DATABASE_URL); may be repeated at any time.
        """
        asyncio.run(_migrate(settings().database_dsn()))
        typer.echo("数据库结构已是最新 · the database's schema is up to date")


async def _migrate(dsn: str) -> None:
    await upgrade(dsn)
    connection = await connect(dsn)
    try:
        await install_queue(connection)
    finally:
        await connection.close()
