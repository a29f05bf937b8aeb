"""PostgreSQL's own programs for a database: pg_dump and pg_restore, told its password by the environment alone."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from registry.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the programs lie, and the database they are for."""

    folder: Path
    dsn: str

    def start(self, name: str, *arguments: str, told: bool = False) -> "subprocess.Popen[bytes]":
        """Start one; with `told` it reads what we write to it, else we read what it writes."""
        address = urlsplit(self.dsn)
        # A list of processes shows arguments: no password is among them.
        plain = urlunsplit(address._replace(scheme="postgresql", netloc=_without_password(address.netloc)))
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LC_ALL": "C.UTF-8",
            "PGPASSWORD": unquote(address.password or ""),
        }
        try:
            return subprocess.Popen(
                [str(self.folder / name), f"--dbname={plain}", "--no-password", *arguments],
                env=environment,
                stdin=subprocess.PIPE if told else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if told else subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            raise Unavailable(
                f"PostgreSQL's program {name} cannot be started ({error.strerror}).",
                where=str(self.folder),
                remedy="Run `make setup`.",
            ) from error


def last_words(running: "subprocess.Popen[bytes]") -> str:
    """What a program that failed said last; pg_dump and pg_restore name tables there, and no row."""
    assert running.stderr is not None  # noqa: S101  # start() asks for it
    lines = running.stderr.read().decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in lines if "error:" in line), "it said nothing")[:300]


def _without_password(place: str) -> str:
    who, at, where = place.rpartition("@")
    return f"{who.split(':')[0]}{at}{where}"
