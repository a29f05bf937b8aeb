"""Child processes: each in its own process group, with a bounded log, remembered so that a later run finds it again."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from deploy.account import OURSELVES, Account

LOG_LIMIT = 10 * 1024 * 1024
# One line of a Java stack trace below its sentence.
FRAME = re.compile(r"\s+(at \S+\(|\.\.\. \d+ more)")


@dataclass(frozen=True)
class Running:
    """What identifies a process we started, even after its number was given to another one."""

    name: str
    pid: int
    started: float
    program: str
    mark: str

    def is_alive(self) -> bool:
        """Whether this very process still runs."""
        try:
            found = psutil.Process(self.pid)
            return abs(found.create_time() - self.started) < 1 and found.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def group(self) -> list[psutil.Process]:
        """This process and everything in its group; nothing if the number belongs to somebody else by now."""
        members = []
        for process in psutil.process_iter():
            try:
                if os.getpgid(process.pid) != self.pid or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                if process.pid == self.pid and abs(process.create_time() - self.started) >= 1:
                    return []
                orphan = process.pid != self.pid and not self.is_alive()
                if orphan and not (process.create_time() >= self.started - 1 and _carries(process, self.mark)):
                    continue
                members.append(process)
            except (psutil.Error, OSError):
                continue
        return members


def _carries(process: psutil.Process, mark: str) -> bool:
    """Whether the command line or the environment of a process names our folder."""
    return any(mark in part for part in process.cmdline()) or mark in "\n".join(process.environ().values())


@dataclass(frozen=True)
class Order:
    """How to start one child; `mark` is a path of our data by which its whole family can be told from others."""

    name: str
    command: list[str]
    log: Path
    mark: str
    environment: dict[str, str]
    folder: Path
    account: Account = OURSELVES


@dataclass(frozen=True)
class Child:
    """A process of this run: the handle that collects its end, and what a later run knows it by."""

    process: subprocess.Popen[bytes]
    running: Running

    def ended(self) -> int | None:
        """Its exit code, None while it runs."""
        return self.process.poll()

    def end(self, *, polite: int = signal.SIGTERM, seconds: float = 10) -> bool:
        """Ask it to end, wait, then kill its group; False when it had to be killed."""
        peaceful = end(self.running, polite=polite, seconds=seconds, collect=self.process.poll)
        self.process.wait(timeout=5)
        return peaceful


def start(order: Order) -> Child:
    """Start a child in a session of its own, so that a Ctrl-C at the terminal reaches only the supervisor."""
    order.log.parent.mkdir(parents=True, exist_ok=True)
    bound_log(order.log)
    with order.log.open("ab") as log:
        child = subprocess.Popen(
            order.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=order.folder,
            env=order.environment,
            start_new_session=True,
            **order.account.popen_arguments(),
        )
    started = time.time()
    with contextlib.suppress(psutil.Error):  # it may have ended at once; the caller sees that by poll()
        started = psutil.Process(child.pid).create_time()
    return Child(child, Running(order.name, child.pid, started, order.command[0], order.mark))


def end(
    running: Running,
    *,
    polite: int = signal.SIGTERM,
    seconds: float = 10,
    collect: Callable[[], object] = lambda: None,
) -> bool:
    """Ask a process to end and wait; after `seconds` its whole group is killed. False when it had to be killed."""
    if running.is_alive():
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, polite)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        collect()
        if not running.group():
            return True
        time.sleep(0.05)
    for process in running.group():
        try:
            process.kill()
        except psutil.Error:
            continue
    deadline = time.monotonic() + 5
    while running.group() and time.monotonic() < deadline:
        collect()
        time.sleep(0.05)
    return False


def bound_log(log: Path, limit: int = LOG_LIMIT) -> None:
    """Keep a log below its limit: the older half of the story goes to NAME.1, writers append on."""
    try:
        if log.stat().st_size <= limit:
            return
    except FileNotFoundError:
        return
    older = log.with_name(log.name + ".1")
    with log.open("rb") as source, older.open("wb") as target:
        source.seek(max(0, log.stat().st_size - limit))
        while chunk := source.read(1 << 20):
            target.write(chunk)
    os.truncate(log, 0)


def last_lines(log: Path, count: int = 12) -> str:
    """The end of a log, for a message about why something failed: its sentences without the frames of stack traces."""
    try:
        with log.open("rb") as source:
            source.seek(max(0, log.stat().st_size - 65536))
            text = source.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return "(no log)"
    return "\n".join([line for line in text.splitlines() if line.strip() and not FRAME.match(line)][-count:])


def why_it_ended(log: Path, port: int) -> tuple[str, str]:
    """What a server that ended while starting said, and the remedy."""
    said = last_lines(log)
    if "ddress already in use" in said:
        return said, f"Another program took port {port} meanwhile. Run again: the next free one is taken."
    return said, f"The whole story is in {log}."


def write_json(path: Path, value: object, mode: int = 0o600) -> None:
    """Write a JSON file so that a reader sees the old or the new content, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=mode)
    draft.chmod(mode)
    draft.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
    draft.replace(path)


def remember(path: Path, processes: list[Running]) -> None:
    """Write down what runs, for the next run."""
    write_json(path, [asdict(process) for process in processes])


def recall(path: Path) -> list[Running]:
    """What an earlier run wrote down; an unreadable file counts as nothing."""
    try:
        return [Running(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []
