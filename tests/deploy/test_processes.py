"""Children: ended politely or not, told from strangers, started again when they die, with bounded logs."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.failure import Failure
from deploy.processes import Child, Order, bound_log, end, last_lines, recall, remember, start, why_it_ended
from deploy.services import Services
from deploy.voice import Follower, Voice

WAITS = "import time; time.sleep(60)"
IGNORES_TERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); {WAITS}"
HAS_A_CHILD = (
    f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', '{WAITS}', sys.argv[1]]); "
    f"print(child.pid, flush=True); {WAITS}"
)


def order(folder: Path, code: str, name: str = "child") -> Order:
    """A Python child with its log in a folder; the folder marks it as ours."""
    command = [sys.executable, "-c", code, str(folder)]
    return Order(name, command, folder / f"{name}.log", str(folder), dict(os.environ), folder)


def until(ready: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for a condition; fail when it does not come."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "the condition did not come"
        time.sleep(0.02)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Services that are ended after the test."""
    services = Services(tmp_path / "processes.json", Voice(tmp_path / "up.log"))
    yield services
    services.stop_all([])


def test_a_child_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    child = start(order(tmp_path, IGNORES_TERM))
    until(lambda: "on" in last_lines(tmp_path / "child.log"))
    assert child.running.is_alive()
    assert not child.end(seconds=0.5), "it ended politely, which it cannot"
    assert child.ended() == -signal.SIGKILL


def test_what_a_killed_child_started_is_found_and_ended(tmp_path: Path) -> None:
    child = start(order(tmp_path, HAS_A_CHILD))
    until(lambda: last_lines(tmp_path / "child.log").strip().isdecimal())
    grandchild = int(last_lines(tmp_path / "child.log"))
    os.kill(child.running.pid, signal.SIGKILL)
    child.process.wait(timeout=5)
    assert [process.pid for process in child.running.group()] == [grandchild]
    end(child.running, seconds=0.2)
    assert child.running.group() == []


def test_a_number_that_was_given_to_somebody_else_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WAITS], start_new_session=True) as stranger:
        child = start(order(tmp_path, "pass"))
        child.process.wait(timeout=10)
        mistaken = dataclasses.replace(child.running, pid=stranger.pid, started=child.running.started - 100)
        assert not mistaken.is_alive()
        assert mistaken.group() == []
        end(mistaken, seconds=0.2)
        assert stranger.poll() is None, "a stranger was ended"
        stranger.kill()


def test_what_runs_is_remembered_for_the_next_run(tmp_path: Path) -> None:
    child = start(order(tmp_path, WAITS))
    remember(tmp_path / "processes.json", [child.running])
    assert recall(tmp_path / "processes.json") == [child.running]
    child.end(seconds=5)
    (tmp_path / "processes.json").write_text("{half")
    assert recall(tmp_path / "processes.json") == []


def test_a_log_stays_below_its_limit_and_keeps_the_newest(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"old\n" * 1000 + b"newest\n")
    bound_log(log, limit=100)
    assert log.stat().st_size == 0
    assert (tmp_path / "log.1").read_bytes().endswith(b"newest\n")
    assert (tmp_path / "log.1").stat().st_size <= 100


def test_a_service_that_dies_is_started_again_with_growing_pauses(tmp_path: Path, services: Services) -> None:
    log = tmp_path / "child.log"
    service = services.add(
        "child", log, lambda: start(order(tmp_path, "print('died', flush=True); raise SystemExit(3)"))
    )
    first = service.child.running.pid

    def watched(more: Callable[[], bool]) -> bool:
        services.watch()
        return more()

    until(lambda: watched(lambda: service.child.running.pid != first))
    until(lambda: watched(lambda: service.due is not None))
    assert service.pause == 2.0
    said = (tmp_path / "up.log").read_text(encoding="utf-8")
    assert "child ended (code 3); starting it again in 1 s" in said
    assert "died" in said


def test_when_stopping_nothing_new_starts(tmp_path: Path, services: Services) -> None:
    services.stop_all([])
    with pytest.raises(Failure, match="Stopping"):
        services.add("late", tmp_path / "late.log", lambda: start(order(tmp_path, "pass")))


def test_everything_ends_and_nothing_is_remembered(tmp_path: Path, services: Services) -> None:
    def launch(name: str) -> Callable[[], Child]:
        return lambda: start(order(tmp_path, WAITS, name))

    children = [services.add(name, tmp_path / f"{name}.log", launch(name)).child for name in ("first", "second")]
    assert len(recall(tmp_path / "processes.json")) == 2
    services.stop_all(["first"])
    assert [child.ended() for child in children] == [-signal.SIGTERM, -signal.SIGTERM]
    assert recall(tmp_path / "processes.json") == []


def test_a_passing_childs_lines_are_repeated_as_they_come(
    tmp_path: Path, services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "child.log"
    log.write_text("of an earlier run\n")
    follower = Follower(log, Voice(tmp_path / "up.log"))
    code = services.run_once(lambda: start(order(tmp_path, "print('找到 5 个项目')")), follower)
    assert code == 0
    assert capsys.readouterr().out == "    找到 5 个项目\n"


def test_of_a_stack_trace_only_the_sentences_are_repeated(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    frames = "".join(f"\tat org.example.Deep.call{number}(Deep.java:{number}) ~[?:?]\n" for number in range(200))
    log.write_text(
        f"failed to bind to 127.0.0.1:9201\n{frames}Caused by: Address already in use\n{frames}\t... 7 more\n"
    )
    said, remedy = why_it_ended(log, 9201)
    assert said.splitlines() == ["failed to bind to 127.0.0.1:9201", "Caused by: Address already in use"]
    assert "port 9201" in remedy
    log.write_text("FATAL: no space left\n")
    assert str(log) in why_it_ended(log, 9201)[1]
