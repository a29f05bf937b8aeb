"""PostgreSQL of our own: Chinese path, Chinese trigrams, health, stop, recovery after a hard stop."""

import asyncio
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.account import server_account
from deploy.failure import Failure
from deploy.ports import choose_port
from deploy.postgresql import INTAKE, PORTAL, PostgreSQL
from deploy.processes import Child
from deploy.programs import Programs
from tests.conftest import run


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder with a space and Chinese in its name, longer than a socket's path may be."""
    top = Path(tempfile.mkdtemp(prefix="threegates 三道闸门 "))
    top.chmod(0o755)
    folder = top / ("长路径" * 20) / "postgresql"
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(top)


@pytest.fixture
def server(folder: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> PostgreSQL:
    """A prepared server, durable as in a real run, prepared under LANG=C."""
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PGPORT", "1")  # the caller's variables must not steer it
    server = PostgreSQL(folder, programs.postgresql, choose_port(26432), server_account())
    server.prepare()
    return server


async def ask(server: PostgreSQL, statement: str) -> object:
    """One statement, its first value."""
    connection = await asyncpg.connect(server.url())
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def wait_until(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def begin(server: PostgreSQL) -> Child:
    """Start and wait."""
    log = server.folder.with_name("postgresql.log")
    child = server.start(log)
    server.wait_ready(child, log, seconds=60)
    return child


def test_it_starts_answers_knows_chinese_and_stops(server: PostgreSQL) -> None:
    assert not server.is_healthy()
    child = begin(server)
    try:
        assert server.is_healthy()
        assert server.left_over() == child.running
        run(ask(server, "CREATE EXTENSION IF NOT EXISTS pg_trgm"))
        assert run(ask(server, "SELECT show_trgm('首钢京唐')")), "LC_CTYPE=C would give nothing for Chinese"
        assert run(ask(server, "SHOW synchronous_commit")) == "on"
        assert run(ask(server, "SHOW fsync")) == "on"
        assert run(ask(server, "SHOW listen_addresses")) == "127.0.0.1"
    finally:
        assert server.stop(child), "it had to be killed"
    assert not server.is_healthy()
    assert server.left_over() is None
    assert child.ended() == 0


def test_what_was_committed_survives_kill_9(server: PostgreSQL) -> None:
    child = begin(server)
    run(ask(server, "CREATE TABLE IF NOT EXISTS kept (number integer)"))
    run(ask(server, "INSERT INTO kept VALUES (41)"))
    os.kill(child.running.pid, signal.SIGKILL)
    child.process.wait(timeout=10)
    server.prepare()  # waits for the children of the killed server
    child = begin(server)
    try:
        assert run(ask(server, "SELECT count(*) FROM kept WHERE number = 41")) == 1
    finally:
        server.stop(child)


def test_a_killed_server_that_nobody_collected_does_not_keep_the_next_from_starting(server: PostgreSQL) -> None:
    """In a container nobody may collect orphans: the number in the lock file stays taken, by a zombie."""
    killed = begin(server)
    os.kill(killed.running.pid, signal.SIGKILL)
    wait_until(lambda: psutil.Process(killed.running.pid).status() == psutil.STATUS_ZOMBIE)
    server.prepare()
    child = begin(server)
    try:
        assert psutil.Process(killed.running.pid).status() == psutil.STATUS_ZOMBIE
        server.prepare()
        assert (server.data / "postmaster.pid").exists(), "the lock of a running server was taken away"
    finally:
        server.stop(child)
        killed.process.wait(timeout=10)


def test_a_wrong_password_is_refused(server: PostgreSQL) -> None:
    child = begin(server)
    try:
        wrong = server.url().replace(server.folder.joinpath("password").read_text(), "wrong")
        with pytest.raises(asyncpg.InvalidPasswordError):
            asyncio.run(asyncpg.connect(wrong))
    finally:
        server.stop(child)


def test_the_portal_enters_as_a_role_that_owns_nothing(server: PostgreSQL) -> None:
    child = begin(server)
    try:
        rights = "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles"

        async def who(role: str = PORTAL) -> tuple[object, ...]:
            connection = await asyncpg.connect(server.url(role=role))
            try:
                return tuple(await connection.fetchrow(f"{rights} WHERE rolname = current_user") or ())
            finally:
                await connection.close()

        assert run(who()) == (PORTAL, False, False, False, False)
        assert run(who(INTAKE)) == (INTAKE, False, False, False, False)
        # The file says what the password is: lost, it is another one from the next start on.
        (server.folder / "portal-password").unlink()
        with pytest.raises(asyncpg.InvalidPasswordError):
            run(who())
        server.wait_ready(child, server.folder.with_name("postgresql.log"))
        assert run(who())[0] == PORTAL
    finally:
        server.stop(child)


def test_the_password_is_for_its_owner_alone(server: PostgreSQL) -> None:
    assert (server.folder / "password").stat().st_mode & 0o077 == 0
    assert server.data.stat().st_mode & 0o077 == 0


def test_a_taken_port_ends_in_a_sentence_with_the_log(server: PostgreSQL) -> None:
    child = begin(server)
    try:
        second = PostgreSQL(server.folder.with_name("second"), server.binaries, server.port, server.account)
        second.prepare()
        log = server.folder.with_name("second.log")
        other = second.start(log)
        # It cannot be taken for the first one: the first one's password is not its own.
        with pytest.raises(Failure, match=r"PostgreSQL ended while starting:[\s\S]*Address already in use"):
            second.wait_ready(other, log, seconds=20)
        other.end()
    finally:
        server.stop(child)


def test_data_of_another_version_is_refused_with_the_remedy(server: PostgreSQL, tmp_path: Path) -> None:
    other = PostgreSQL(tmp_path, server.binaries, server.port, server.account)
    other.data.mkdir()
    (other.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(Failure, match=r"was written by PostgreSQL 16.*docs/operators\.md"):
        other.prepare()


def test_a_folder_with_something_else_in_it_is_not_touched(server: PostgreSQL, tmp_path: Path) -> None:
    other = PostgreSQL(tmp_path, server.binaries, server.port, server.account)
    other.data.mkdir()
    (other.data / "thesis.txt").write_text("years of work")
    with pytest.raises(Failure, match="not a PostgreSQL database"):
        other.prepare()
    assert (other.data / "thesis.txt").read_text() == "years of work"


def test_a_port_that_was_taken_meanwhile_is_said(server: PostgreSQL, folder: Path) -> None:
    log = folder.parent / "taken.log"
    with socket.create_server(("127.0.0.1", server.port)):
        child = server.start(log)
        with pytest.raises(Failure, match="ended while starting") as caught:
            server.wait_ready(child, log)
    assert f"took port {server.port} meanwhile" in caught.value.remedy
