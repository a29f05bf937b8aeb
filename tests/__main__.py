"""`python -m tests`: types and the whole suite, some parts side by side; exit 1 when one of them fails.

A test mostly waits: for a process of the command line, for a server, for the browser. So three parts at a time take two
cores no longer than two would. All parts share one PostgreSQL and one Elasticsearch, in which each has its own names,
and one prepared database that tests clone; what the parts say comes out line by line with the seconds since the start.
"""

import asyncio
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Final

from deploy.postgresql import FORGETFUL
from tests.scratch_server import TEMPLATE_OF_ALL, elasticsearch, make_template, server

PYTEST: Final = ["pytest", "--durations=15", "--durations-min=2"]
# The longest first; whichever place is free takes the next.
PARTS: Final = {
    "portal": [*PYTEST, "tests/portal"],
    "registry": [*PYTEST, "tests/registry"],
    "faults": ["tests.faults", "all", "--scale", "small"],
    "deploy": [*PYTEST, "tests/deploy"],
    "rest": [*PYTEST, "tests", *(f"--ignore=tests/{room}" for room in ("portal", "registry", "deploy"))],
}
# Asks no server: begins while they start.
TYPES: Final = {"types": ["mypy", "--strict"]}
PLACES: Final = 3
# The lines that say what is wrong; the last of them are said again at the very end, where whoever sees no more than the
# end of a long log finds them.
TELLING: Final = re.compile(r"^(FAILED|ERROR|E  ) |: error:|\): BROKEN;")
TOLD_AGAIN: Final = 12


class Parts:
    """What is to be run, what runs, and what failed."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.waiting: queue.SimpleQueue[tuple[str, list[str]]] = queue.SimpleQueue()
        self.running: dict[str, subprocess.Popen[str]] = {}
        self.failed: list[str] = []
        self.talking = threading.Lock()

    def say(self, name: str, text: str) -> None:
        """One line, with who says it and when."""
        with self.talking:
            print(f"{time.monotonic() - self.began:4.0f} s {name}: {text}", flush=True)

    def run(self, name: str, command: list[str]) -> None:
        """Run one part to its end."""
        began = time.monotonic()
        telling = deque[str](maxlen=TOLD_AGAIN)
        with subprocess.Popen(
            [sys.executable, "-m", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            self.running[name] = process
            assert process.stdout is not None  # asked for above
            for line in process.stdout:
                self.say(name, line.rstrip())
                if TELLING.search(line):
                    telling.append(line.rstrip())
        del self.running[name]
        if process.returncode:
            self.failed += telling
            self.failed.append(f"{name}: {' '.join(command)} ended with {process.returncode}")
        self.say(name, f"{'FAILED' if process.returncode else 'passed'} in {time.monotonic() - began:.0f} s")

    def run_waiting(self) -> None:
        """Take what waits, one after the other, until nothing does."""
        while True:
            try:
                name, command = self.waiting.get_nowait()
            except queue.Empty:
                return
            self.run(name, command)

    def end(self, number: int, _frame: Any) -> None:
        """Asked to end: so must the parts, and the servers after them."""
        while not self.waiting.empty():
            self.waiting.get_nowait()
        for process in list(self.running.values()):
            process.terminate()
        raise SystemExit(128 + number)


def main() -> int:
    """Run every part to its end, whatever becomes of the others."""
    parts = Parts()
    signal.signal(signal.SIGTERM, parts.end)
    with ExitStack() as servers, ThreadPoolExecutor(max_workers=PLACES) as places:
        begun = [places.submit(parts.run, *part) for part in TYPES.items()]
        # Both at once: each waits for itself.
        with ThreadPoolExecutor(max_workers=1) as beside:
            search = elasticsearch()
            address = beside.submit(search.__enter__)
            os.environ["THREEGATES_DATABASE_URL"] = url = servers.enter_context(server(FORGETFUL))
            os.environ[TEMPLATE_OF_ALL] = asyncio.run(make_template(url))
            os.environ["THREEGATES_ELASTICSEARCH_URL"] = address.result()
            servers.push(search)
        parts.say("servers", "ready")
        for part in PARTS.items():
            parts.waiting.put(part)
        begun += [places.submit(parts.run_waiting) for _ in range(PLACES)]
        for one in begun:
            one.result()
    print("\n".join(parts.failed) or "All tests passed.", flush=True)
    return 1 if parts.failed else 0


if __name__ == "__main__":
    sys.exit(main())
