"""A PostgreSQL for faults and benchmarks: the one of the environment, else one started for the while."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path

import asyncpg

from deploy.account import server_account
from deploy.elasticsearch import Elasticsearch
from deploy.ports import choose_port
from deploy.postgresql import PostgreSQL
from deploy.programs import install
from registry.migrations import upgrade

_NUMBERS = count(1)
_TEMPLATE = f"tg_scratch_{os.getpid()}_template"
# The variable with the name of a template that another process has made and will drop (tests.__main__).
TEMPLATE_OF_ALL = "TESTS_TEMPLATE_DATABASE"


@contextmanager
def server(settings: dict[str, str] | None = None) -> Iterator[str]:
    """The address of a server on which databases may be made and dropped."""
    given = os.environ.get("THREEGATES_DATABASE_URL")
    if given:
        try:
            yield given
        finally:
            asyncio.run(_execute(given, f'DROP DATABASE IF EXISTS "{_TEMPLATE}" WITH (FORCE)'))
        return
    account = server_account()
    programs = install(account, print)
    with tempfile.TemporaryDirectory(prefix="threegates-scratch-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgresql = PostgreSQL(folder / "postgresql", programs.postgresql, choose_port(25532), account, settings or {})
        postgresql.prepare()
        child = postgresql.start(folder / "postgresql.log")
        try:
            postgresql.wait_ready(child, folder / "postgresql.log")
            yield postgresql.url()
        finally:
            postgresql.stop(child)


@contextmanager
def elasticsearch() -> Iterator[str]:
    """The address of an Elasticsearch: the one of the environment, else one started for the while."""
    given = os.environ.get("THREEGATES_ELASTICSEARCH_URL")
    if given:
        yield given
        return
    account = server_account()
    programs = install(account, print)
    with tempfile.TemporaryDirectory(prefix="threegates-scratch-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        search = Elasticsearch(
            folder / "elasticsearch", programs.elasticsearch, programs.java, choose_port(29300), account
        )
        search.prepare()
        child = search.start(folder / "elasticsearch.log")
        try:
            search.wait_ready(child, folder / "elasticsearch.log")
            yield search.url
        finally:
            search.stop(child)


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def make_template(url: str) -> str:
    """The name of a database at the newest migration, made once: a clone takes a tenth of the time."""
    if given := os.environ.get(TEMPLATE_OF_ALL):
        return given
    connection = await asyncpg.connect(url)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", _TEMPLATE):
            await connection.execute(f'CREATE DATABASE "{_TEMPLATE}"')
            await upgrade(url.rsplit("/", 1)[0] + "/" + _TEMPLATE)
    finally:
        await connection.close()
    return _TEMPLATE


def clone(name: str, template: str) -> str:
    """The statement that makes a database like another: copying its files is twice as quick as writing them as log."""
    return f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY'


@asynccontextmanager
async def database(url: str, purpose: str) -> AsyncIterator[str]:
    """The address of a fresh database with the register's schema, dropped afterwards."""
    name = f"tg_{purpose}_{os.getpid()}_{next(_NUMBERS)}"
    await _execute(url, clone(name, await make_template(url)))
    try:
        yield url.rsplit("/", 1)[0] + "/" + name
    finally:
        await _execute(url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
