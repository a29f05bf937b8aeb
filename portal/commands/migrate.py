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
        renamed = asyncio.run(_migrate(settings().database_dsn()))
        typer.echo("数据库结构已是最新 · the database's schema is up to date")
        if renamed:
            typer.echo(
                f"{renamed} 条名称的规范形式有变，将重新关联和索引 · "
                f"{renamed} names have another normal form: they are linked and indexed anew"
            )


async def _migrate(dsn: str) -> int:
    renamed = await upgrade(dsn)
    connection = await connect(dsn)
    try:
        await install_queue(connection)
    finally:
        await connection.close()
    return renamed
