"""The state file of a run: its steps and addresses, written by the supervisor, read by every other process."""

import json
import os
import threading
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psutil

from deploy.processes import write_json

StepState = Literal["waiting", "starting", "ready", "failed"]


@dataclass
class Step:
    """One step of the start, with its words for people in both languages."""

    name: str
    text_zh: str
    text_en: str
    state: StepState = "waiting"
    since: str = ""


@dataclass
class State:
    """All steps and addresses; every change is on disk before the next thing happens."""

    path: Path
    address: str
    environment: dict[str, str]
    steps: list[Step]
    pid: int = field(default_factory=os.getpid)
    agencies: dict[str, str] = field(default_factory=dict)
    # Where the public reports.
    intake: str = ""
    stopping: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        for step in self.steps:
            step.since = _now()
        self._write()

    def set(self, name: str, state: StepState) -> Step:
        """Move one step on."""
        with self.lock:
            step = next(step for step in self.steps if step.name == name)
            step.state, step.since = state, _now()
            self._write()
            return step

    def set_agencies(self, addresses: dict[str, str]) -> None:
        """Note where the played agencies listen."""
        with self.lock:
            self.agencies = addresses
            self.environment.update(addresses)
            self._write()

    def stop(self) -> None:
        """Say that the run is ending; its addresses lead nowhere from now on."""
        with self.lock:
            self.stopping = True
            self._write()

    def _write(self) -> None:
        document = {
            "pid": self.pid,
            "started": psutil.Process(self.pid).create_time(),
            "stopping": self.stopping,
            "address": self.address,
            "intake": self.intake,
            "database_url": self.environment.get("THREEGATES_DATABASE_URL"),
            "elasticsearch_url": self.environment.get("THREEGATES_ELASTICSEARCH_URL"),
            "agencies": self.agencies,
            "environment": self.environment,
            "steps": [asdict(step) for step in self.steps],
        }
        # It holds the database's password: for us alone.
        write_json(self.path, document, mode=0o600)


def _now() -> str:
    """The wall clock, for people who read the state file; no decision rests on it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def read_state(path: Path) -> dict[str, Any] | None:
    """The state of the run that is alive now; None when none is, or when its file may not be read."""
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        alive = abs(psutil.Process(state["pid"]).create_time() - state["started"]) < 1
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None
    return state if alive else None


def running_environment(data_folder: Path) -> dict[str, str]:
    """The addresses of the run in this data folder as environment variables; empty when nothing runs."""
    state = read_state(data_folder.absolute() / "run" / "state.json")
    if state is None or state["stopping"]:
        return {}
    return {str(name): str(value) for name, value in state["environment"].items()}
