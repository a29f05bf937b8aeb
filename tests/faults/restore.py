"""restore: a backup restored elsewhere is the same register; a report of a month that is over is read from none."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import date
from pathlib import Path

import asyncpg
from pyrage.x25519 import Identity
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.programs import postgresql_tools
from registry.audit_anchors import append_anchor
from registry.audit_chain import newest_batch, seal_batch
from registry.auditing import audit
from registry.backups.manifest import Manifest
from registry.backups.restoring import EMPTY, restore
from registry.backups.saving import save
from registry.clock import now
from registry.database import make_engine, transaction
from registry.errors import ThreegatesError
from registry.settings import settings
from registry.tips.desks import read_desks
from registry.tips.outer_keys import destroy, key_folder, outer_identity
from registry.tips.receipts import new_receipt
from registry.tips.sealing import CannotOpen, open_sealed
from registry.tips.threads import keep_report
from registry.viewers import Viewer
from tests import tip_world
from tests.faults import world
from tests.faults.account import Account
from tests.scratch_server import database

# How many projects, and how many reports of the month that is over and of the one that is not.
SCALES = {"small": (world.PROJECTS, 2), "full": (20_000, 200)}
OVER, STANDS = date(2025, 10, 9), date(2026, 11, 20)
MARK = b"TGMARK-restore"
_SEALED = (
    "SELECT p.outer_month, string_agg(c.content, ''::bytea ORDER BY c.number) AS sealed FROM tip_parts AS p "
    "JOIN tip_chunks AS c ON c.part_id = p.id GROUP BY p.id"
)


async def run(url: str, account: Account) -> None:
    """A register with reports, saved; a month ends; restored elsewhere, and from spoilt copies."""
    projects, reports = SCALES[account.scale]
    with tempfile.TemporaryDirectory(prefix="threegates-fault-") as name:
        folder = Path(name)
        async with database(url, "fault_restore") as dsn, _empty(url) as elsewhere:
            key = Identity.generate()
            with _installation(folder / "one") as home:
                engine = make_engine(dsn)
                try:
                    desk = await _fill(engine, dsn, projects, reports)
                    await _anchor(engine, home)
                finally:
                    await engine.dispose()
                plain = await save(dsn, postgresql_tools(), folder / "plain.backup")
                saved = await save(dsn, postgresql_tools(), folder / "sealed.backup", [key.to_public()])
                outer = {month: outer_identity(month) for month in ("2025-10", "2026-11")}
                # Not a byte of what opens a month is in a backup, nor of what was reported.
                content = (folder / "plain.backup").read_bytes()
                secrets = [path.read_bytes() for path in key_folder().iterdir()]
                account.expect("outer keys in a backup", sum(one in content for one in (*secrets, MARK)), 0)
                account.expect("digests of two backups", plain.digest, saved.digest)
                destroy("2025-10")
            spoilt = await _spoilt(folder, elsewhere, key, account)
            with _installation(folder / "two") as home:
                back = await restore(elsewhere, postgresql_tools(), folder / "sealed.backup", [key])
                account.expect("digest of the restored register", back.manifest.digest, saved.digest)
                account.expect("the audit's chain and anchors", (back.audit.breach, back.audit.anchors), (None, 1))
                account.expect("files", sorted(saved.files), _files(home))
                await _reports(elsewhere, desk, outer, account, reports)
            account.counters = {**_counts(saved), "spoilt_copies_refused": spoilt, "reports": 2 * reports}


async def _fill(engine: AsyncEngine, dsn: str, projects: int, reports: int) -> list[list[Identity]]:
    """The register, its desks and reports of two months; the keys of the desk that got them."""
    await world.register(engine, projects)
    people = await tip_world.build(dsn)
    async with transaction(engine) as session:
        desk = next(one for one in await read_desks(session) if one.id == "desk-hebei")
    for day in (OVER, STANDS):
        for _report in range(reports):
            await keep_report(engine, new_receipt(), desk, MARK, None, day)
    return people.opening(desk.id, Identity.generate())[1:]


async def _anchor(engine: AsyncEngine, home: Path) -> None:
    async with transaction(engine) as session:
        await audit(session, Viewer("key", actor="tests.faults"), "register.back_up", "register")
    async with transaction(engine) as session:
        await seal_batch(session, now(), everything=True)
        newest = await newest_batch(session)
    assert newest is not None
    append_anchor(home / "audit-anchors.jsonl", now(), newest.number, newest.digest, newest.entries)


async def _spoilt(folder: Path, elsewhere: str, key: Identity, account: Account) -> int:
    """Cut and changed copies, a wrong file, the wrong key: each is refused in words, and nothing is there after."""
    refused = 0
    with _installation(folder / "three") as home:
        for name in ("plain.backup", "sealed.backup"):
            whole = (folder / name).read_bytes()
            middle = len(whole) // 2
            copies = {
                "cut": whole[:middle],
                "cut late": whole[: -len(whole) // 20],
                "changed": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
                "empty": b"",
                "another kind": b"PK\x03\x04" + whole[:4096],
            }
            for how, content in copies.items():
                copy = folder / "spoilt.backup"
                copy.write_bytes(content)
                refused += await _refused(elsewhere, copy, key, f"{name}, {how}", account)
        refused += await _refused(elsewhere, folder / "sealed.backup", Identity.generate(), "another key", account)
        account.expect("files after refusals", _files(home), [])
    connection = await asyncpg.connect(elsewhere)
    try:
        left = await connection.fetchval("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        account.expect("tables after refusals", left, 0)
    finally:
        await connection.close()
    return refused


async def _refused(elsewhere: str, copy: Path, key: Identity, how: str, account: Account) -> bool:
    try:
        await restore(elsewhere, postgresql_tools(), copy, [key])
    except ThreegatesError as error:
        account.expect(f"{how}: a remedy", bool(error.remedy), True)
        return True
    account.expect(how, "restored", "refused")
    return False


async def _reports(
    elsewhere: str, desk: list[list[Identity]], outer: dict[str, Identity], account: Account, reports: int
) -> None:
    """With every key the desk has, and every outer key there is: the month that is over opens with none."""
    connection = await asyncpg.connect(elsewhere)
    try:
        parts = await connection.fetch(_SEALED)
    finally:
        await connection.close()
    read = {"2025-10": 0, "2026-11": 0}
    for part in parts:
        try:
            open_sealed(part["sealed"], [[outer["2026-11"]], *desk])
            read[part["outer_month"]] += 1
        except CannotOpen:
            # It was the key that was missing, and nothing else.
            opened = open_sealed(part["sealed"], [[outer[part["outer_month"]]], *desk])
            account.expect("a report with its month's key", opened.content, MARK)
    account.expect("reports read of a month that is over", read["2025-10"], 0)
    account.expect("reports read of a month that stands", read["2026-11"], reports)


@contextmanager
def _installation(folder: Path) -> Iterator[Path]:
    """A data folder of its own for the while."""
    before = os.environ.get("THREEGATES_DATA_FOLDER")
    os.environ["THREEGATES_DATA_FOLDER"] = str(folder)
    settings.cache_clear()
    try:
        yield folder
    finally:
        if before is None:
            del os.environ["THREEGATES_DATA_FOLDER"]
        else:
            os.environ["THREEGATES_DATA_FOLDER"] = before
        settings.cache_clear()


@asynccontextmanager
async def _empty(url: str) -> AsyncIterator[str]:
    """The address of a database without a table."""
    async with database(url, "fault_restored") as dsn:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(EMPTY)
        finally:
            await connection.close()
        yield dsn


def _files(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())


def _counts(saved: Manifest) -> dict[str, int]:
    return {"tables": len(saved.tables), "rows": saved.rows, "dump_bytes": saved.dump_bytes}
