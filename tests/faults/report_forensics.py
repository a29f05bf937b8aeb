"""report_forensics: marked reports, whole, malformed, aborted and killed; no disk holds a mark or an address after."""

import asyncio
import base64
import contextlib
import gzip
import io
import mmap
import random
import secrets
import tempfile
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx

from tests import tip_world
from tests.faults import _intake
from tests.faults.account import Account
from tests.scratch_server import database

# How many reports, how many times the process is killed in an upload, the largest file in bytes.
SCALES = {"small": (8, 1, 600_000), "full": (1_000, 20, 100 * 1024 * 1024)}
# Addresses of loopback that nobody else here uses, and what proxies and browsers would say.
ADDRESSES = ("127.83.19.77", "203.0.113.201")
BROWSER = "TGBROWSER/83.1977"
_PIECE = 65_536


async def run(url: str, account: Account) -> None:
    """Report in every way, then look through all that is on disk."""
    count, kills, largest = SCALES[account.scale]
    chance = random.Random(account.seed)
    mark = f"TGMARK{secrets.token_hex(12)}"
    control = f"TGCTRL{secrets.token_hex(12)}"
    done: dict[str, int] = {"sent": 0, "malformed": 0, "aborted": 0, "killed": 0, "bytes": 0}
    async with database(url, "fault_report_forensics") as dsn:
        owner = await asyncpg.connect(dsn)
        try:
            began = await owner.fetchval("SELECT pg_walfile_name(pg_current_wal_lsn())")
            await tip_world.build(dsn)
            with tempfile.TemporaryDirectory(prefix="threegates-fault-") as name:
                folder = Path(name)
                async with _intake.intake(dsn, folder, rate=1000) as process:
                    for number in range(count):
                        size = 1 if number == 0 else largest if number == 1 else int(largest ** chance.random() ** 2)
                        await _report(process, chance, number, mark, size, done)
                    for _kill in range(kills):
                        await _killed(process, mark, largest, done)
                    # What the scan must be able to find: the same kind of text, kept in the clear.
                    await owner.execute("CREATE TABLE control (said text)")
                    await owner.execute("INSERT INTO control VALUES ($1)", control)
                    await owner.execute("CHECKPOINT")
                    wal = await owner.fetchval("SELECT pg_walfile_name(pg_current_wal_lsn())")
                    data = Path(await owner.fetchval("SHOW data_directory"))
                    table = await owner.fetchval("SELECT pg_relation_filepath('tip_threads')")
                    places = _places(data, data / table, began, wal, folder)
                    found = await asyncio.to_thread(_scan, places, needles(mark), needles(control))
            account.expect("files that hold a mark", found.marked, [])
            account.expect("files that hold an address or a browser's name", found.addressed, [])
            account.expect("the scan finds what is kept in the clear", found.control > 0, True)
            left = [one.name for one in places if one.parent.name == "temporary"]
            account.expect("files in the temporary folder", left, [])
            kept = await owner.fetchval("SELECT count(*) FROM tip_threads")
            account.expect("reports kept", kept, done["sent"])
            whole = await owner.fetchval("SELECT count(*) FROM tip_parts WHERE thread_id IS NOT NULL AND NOT complete")
            account.expect("broken parts in threads", whole, 0)
            account.counters = {**done, "files_scanned": len(places), "bytes_scanned": found.size}
        finally:
            await owner.close()


async def _report(
    process: _intake.Process, chance: random.Random, number: int, mark: str, size: int, done: dict[str, int]
) -> None:
    """One report in one of four ways: text, with a file, malformed, aborted."""
    headers = {"user-agent": BROWSER, "x-forwarded-for": ADDRESSES[1], "referer": f"http://{ADDRESSES[1]}/{mark}"}
    transport = httpx.AsyncHTTPTransport(local_address=ADDRESSES[0])
    async with httpx.AsyncClient(base_url=process.address, headers=headers, transport=transport, timeout=600) as client:
        kind = "file" if number < 2 else chance.choice(("text", "file", "malformed", "aborted"))
        done["bytes"] += size
        if kind == "text":
            text = (mark + "示例") * (min(size, 9_000) // 50 + 1)
            fields = await _intake.check_page(client, text, who=mark, project_words=mark)
        elif kind == "file":
            fields = await _intake.upload(client, mark, f"{mark}.jpg", lambda: marked(mark, size))
        elif kind == "malformed":
            form = {"content-type": "multipart/form-data; boundary=b"}
            for body in (
                mark.encode(),
                f"--b\r\n\r\n{mark}".encode(),
                f'--b\r\nX: "{mark}\r\n\r\n{mark}--b--'.encode(),
            ):
                answer = await client.post("/zh/report", content=body, headers=form)
                assert mark not in answer.text, "a malformed form is repeated"
            done["malformed"] += 1
            return
        else:
            with contextlib.suppress(ConnectionAbortedError, httpx.HTTPError):
                await _intake.upload(client, mark, f"{mark}.jpg", lambda: marked(mark, size + _PIECE, breaks=True))
            done["aborted"] += 1
            return
        status, receipt = await _intake.send(client, fields)
        assert status == 200 and receipt, "a report was not taken"
        done["sent"] += 1


async def _killed(process: _intake.Process, mark: str, largest: int, done: dict[str, int]) -> None:
    """SIGKILL in the midst of an upload; the next report goes on."""
    uploading = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        async for piece in marked(mark, largest):
            yield piece
            uploading.set()
            await asyncio.sleep(0.01)

    async with httpx.AsyncClient(base_url=process.address, timeout=60) as client:
        going = asyncio.create_task(_intake.upload(client, mark, f"{mark}.jpg", slow))
        await uploading.wait()
        await process.kill()
        with contextlib.suppress(httpx.HTTPError):
            await going
    done["killed"] += 1
    await process.start()


async def marked(mark: str, size: int, *, breaks: bool = False) -> AsyncIterator[bytes]:
    """A file full of the mark, in every form that is looked for."""
    block = b"|".join([mark.encode(), mark.encode("utf-16-le"), base64.b64encode(mark.encode()), _zipped(mark)])
    left = size
    block *= _PIECE // len(block) + 1
    while left > 0:
        piece = block[: min(left, _PIECE)]
        left -= len(piece)
        yield piece
    if breaks:
        raise ConnectionAbortedError


def needles(mark: str) -> list[bytes]:
    """The mark as it would look in each encoding, whatever stands before it in base64."""
    plain = mark.encode()
    shifted = [base64.b64encode(b"\0" * shift + plain)[4:-4] for shift in range(3)]
    return [plain, mark.encode("utf-16-le"), mark.encode("utf-16-be"), *shifted]


def _zipped(mark: str) -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as stream:
        stream.write(mark.encode())
    return packed.getvalue()


def _places(data: Path, table: Path, began: str, ended: str, folder: Path) -> list[Path]:
    """Every file that could hold something: the database's own, the log ahead since we began, logs, our folders."""
    files = [*table.parent.glob("*"), *(data / "base" / "pgsql_tmp").glob("*")]
    files += [one for one in (data / "pg_wal").glob("0*") if began <= one.name <= ended]
    files += [data.parents[1] / "postgresql.log", *(data / "log").glob("*")]
    files += list(folder.rglob("*"))
    return [one for one in files if one.is_file() and one.stat().st_size]


@dataclass
class Scan:
    """Which files hold what."""

    marked: list[str] = field(default_factory=list)
    addressed: list[str] = field(default_factory=list)
    control: int = 0
    size: int = 0


def _scan(places: list[Path], marks: list[bytes], controls: list[bytes]) -> Scan:
    """Which files hold what."""
    told = [address.encode() for address in ADDRESSES] + [BROWSER.encode()]
    found = Scan()
    for path in places:
        for content in _contents(path):
            found.size += len(content)
            if any(content.find(one) >= 0 for one in marks):
                found.marked.append(path.name)
            if _unzipped_holds(content, marks[0]):
                found.marked.append(f"{path.name} (gzip)")
            if any(content.find(one) >= 0 for one in told):
                found.addressed.append(path.name)
            found.control += any(content.find(one) >= 0 for one in controls)
    return found


def _contents(path: Path) -> Iterator[mmap.mmap]:
    with (
        contextlib.suppress(FileNotFoundError, ValueError),
        path.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        yield content


def _unzipped_holds(content: mmap.mmap, mark: bytes) -> bool:
    """Whether something packed in the file holds the mark."""
    at = content.find(b"\x1f\x8b\x08")
    while at >= 0:
        with contextlib.suppress(zlib.error):
            if mark in zlib.decompressobj(31).decompress(content[at : at + 4096]):
                return True
        at = content.find(b"\x1f\x8b\x08", at + 1)
    return False
