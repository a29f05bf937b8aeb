"""`python -m tests.bench [NAME]`: every benchmark, or one; prints ratios measured in one run, exit 1 where one fails.

Each is a module of this folder with a command line of its own (`python -m tests.bench.sync --help`). Servers are those
of THREEGATES_DATABASE_URL and THREEGATES_ELASTICSEARCH_URL; what is not named is started for the while.
"""

import argparse
import os
import pkgutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack

import tests.bench
from tests.scratch_server import elasticsearch, server

# Benchmarks that write into Elasticsearch.
_SEARCHING = ("alerts", "indexing")


def names() -> list[str]:
    """Every benchmark: the modules of this folder."""
    return sorted(one.name for one in pkgutil.iter_modules(tests.bench.__path__) if not one.name.startswith("_"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks one after another, each in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=names(), help="one of them (default: all)")
    asked = parser.parse_args(arguments)
    chosen = [asked.name] if asked.name else names()
    failed = []
    with ExitStack() as running:
        environment = {**os.environ, "THREEGATES_DATABASE_URL": running.enter_context(server())}
        if any(name in _SEARCHING for name in chosen):
            environment["THREEGATES_ELASTICSEARCH_URL"] = running.enter_context(elasticsearch())
        for name in chosen:
            done = subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], env=environment, check=False)
            if done.returncode:
                failed.append(name)
    if failed:
        print(f"These do not hold: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
