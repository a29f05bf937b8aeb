"""What every test may ask for: a fresh database, an index prefix of its own, the browser; all on real servers."""

import asyncio
import ipaddress
import itertools
import json
import os
import shutil
import sys
import urllib.request
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import asyncpg
import psutil
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.account import server_account
from deploy.postgresql import FORGETFUL
from deploy.programs import Programs, install
from tests.scratch_server import clone, elasticsearch, make_template, server

Result = TypeVar("Result")

NAMES = itertools.count(1)
DATABASES = "tg_test_"


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end beside the test's own event loop."""
    with ThreadPoolExecutor(max_workers=1) as beside:
        return beside.submit(asyncio.run, work).result()


def pytest_configure(config: pytest.Config) -> None:
    """Tests speak to this machine only: a connection to any other address is an error."""

    def stay_here(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "socket.connect" or not isinstance(arguments[1], tuple):
            return
        host = str(arguments[1][0])
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise PermissionError(f"A test tried to connect to {host}; tests may use this machine only.")

    sys.addaudithook(stay_here)


@pytest.fixture(scope="session")
def programs() -> Programs:
    """PostgreSQL, Java and Elasticsearch, unpacked."""
    return install(server_account(), print)


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The maintenance address of the test server: the one of the environment, else a server of this session."""
    with server(FORGETFUL) as url:
        yield url


@pytest.fixture(scope="session")
def elasticsearch_url() -> Iterator[str]:
    """The search server: the one of the environment, else one of this session (15 s, only when a test asks)."""
    with elasticsearch() as url:
        yield url


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _drop_left_over(url: str) -> None:
    """Drop databases of test runs that were killed."""
    connection = await asyncpg.connect(url)
    try:
        for row in await connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'tg\\_test\\_%'"):
            owner = row["datname"].removeprefix(DATABASES).split("_")[0]
            if owner.isdecimal() and not psutil.pid_exists(int(owner)):
                await connection.execute(f'DROP DATABASE IF EXISTS "{row["datname"]}" WITH (FORCE)')
    finally:
        await connection.close()


def _address(url: str, database: str) -> str:
    return url.rsplit("/", 1)[0] + "/" + database


@pytest.fixture(scope="session")
def template_database(postgresql_url: str) -> str:
    """The name of a database at the newest migration, from which every test's own is cloned."""
    run(_drop_left_over(postgresql_url))
    return run(make_template(postgresql_url))


@contextmanager
def fresh_database(postgresql_url: str, template_database: str) -> Iterator[str]:
    """The address of a clone of the template, dropped after the block."""
    name = f"{DATABASES}{os.getpid()}_{next(NAMES)}"
    run(_execute(postgresql_url, clone(name, template_database)))
    try:
        yield _address(postgresql_url, name)
    finally:
        run(_execute(postgresql_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


@pytest.fixture
def database_url(postgresql_url: str, template_database: str) -> Iterator[str]:
    """The address of a fresh database with the register's schema, dropped after the test."""
    with fresh_database(postgresql_url, template_database) as address:
        yield address


@pytest.fixture(scope="module")
def module_database_url(postgresql_url: str, template_database: str) -> Iterator[str]:
    """The address of a database for all tests of a module that leave it as it was."""
    with fresh_database(postgresql_url, template_database) as address:
        yield address


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on a fresh database with the register's schema."""
    from registry.database import make_engine

    made = make_engine(database_url)
    yield made
    await made.dispose()


@pytest.fixture
def empty_database_url(postgresql_url: str) -> Iterator[str]:
    """The address of a fresh database without any table, dropped after the test."""
    name = f"{DATABASES}{os.getpid()}_{next(NAMES)}"
    run(_execute(postgresql_url, f'CREATE DATABASE "{name}"'))
    try:
        yield _address(postgresql_url, name)
    finally:
        run(_execute(postgresql_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


def ask_elasticsearch(url: str, method: str = "GET") -> Any:
    """One plain request to Elasticsearch; the JSON of its answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, method=method), timeout=30) as answer:
        return json.load(answer)


@pytest.fixture
def index_prefix(elasticsearch_url: str) -> Iterator[str]:
    """A prefix no other test uses; indices and templates under it are removed after the test."""
    prefix = f"tgtest-{os.getpid()}-{next(NAMES)}"
    yield prefix
    for index in ask_elasticsearch(
        f"{elasticsearch_url}/_cat/indices/{prefix}*?format=json&h=index&expand_wildcards=all"
    ):
        ask_elasticsearch(f"{elasticsearch_url}/{index['index']}", "DELETE")
    for kind in ("_index_template", "_component_template"):
        found = ask_elasticsearch(f"{elasticsearch_url}/{kind}")
        for template in found[kind.lstrip("_") + "s"]:
            if template["name"].startswith(prefix):
                ask_elasticsearch(f"{elasticsearch_url}/{kind}/{template['name']}", "DELETE")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium for browser tests."""
    for name in (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name) if name else None
        if found:
            return found
    pytest.fail(
        "Browser tests need Chromium and a Chinese font: apt-get install chromium fonts-noto-cjk (.ci/run does), "
        "or name an installed one in the variable CHROMIUM.",
        pytrace=False,
    )
