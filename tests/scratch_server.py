"""A PostgreSQL for tests, faults and benchmarks: the one of the environment, else one started for the while."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import asyncpg
import psutil

from deploy.account import server_account
from deploy.elasticsearch import Elasticsearch
from deploy.ports import choose_port
from deploy.postgresql import FORGETFUL, PostgreSQL
from deploy.processes import end, recall, remember
from deploy.programs import install
from registry.migrations import upgrade

_NUMBERS = count(1)
# Named as the tests' own, so that what a killed run left is dropped by the next (tests/conftest.py).
_TEMPLATE = f"tg_test_{os.getpid()}_template"
# The variable with the name of a template that another process has made and will drop (tests.__main__).
TEMPLATE_OF_ALL = "TESTS_TEMPLATE_DATABASE"
# Where Linux keeps files in memory, and what must be free there and at all for the databases of the tests.
_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - its names are made by tempfile
_ROOM: Final = 2 * 2**30
# The folders of servers, each with the number of the process that made it, and what runs there.
_FOLDER: Final = "threegates-scratch-"
_PROCESSES: Final = "processes.json"


def place_of_databases(settings: dict[str, str] | None) -> Path:
    """The folder in which a server's own is made: in memory where nothing it holds will be missed and room is.

    Every test makes and drops a database of a thousand files, which on a disk takes ten times as long.
    """
    if settings == FORGETFUL and os.access(_IN_MEMORY, os.W_OK):
        room = min(shutil.disk_usage(_IN_MEMORY).free, psutil.virtual_memory().available - _ROOM)
        if room > _ROOM:
            return _IN_MEMORY
    return Path(tempfile.gettempdir())


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
    with _own_folder(place_of_databases(settings)) as folder:
        postgresql = PostgreSQL(folder / "postgresql", programs.postgresql, choose_port(25532), account, settings or {})
        postgresql.prepare()
        child = postgresql.start(folder / "postgresql.log")
        remember(folder / _PROCESSES, [child.running])
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
        yield given.rstrip("/")
        return
    account = server_account()
    programs = install(account, print)
    with _own_folder(Path(tempfile.gettempdir())) as folder:
        search = Elasticsearch(
            folder / "elasticsearch", programs.elasticsearch, programs.java, choose_port(29300), account
        )
        search.prepare()
        child = search.start(folder / "elasticsearch.log")
        remember(folder / _PROCESSES, [child.running])
        try:
            search.wait_ready(child, folder / "elasticsearch.log")
            yield search.url
        finally:
            search.stop(child)


@contextmanager
def _own_folder(parent: Path) -> Iterator[Path]:
    """A folder there, reachable by the account of the servers; what a killed process left is ended and removed."""
    for old in parent.glob(f"{_FOLDER}*"):
        owner = old.name.removeprefix(_FOLDER).split("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)) and os.access(old, os.W_OK):
            for running in recall(old / _PROCESSES):
                end(running, seconds=5)
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{_FOLDER}{os.getpid()}-", dir=parent) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


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
