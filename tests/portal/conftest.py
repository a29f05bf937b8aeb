"""One populated register for the session, made through the real pipeline, and a portal in front of it."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from registry.migrations import upgrade
from registry.roles import Role
from registry.viewers import PORTAL_ROLE
from tests.conftest import DATABASES, ask_elasticsearch, run
from tests.portal.people import signed_in, signed_in_as

SECONDS: Final = 180
# Other parts of the suite run beside: what is expected of a page may come late, and no test is about when.
expect.set_options(timeout=30_000)

COMMAND: Final = [sys.executable, "-c", "from portal.commands import main; main()"]
OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def wait_for(condition: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """The first true answer of a condition."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := condition():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come within {seconds:.0f} s")


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Register:
    """The populated register: the environment that leads to it, and the demo's files."""

    environment: dict[str, str]
    demo: Path
    data: Path

    @property
    def database(self) -> str:
        """Its address."""
        return self.environment["THREEGATES_DATABASE_URL"]

    def stories(self) -> dict[str, Any]:
        """The told evasions by their ids."""
        return {story["id"]: story for story in json.loads((self.demo / "stories.json").read_text(encoding="utf-8"))}

    def ask(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of a statement."""

        async def work() -> list[dict[str, Any]]:
            connection = await asyncpg.connect(self.database)
            try:
                return [dict(row) for row in await connection.fetch(statement, *values)]
            finally:
                await connection.close()

        return run(work())

    def sign_in(self, *roles: Role, **about: Any) -> str:
        """The secret of the sign-in of a new person: tests.portal.people.signed_in."""

        async def work() -> str:
            connection = await asyncpg.connect(self.database)
            try:
                return await signed_in(connection, *roles, **about)
            finally:
                await connection.close()

        return run(work())

    def sign_in_as(self, login: str) -> str:
        """The secret of a sign-in of somebody of the demo."""

        async def work() -> str:
            connection = await asyncpg.connect(self.database)
            try:
                return await signed_in_as(connection, login)
            finally:
                await connection.close()

        return run(work())

    def project(self, reference: str) -> int:
        """The number of a project by its reference."""
        return int(self.ask("SELECT id FROM projects WHERE reference = $1", reference)[0]["id"])


async def _administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _call(arguments: list[str], environment: dict[str, str], folder: Path) -> None:
    done = subprocess.run(arguments, env=environment, cwd=folder, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, f"{arguments}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@contextmanager
def child(
    arguments: list[str], environment: dict[str, str], folder: Path, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A process for the time of the block."""
    with (
        log.open("wb") as stream,
        subprocess.Popen(arguments, env=environment, cwd=folder, stdout=stream, stderr=stream) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.fixture(scope="session")
def register(
    postgresql_url: str, elasticsearch_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Register]:
    """The tiny demo, played by the agencies, synced, linked, judged and indexed by the real commands."""
    root = Path(__file__).parents[2]
    data = tmp_path_factory.mktemp("portal-data")
    name, prefix = f"{DATABASES}{os.getpid()}_portal", f"tgtest-{os.getpid()}-portal"
    database = postgresql_url.rsplit("/", 1)[0] + "/" + name
    environment = os.environ | {
        "THREEGATES_DATABASE_URL": database,
        "THREEGATES_ELASTICSEARCH_URL": elasticsearch_url,
        "THREEGATES_INDEX_PREFIX": prefix,
        "THREEGATES_DATA_FOLDER": str(data),
        "PYTHONPATH": str(root),
    }
    run(_administer(postgresql_url, f'CREATE DATABASE "{name}"'))
    try:
        run(upgrade(database))
        demo = data / "demo"
        _call([sys.executable, "-m", "deploy.demo", "--to", str(demo), "--tiny"], environment, root)
        state = data / "agencies.json"
        agencies = [sys.executable, "-m", "deploy.agencies", "--data", str(demo), "--state", str(state)]
        with child(agencies, environment, root, data / "agencies.log"):
            wait_for(state.exists, "the played agencies")
            told = environment | json.loads(state.read_text(encoding="utf-8"))
            _call([*COMMAND, "demo", "load"], told, root)
            _call([*COMMAND, "sync", "--all"], told, root)
        yield Register(environment, demo, data)
    finally:
        for index in ask_elasticsearch(f"{elasticsearch_url}/_cat/indices/{prefix}*?format=json&h=index"):
            ask_elasticsearch(f"{elasticsearch_url}/{index['index']}", "DELETE")
        run(_administer(postgresql_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


def answers(address: str) -> bool:
    """Whether an address answers with 200."""
    try:
        with OPENER.open(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="session")
def portal(register: Register) -> Iterator[str]:
    """The address of a portal in front of the populated register."""
    port = free_port()
    arguments = [
        sys.executable,
        "-m",
        "uvicorn",
        "portal.web:application",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    log = register.data / "portal.log"
    with own_login(register.database) as address:
        # All tests come from one address.
        environment = register.environment | {"THREEGATES_DATABASE_URL": address, "THREEGATES_PUBLIC_RATE": "3000"}
        with child(arguments, environment, Path(__file__).parents[2], log):
            wait_for(lambda: answers(f"http://127.0.0.1:{port}/health/ready"), "the portal")
            yield f"http://127.0.0.1:{port}"


@contextmanager
def own_login(database: str) -> Iterator[str]:
    """The address of a database for a login role of this run that is the portal's role and nothing else."""
    role, password = f"{DATABASES}portal_{os.getpid()}", secrets.token_hex(16)
    run(_administer(database, f"CREATE ROLE {role} LOGIN PASSWORD '{password}' IN ROLE {PORTAL_ROLE}"))
    try:
        address = urlsplit(database)
        yield urlunsplit(address._replace(netloc=f"{role}:{password}@{address.hostname}:{address.port}"))
    finally:
        run(_administer(database, f"DROP ROLE {role}"))


@pytest.fixture(scope="module")
def browser(chromium: str, portal: str) -> Iterator[Browser]:
    """One Chromium for a module: while its driver runs in this thread, no other event loop may start there."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()
