"""Where a run keeps its things, below the data folder of the settings."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from deploy.account import Account
from deploy.failure import Failure
from deploy.programs import REACHABLE_BY_ALL


@dataclass(frozen=True)
class Places:
    """The folders of one installation; `servers` differs from `data` only when root's servers cannot reach `data`."""

    data: Path
    servers: Path

    @property
    def state(self) -> Path:
        """What runs, at which addresses, and how far the start is."""
        return self.data / "run" / "state.json"

    @property
    def processes(self) -> Path:
        """What was started, for a later run that finds it left over."""
        return self.data / "run" / "processes.json"

    @property
    def lock(self) -> Path:
        """Held by the one supervisor of this folder."""
        return self.data / "run" / "supervisor.lock"

    @property
    def agencies(self) -> Path:
        """Where the played agencies write their addresses."""
        return self.data / "run" / "agencies.json"

    @property
    def api_key(self) -> Path:
        """The key of the programming interface, which the portal makes at its first start."""
        return self.data / "run" / "api-key"

    @property
    def demo(self) -> Path:
        """The demo's generated files."""
        return self.data / "demo"

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.data / "logs" / f"{name}.log"

    def moved(self) -> bool:
        """Whether the servers' data lies outside the data folder."""
        return self.servers != self.data


def find_places(data: Path, account: Account) -> Places:
    """Make the data folder and decide where the servers' data goes."""
    data = data.absolute()
    for name in ("run", "logs"):
        try:
            (data / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Failure(
                f"The folder {data / name} cannot be made ({error.strerror}).",
                remedy="Make its parent yours (chown), or let THREEGATES_DATA_FOLDER name another folder.",
            ) from error
        if not os.access(data / name, os.W_OK):
            raise Failure(
                f"The folder {data / name} cannot be written.",
                remedy="Make it yours (chown), or let THREEGATES_DATA_FOLDER name another folder.",
            )
    if account.can_reach(data):
        return Places(data, data)
    servers = REACHABLE_BY_ALL / hashlib.sha256(bytes(data)).hexdigest()[:16]
    servers.mkdir(parents=True, exist_ok=True)
    return Places(data, servers)
