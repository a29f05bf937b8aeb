"""Fixtures of the jobs' tests: they enter the database as worker and scheduler do, and not as its owner."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.queue import install_queue
from registry.database import connect, make_engine
from registry.viewers import JOBS_ROLE
from tests.conftest import run
from tests.jobs.agencies import land, land_records, players

__all__ = ["land", "land_records", "players"]


async def _install(address: str) -> None:
    connection = await connect(address)
    try:
        await install_queue(connection)
    finally:
        await connection.close()


@pytest.fixture
def jobs_url(database_url: str) -> Iterator[str]:
    """The address of the fresh database for who has the rights of the jobs and no others; its queue is made."""
    run(_install(database_url))
    yield f"{database_url}?role={JOBS_ROLE}"


@pytest_asyncio.fixture
async def owners(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine as the owner, for what the jobs may not write."""
    made = make_engine(database_url)
    yield made
    await made.dispose()


@pytest_asyncio.fixture
async def engine(jobs_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine with the rights of the jobs."""
    made = make_engine(jobs_url)
    yield made
    await made.dispose()
