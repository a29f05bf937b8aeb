"""`make clean-demo`: forget the local register, its index and the demo's files, so that the next run starts anew."""

import os
import shutil
import sys
from pathlib import Path

from deploy.account import server_account
from deploy.places import find_places
from deploy.postgresql import PostgreSQL
from deploy.processes import end, recall
from deploy.state import read_state


def main() -> int:
    """Delete the data of this folder's own servers; existing servers of the settings are never touched."""
    places = find_places(Path(os.environ.get("THREEGATES_DATA_FOLDER", ".threegates")), server_account())
    state = read_state(places.state)
    if state is not None:
        print(f"threegates runs at {state['address']}; end it first (Ctrl-C).", file=sys.stderr)
        return 1
    if not places.demo.exists():
        print(f"{places.data} holds no demo; nothing was deleted. A register without a demo is never deleted here.")
        return 0
    for running in recall(places.processes):
        end(running, seconds=10)
    if (old := PostgreSQL(places.servers / "postgresql", Path(), 0).left_over()) is not None:
        end(old, seconds=10)
    for folder in (places.servers / "postgresql", places.servers / "elasticsearch", places.data / "run", places.demo):
        if folder.exists():
            print(f"deleting {folder}")
            shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
