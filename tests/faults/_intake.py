"""An intake in a process of its own, and somebody who reports without a browser; for the faults of reports."""

import asyncio
import html
import os
import re
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx

from registry.viewers import INTAKE_ROLE

_HIDDEN = re.compile(r'<input type="hidden" name="(.*?)" value="(.*?)">')
_RECEIPT = re.compile(r'id="receipt">(.*?)</p>', re.S)
# Answered in one request: the pages in between only ask.
ANSWERS = {"province": "130000", "place": "130200", "lane": "approval", "office": "none", "named": "no"}


@dataclass
class Process:
    """The intake's process, which may be killed and started again on the same port."""

    environment: dict[str, str]
    folder: Path
    port: int
    running: asyncio.subprocess.Process | None = None
    said: list[bytes] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start and wait until it answers."""
        with (self.folder / "intake.log").open("ab") as log:
            self.running = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "portal.intake.serving", "--port", str(self.port),
                env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        async with httpx.AsyncClient(base_url=self.address) as client:
            for _try in range(600):
                try:
                    if (await client.get("/health/live")).status_code == 200:
                        return
                except httpx.HTTPError:
                    await asyncio.sleep(0.1)
        raise RuntimeError("the intake did not start")

    async def kill(self) -> None:
        """As a power cut would."""
        if self.running is not None and self.running.returncode is None:
            self.running.send_signal(signal.SIGKILL)
            await self.running.wait()

    async def stop(self) -> None:
        """As an operator would."""
        if self.running is not None and self.running.returncode is None:
            self.running.terminate()
            await self.running.wait()


@asynccontextmanager
async def intake(dsn: str, folder: Path, rate: float) -> AsyncIterator[Process]:
    """An intake that enters the database by a login of its own; its temporary and data folders are in `folder`."""
    role, password = f"tg_fault_intake_{os.getpid()}", secrets.token_hex(16)
    owner = await asyncpg.connect(dsn)
    address = urlsplit(dsn)
    own = urlunsplit(address._replace(netloc=f"{role}:{password}@{address.hostname}:{address.port}"))
    for name in ("temporary", "data"):
        (folder / name).mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("THREEGATES_")}
    environment |= {
        "THREEGATES_DATABASE_URL": own,
        "THREEGATES_DATA_FOLDER": str(folder / "data"),
        "THREEGATES_INTAKE_RATE": str(rate),
        "TMPDIR": str(folder / "temporary"),
    }
    process = Process(environment, folder, port)
    try:
        await owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}' IN ROLE {INTAKE_ROLE}")
        await process.start()
        yield process
    finally:
        await process.stop()
        await owner.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'")
        await owner.execute(f"DROP ROLE IF EXISTS {role}")
        await owner.close()


def hidden(page: str) -> dict[str, str]:
    """What a page carries along."""
    return {html.unescape(name): html.unescape(value) for name, value in _HIDDEN.findall(page)}


async def check_page(client: httpx.AsyncClient, text: str, **more: str) -> dict[str, str]:
    """The fields of the page before sending, with everything answered."""
    answer = await _post(client, "/zh/report", {**ANSWERS, "what": text, **more, "step": "name", "go": "next"})
    return {**hidden(answer.text), "go": "send"}


async def send(client: httpx.AsyncClient, fields: dict[str, str]) -> tuple[int, str]:
    """Send a report; the status and the receipt."""
    answer = await _post(client, "/zh/report", fields)
    shown = _RECEIPT.search(answer.text)
    return answer.status_code, "".join(re.findall(r"<span>(.)</span>", shown[1])) if shown else ""


async def upload(
    client: httpx.AsyncClient, text: str, name: str, content: Callable[[], AsyncIterator[bytes]], boundary: str = "b0"
) -> dict[str, str]:
    """Add a file that streams; the fields of the page before sending."""
    fields = {**ANSWERS, "what": text, "step": "files", "go": "next"}

    async def body() -> AsyncIterator[bytes]:
        for field_name, value in fields.items():
            yield f'--{boundary}\r\nContent-Disposition: form-data; name="{field_name}"\r\n\r\n{value}\r\n'.encode()
        yield (
            f'--{boundary}\r\nContent-Disposition: form-data; name="upload"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        async for piece in content():
            yield piece
        yield f"\r\n--{boundary}--\r\n".encode()

    kind = {"content-type": f"multipart/form-data; boundary={boundary}"}
    answer = await client.post("/zh/report", content=body(), headers=kind)
    found = hidden(answer.text)
    return await check_page(client, text, **{k: v for k, v in found.items() if k in ("draft", "files", "files_desk")})


async def _post(client: httpx.AsyncClient, path: str, fields: dict[str, str]) -> httpx.Response:
    return await client.post(path, files=[(name, (None, value)) for name, value in fields.items()])
