"""`threegates up` as people run it: a real process, real servers, Chinese path, LANG=C, kill -9, a second start."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.processes import end, recall
from deploy.state import State, Step, read_state, running_environment
from deploy.waiting import page_answers

UP = [sys.executable, "-c", "from portal.commands import main; main()", "up"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that the servers' account can reach; whatever a test leaves running on it is ended."""
    top = Path(tempfile.mkdtemp(prefix="threegates up 三道闸门 "))
    top.chmod(0o755)
    yield top / "数据"
    for running in recall(top / "数据" / "run" / "processes.json"):
        end(running, seconds=5)
    shutil.rmtree(top, ignore_errors=True)


@contextmanager
def up(folder: Path, environment: dict[str, str], *arguments: str) -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
    """Run `threegates up`, as a child of nobody's terminal; ended by SIGTERM when the test has not done it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("THREEGATES_")}
    clean |= {"THREEGATES_DATA_FOLDER": str(folder), "LANG": "C", "LC_ALL": "C"} | environment
    clean.pop("MAKELEVEL", None)
    said = folder.with_name(f"said-{time.monotonic_ns()}.txt")
    with (
        said.open("wb") as output,
        subprocess.Popen([*UP, *arguments], env=clean, stdout=output, stderr=output) as child,
    ):
        try:
            yield child, said
        finally:
            child.terminate()
            try:
                child.wait(timeout=20)
            except subprocess.TimeoutExpired:
                child.kill()


def until(ready: Callable[[], Any], said: Path, seconds: float = 120) -> None:
    """Wait for a condition; fail with what the run said."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, said.read_text(encoding="utf-8", errors="replace")
        time.sleep(0.05)


def step(folder: Path, name: str) -> str:
    """The state of one step; empty when nothing runs."""
    state = read_state(folder / "run" / "state.json")
    return next((str(one["state"]) for one in state["steps"] if one["name"] == name), "") if state else ""


def child_of(folder: Path, name: str) -> int:
    """The process number of one child."""
    return next(running.pid for running in recall(folder / "run" / "processes.json") if running.name == name)


def is_gone(pid: int) -> bool:
    """Whether a process has ended."""
    with suppress(psutil.Error):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


@pytest.mark.elasticsearch
def test_on_existing_servers_it_starts_none_refuses_a_second_start_and_recovers(
    folder: Path, database_url: str, elasticsearch_url: str
) -> None:
    existing = {"THREEGATES_DATABASE_URL": database_url, "THREEGATES_ELASTICSEARCH_URL": elasticsearch_url}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with up(folder, existing, "--port", port) as (first, said):
            until(lambda: step(folder, "portal") == "ready", said)
            state = read_state(folder / "run" / "state.json")
            assert state is not None
            assert not state["address"].endswith(f":{port}/"), "a taken port was promised"
            assert "uses port" in said.read_text(encoding="utf-8")
            assert page_answers(state["address"])
            until(lambda: step(folder, "migrations") == "ready", said)
            names = {running.name for running in recall(folder / "run" / "processes.json")}
            assert "postgresql" not in names
            assert "elasticsearch" not in names
            assert running_environment(folder)["THREEGATES_DATABASE_URL"] == database_url
            assert (folder / "run" / "state.json").stat().st_mode & 0o077 == 0, "it holds the password"

            with up(folder, existing) as (second, refusal):
                assert second.wait(timeout=20) == 1
            assert f"already runs in {folder}: {state['address']}" in refusal.read_text(encoding="utf-8")
            assert first.poll() is None

            # A child that dies is started again, and that is said.
            portal = child_of(folder, "portal")
            os.kill(portal, signal.SIGKILL)
            until(lambda: child_of(folder, "portal") != portal and page_answers(state["address"]), said)
            assert "portal was started again" in said.read_text(encoding="utf-8")

            # kill -9 of the supervisor: its children stay, the next run ends them and is up again at the same address.
            portal = child_of(folder, "portal")
            first.kill()
            first.wait(timeout=60)
            assert running_environment(folder) == {}
            assert not is_gone(portal)
        with up(folder, existing, "--port", port) as (third, said):
            until(lambda: step(folder, "portal") == "ready", said)
            assert is_gone(portal)
            assert "what a killed run left over" in said.read_text(encoding="utf-8")
            again = read_state(folder / "run" / "state.json")
            assert again is not None
            assert again["address"] == state["address"]
            children = [running.pid for running in recall(folder / "run" / "processes.json")]
            third.send_signal(signal.SIGINT)
            assert third.wait(timeout=60) == 0
            assert all(is_gone(pid) for pid in children)


def test_its_own_servers_start_under_lang_c_in_a_chinese_path_and_survive_kill_9(folder: Path) -> None:
    with up(folder, {}) as (first, said):
        until(lambda: step(folder, "elasticsearch") == "ready", said, 120)
        until(lambda: step(folder, "migrations") == "ready", said)
        state = read_state(folder / "run" / "state.json")
        assert state is not None
        with urllib.request.urlopen(f"{state['elasticsearch_url']}/_cluster/health", timeout=30) as answer:
            assert json.load(answer)["status"] in ("green", "yellow")
        postgresql, elasticsearch = child_of(folder, "postgresql"), child_of(folder, "elasticsearch")
        for pid in (first.pid, postgresql, elasticsearch):
            os.kill(pid, signal.SIGKILL)
        first.wait(timeout=60)
    with up(folder, {}) as (second, said):
        until(lambda: step(folder, "postgresql") == "ready", said)
        recovered = (folder / "logs" / "postgresql.log").read_text(encoding="utf-8")
        assert "database system was not properly shut down; automatic recovery in progress" in recovered
        again = read_state(folder / "run" / "state.json")
        assert again is not None
        assert again["database_url"] == state["database_url"], "it moved to another port"
        children = [running.pid for running in recall(folder / "run" / "processes.json")]
        # Stopped in the middle of the search server's start.
        second.terminate()
        assert second.wait(timeout=60) == 0
        assert all(is_gone(pid) for pid in children)
        assert not [p for p in psutil.process_iter() if _mentions(p, folder)], "something was left running"


def _mentions(process: psutil.Process, folder: Path) -> bool:
    with suppress(psutil.Error):
        return any(str(folder) in part for part in process.cmdline())
    return False


def test_a_start_that_fails_says_why_with_the_remedy_and_ends(folder: Path) -> None:
    data = folder / "postgresql" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("15\n")
    with up(folder, {"THREEGATES_ELASTICSEARCH_URL": "http://127.0.0.1:9"}) as (child, said):
        assert child.wait(timeout=60) == 1
    words = said.read_text(encoding="utf-8")
    assert "the start failed" in words
    assert "was written by PostgreSQL 15" in words
    assert "docs/operators.md" in words
    assert recall(folder / "run" / "processes.json") == []


def test_a_bad_setting_ends_at_once_with_its_name(folder: Path) -> None:
    with up(folder, {"THREEGATES_DATABASE_URL": "sqlite:///x"}) as (child, said):
        assert child.wait(timeout=20) == 1
    assert "THREEGATES_DATABASE_URL" in said.read_text(encoding="utf-8")


def test_the_state_file_is_read_only_while_its_writer_lives(tmp_path: Path) -> None:
    path = tmp_path / "run" / "state.json"
    state = State(
        path, "http://127.0.0.1:1/", {"THREEGATES_DATABASE_URL": "postgresql://x"}, [Step("portal", "门户", "p")]
    )
    assert running_environment(tmp_path) == {"THREEGATES_DATABASE_URL": "postgresql://x"}
    assert state.set("portal", "ready").state == "ready"
    found = read_state(path)
    assert found is not None
    assert found["steps"][0]["text_zh"] == "门户"
    assert found["steps"][0]["state"] == "ready"
    state.stop()
    assert running_environment(tmp_path) == {}
    dead = json.loads(path.read_text(encoding="utf-8")) | {"pid": 1, "started": 5.0}
    path.write_text(json.dumps(dead))
    assert read_state(path) is None
    path.write_text("{half")
    assert read_state(path) is None
