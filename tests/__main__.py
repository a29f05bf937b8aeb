"""`python -m tests`: the whole suite in two halves side by side; exit 1 when one of them fails.

A test mostly waits: for a process of the command line, for a server, for the browser. On two cores both halves
together take little longer than the longer one alone. Each starts the servers that it needs; what they say comes out
line by line.
"""

import subprocess
import sys
import threading
import time
from typing import IO, Final

# What is run in each half, one after the other; the first that fails ends the half.
HALVES: Final = {
    "portal": [["pytest", "tests/portal", "tests/deploy"]],
    "others": [
        ["tests.faults", "all", "--scale", "small"],
        ["pytest", "tests", "--ignore=tests/portal", "--ignore=tests/deploy"],
    ],
}


def _pass_on(name: str, stream: IO[str], talking: threading.Lock) -> None:
    for line in stream:
        with talking:
            print(f"{name}: {line.rstrip()}", flush=True)


def _run(name: str, commands: list[list[str]], failed: list[str], talking: threading.Lock) -> None:
    began = time.monotonic()
    for command in commands:
        with subprocess.Popen(
            [sys.executable, "-m", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None  # asked for above
            _pass_on(name, process.stdout, talking)
        if process.returncode:
            failed.append(f"{name}: {' '.join(command)} ended with {process.returncode}")
            break
    with talking:
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)


def main() -> int:
    """Run both halves to their end, whatever becomes of the other."""
    failed: list[str] = []
    talking = threading.Lock()
    threads = [threading.Thread(target=_run, args=(*half, failed, talking)) for half in HALVES.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("\n".join(failed) or "All tests passed.", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
