"""A PostgreSQL 18 of our own on loopback: prepare its folder, start it, see whether it answers, stop it."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import psutil

from deploy.account import OURSELVES, Account
from deploy.failure import Failure
from deploy.ports import LOOPBACK
from deploy.processes import Child, Order, Running, last_lines, start, why_it_ended

SUPERUSER = "threegates"
DATABASE = "threegates"
# The roles of registry.viewers, as which the portal and the jobs enter; rooms below import nothing of each other.
PORTAL = "threegates_portal"
JOBS = "threegates_jobs"
# The public intake's.
INTAKE = "threegates_intake"
# Where the password of each is kept, in the server's folder.
PASSWORDS = {SUPERUSER: "password", PORTAL: "portal-password", JOBS: "jobs-password", INTAKE: "intake-password"}
# Recovery after a hard stop replays the log of up to max_wal_size; minutes on a slow disk.
START_SECONDS = 300

# Durable by default: what the register has said it keeps survives a power cut.
SETTINGS = {
    # A part of the machine's memory: what a national register reads again and again stays at hand.
    "shared_buffers": f"{min(1024, max(256, psutil.virtual_memory().total // 2**20 // 16))}MB",
    "max_connections": "100",
    # Judging locks each project that a batch touches; with room for them a big batch holds nobody else up.
    "max_locks_per_transaction": "128",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A refused row or a failing statement would be written to the log with all it holds.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "password_encryption": "scram-sha-256",
}

# Only for databases that nobody will miss: tests.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "512MB"}


@dataclass(frozen=True)
class PostgreSQL:
    """One server: the `folder` is ours, `data` in it the account's; port and password are known before it starts."""

    folder: Path
    binaries: Path
    port: int
    account: Account = OURSELVES
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """The data folder of the server."""
        return self.folder / "data"

    def url(self, database: str = DATABASE, role: str = SUPERUSER) -> str:
        """The address of a database as a role enters it: it holds the password, so it goes to no page and no log."""
        return f"postgresql://{role}:{self._password(role)}@{LOOPBACK}:{self.port}/{database}"

    def prepare(self) -> None:
        """Make the data folder at first use."""
        self._password()
        if (self.data / "PG_VERSION").exists():
            self._check_version()
            self._await_orphans()
            self._clear_stale_lock()
            return
        self.account.own(self.data)
        if any(self.data.iterdir()):
            raise Failure(
                f"{self.data} holds something that is not a PostgreSQL database (an interrupted first start?).",
                remedy=f"If nothing in it is needed, delete the folder {self.data} and run again.",
            )
        with tempfile.NamedTemporaryFile("w", dir=self._reachable_scratch(), prefix="password-") as file:
            file.write(self._password() + "\n")
            file.flush()
            self.account.give(Path(file.name))
            # LC_CTYPE=C would make pg_trgm return nothing for Chinese names, silently.
            command = [str(self.binaries / "initdb"), "--pgdata", str(self.data), "--locale=C.UTF-8", "--encoding=UTF8"]
            command += [f"--username={SUPERUSER}", f"--pwfile={file.name}", "--auth=scram-sha-256", "--no-instructions"]
            made = subprocess.run(
                command,
                cwd="/",
                env=_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                **self.account.popen_arguments(),
            )
        if made.returncode != 0:
            raise Failure(
                f"PostgreSQL's initdb failed: {made.stderr.decode('utf-8', 'replace').strip()[-600:]}",
                remedy=f"Correct that, delete {self.data}, and run again.",
            )

    def start(self, log: Path) -> Child:
        """Start the server; `wait_ready` says when it answers."""
        settings = {
            **SETTINGS,
            **self.settings,
            "port": str(self.port),
            "listen_addresses": LOOPBACK,
            # No socket file: its path may have 107 bytes at most, and a project's folder may be longer.
            "unix_socket_directories": "",
        }
        command = [str(self.binaries / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return start(Order("postgresql", command, log, str(self.data), _environment(), Path("/"), self.account))

    def left_over(self) -> Running | None:
        """The server that still runs on this data folder, by its own lock file."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            running = Running("postgresql", int(lines[0]), float(lines[2]), "", str(self.data))
        except (OSError, ValueError, IndexError):
            return None
        try:
            process = psutil.Process(running.pid)
            # The lock file has whole seconds and is written a moment after the start.
            ours = "postgres" in process.name() and str(self.data) in process.cmdline()
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                return Running("postgresql", running.pid, process.create_time(), process.cmdline()[0], str(self.data))
        except psutil.Error:
            pass
        return None

    def wait_ready(self, child: Child, log: Path, seconds: float = START_SECONDS) -> None:
        """Wait until the database `threegates` exists and answers."""
        deadline = time.monotonic() + seconds
        while True:
            if child.ended() is not None:
                said, remedy = why_it_ended(log, self.port)
                raise Failure(f"PostgreSQL ended while starting:\n{said}", remedy=remedy)
            if self.is_healthy():
                asyncio.run(self._create_database())
                return
            if time.monotonic() > deadline:
                raise Failure(
                    f"PostgreSQL did not answer within {seconds:.0f} s:\n{last_lines(log)}",
                    remedy=f"See {log}; after a hard stop it may need longer: run again.",
                )
            time.sleep(0.1)

    def is_healthy(self) -> bool:
        """Whether it answers a query now."""
        try:
            return asyncio.run(answers(self.url("postgres")))
        except (OSError, asyncpg.PostgresError, TimeoutError, asyncpg.InterfaceError):
            return False

    def stop(self, child: Child, seconds: float = 10) -> bool:
        """Fast shutdown: open transactions roll back, everything confirmed is on disk."""
        return child.end(polite=signal.SIGINT, seconds=seconds)

    def _await_orphans(self, seconds: float = 30) -> None:
        """After a hard stop the server's children hold its shared memory for a moment; a new server needs them gone."""
        deadline = time.monotonic() + seconds
        while orphans := self._orphans():
            if time.monotonic() > deadline:
                for orphan in orphans:
                    with contextlib.suppress(psutil.Error):
                        orphan.kill()
            time.sleep(0.1)

    def _clear_stale_lock(self) -> None:
        """Remove the lock file of a server that was killed: its number may be a zombie's or another program's by now.

        PostgreSQL only asks whether a process of that number exists, and would refuse to start. No server and no child
        of one is left here: `left_over` and `_await_orphans` have looked at the processes themselves.
        """
        if self.left_over() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _orphans(self) -> list[psutil.Process]:
        if self.left_over() is not None:
            return []
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.name().startswith("postgres") and process.cwd() == str(self.data):
                    found.append(process)
        return found

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text(encoding="utf-8").strip()
        if found != "18":
            raise Failure(
                f"{self.data} was written by PostgreSQL {found}; this is PostgreSQL 18.",
                remedy="Dump it with the old version (pg_dumpall) and restore it here; docs/operators.md says how.",
            )

    def _password(self, role: str = SUPERUSER) -> str:
        """The password of a role, made at first use, readable by us alone."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / PASSWORDS[role]
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24), encoding="ascii")
        return path.read_text(encoding="ascii").strip()

    def _reachable_scratch(self) -> Path:
        return self.account.own(self.folder / "scratch")

    async def _create_database(self) -> None:
        connection = await asyncpg.connect(self.url("postgres"), timeout=10)
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f'CREATE DATABASE "{DATABASE}"')
            rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
            for role in (PORTAL, JOBS, INTAKE):
                if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                    await connection.execute(f"CREATE ROLE {role}")
                # At each start: the file says what the password is. Only what it is checked by goes over.
                secret = scram_secret(self._password(role))
                await connection.execute(f"ALTER ROLE {role} {rights} PASSWORD '{secret}'")
        finally:
            await connection.close()


def scram_secret(password: str) -> str:
    """What PostgreSQL keeps of a password (RFC 5803), so that the password itself is in no statement and no log."""
    salt, rounds = secrets.token_bytes(16), 4096
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored, server = hashlib.sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256")
    said = [base64.b64encode(one).decode() for one in (salt, stored, server)]
    return f"SCRAM-SHA-256${rounds}:{said[0]}${said[1]}:{said[2]}"


async def answers(url: str) -> bool:
    """Whether a query is answered at an address; raises what the driver raises."""
    connection = await asyncpg.connect(url, timeout=5)
    try:
        return bool(await connection.fetchval("SELECT 1") == 1)
    finally:
        await connection.close()


def _environment() -> dict[str, str]:
    """Nothing of ours but the path: PG* variables of the caller must not steer our server."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
