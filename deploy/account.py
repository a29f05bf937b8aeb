"""Who the local servers run as: root may not run them, so as root they get the machine's unprivileged account."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.failure import Failure

# PostgreSQL and Elasticsearch both refuse to run as root; this account exists on every usual Linux and owns nothing.
UNPRIVILEGED_USER = 65534


@dataclass(frozen=True)
class Account:
    """The user that owns the servers' folders and runs them; `user` is None when it is simply who we are."""

    user: int | None = None

    def popen_arguments(self) -> dict[str, Any]:
        """What subprocess needs to start a program as this account."""
        if self.user is None:
            return {}
        return {"user": self.user, "group": self.user, "extra_groups": []}

    def own(self, folder: Path, mode: int = 0o700) -> Path:
        """Make a folder (parents readable by the account) that belongs to the account."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.user is not None:
            os.chown(folder, self.user, self.user)
        folder.chmod(mode)
        return folder

    def give(self, path: Path, mode: int = 0o600) -> Path:
        """Hand one file to the account."""
        if self.user is not None:
            os.chown(path, self.user, self.user)
        path.chmod(mode)
        return path

    def can_reach(self, folder: Path) -> bool:
        """Whether the account can enter the folder (the kernel is asked, so access lists count too)."""
        if self.user is None:
            return os.access(folder, os.R_OK | os.X_OK)
        asked = subprocess.run(
            ["/bin/sh", "-c", 'cd "$1" && test -r .', "sh", str(folder)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            **self.popen_arguments(),
        )
        return asked.returncode == 0


# No change of user: the servers are ours.
OURSELVES = Account()


def server_account() -> Account:
    """Ourselves; for root the unprivileged account."""
    if os.geteuid() != 0:
        return OURSELVES
    try:
        pwd.getpwuid(UNPRIVILEGED_USER)
    except KeyError:
        raise Failure(
            "PostgreSQL and Elasticsearch do not run as root, and this machine has no user with number 65534 (nobody).",
            remedy="Run as a plain user, or add one: useradd --system --uid 65534 nobody.",
        ) from None
    return Account(UNPRIVILEGED_USER)
