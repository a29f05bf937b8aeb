"""The audit: only added to, sealed whatever the order of commits, its digests as docs/audit.md says."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.audit_anchors import append_anchor, read_anchors
from registry.audit_chain import newest_batch, seal_batch
from registry.audit_digests import batch_digest, entry_digest, netstrings
from registry.audit_search import AuditFilter, search_audit
from registry.audit_verifying import verify_audit
from registry.auditing import audit
from registry.database import driver, transaction
from registry.errors import BadInput
from registry.viewers import Viewer

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
PERSON = Viewer(kind="person", actor="甲", organisation_id="organisation-a")


async def write(engine: AsyncEngine, *subjects: str, action: str = "project.correct") -> None:
    """One entry a subject, committed together."""
    async with transaction(engine) as session:
        for subject in subjects:
            await audit(session, PERSON, action, "project", subject, why="更正", before={"a": 1}, after={"a": "2"})


async def seal(engine: AsyncEngine, *, everything: bool = False) -> int:
    """Entries sealed by one batch."""
    async with transaction(engine) as session:
        batch = await seal_batch(session, AT, everything=everything)
    return batch.entries if batch else 0


def test_no_two_entries_have_the_same_bytes() -> None:
    assert netstrings(["甲", "", None, "~"]) == b"3:\xe7\x94\xb2,0:,~,1:~,"
    assert netstrings(["ab", "c"]) != netstrings(["a", "bc"])
    assert netstrings([None]) != netstrings([""])


def test_digests_are_those_of_the_description() -> None:
    fields = ["1", "2026-03-01T08:00:00.000000Z", "甲", "person", "", "project.correct", "", "", "", None, None, ""]
    entry = hashlib.sha256(
        b"threegates audit entry 1\n1:1,27:2026-03-01T08:00:00.000000Z,"
        + b"3:\xe7\x94\xb2,6:person,0:,15:project.correct,0:,0:,0:,~,~,0:,"
    ).digest()
    assert entry_digest(fields) == entry
    batch = b"threegates audit batch 1\n" + bytes(32) + b"1:1,27:2026-03-01T08:00:00.000000Z,1:1," + entry
    assert batch_digest(bytes(32), 1, "2026-03-01T08:00:00.000000Z", [entry]) == hashlib.sha256(batch).digest()


@pytest.mark.parametrize("table", ["audit_entries", "audit_seals", "audit_batches"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET digest = digest", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_the_owner_cannot_change_the_audit(engine: AsyncEngine, table: str, verb: str) -> None:
    await write(engine, "1")
    await seal(engine)
    statement = verb.format(table).replace(
        "digest = digest", "actor = ''" if table == "audit_entries" else "digest = ''"
    )
    with pytest.raises(asyncpg.RestrictViolationError):
        async with transaction(engine) as session:
            await (await driver(session)).execute(statement)


async def test_an_entry_committed_late_is_sealed_late(engine: AsyncEngine) -> None:
    async with transaction(engine) as slow:
        await audit(slow, PERSON, "project.correct", "project", "slow")
        await write(engine, "fast")
        assert await seal(engine) == 1
    assert await seal(engine) == 1
    assert await seal(engine) == 0
    async with transaction(engine) as session:
        found = await verify_audit(await driver(session))
    assert (found.breach, found.entries, found.batches, found.waiting) == (None, 2, 2, 0)


async def test_what_lies_far_back_is_found_by_the_hourly_look(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.audit_chain.LOOK_BACK", 0)
    async with transaction(engine) as slow:
        await audit(slow, PERSON, "project.correct", "project", "slow")
        await write(engine, "fast")
        await seal(engine)
    assert await seal(engine) == 0
    assert await seal(engine, everything=True) == 1


async def test_one_sealer_at_a_time_and_none_waits(engine: AsyncEngine) -> None:
    await write(engine, *map(str, range(20)))
    async with transaction(engine) as session:
        assert await seal_batch(session, AT, limit=15) is not None
        assert await asyncio.wait_for(seal(engine), 5) == 0
    sealed = await asyncio.gather(*(seal(engine) for _ in range(4)))
    assert sum(sealed) == 5
    async with transaction(engine) as session:
        assert (await verify_audit(await driver(session))).holds


async def test_a_seal_that_is_taken_back_leaves_no_gap(engine: AsyncEngine) -> None:
    await write(engine, "1")
    with pytest.raises(RuntimeError, match="killed"):
        async with transaction(engine) as session:
            await seal_batch(session, AT)
            raise RuntimeError("killed")
    assert await seal(engine) == 1
    async with transaction(engine) as session:
        newest = await newest_batch(session)
    assert newest is not None
    assert (newest.number, newest.entries) == (1, 1)


async def test_anchors_are_appended_once_and_read_back(engine: AsyncEngine, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere" / "anchors.jsonl"
    assert append_anchor(file, AT, 1, bytes(32), 5)
    assert not append_anchor(file, AT + timedelta(hours=1), 1, bytes(32), 5)
    assert append_anchor(file, AT + timedelta(hours=2), 2, bytes(32), 6)
    assert [(one.batch, one.entries) for one in read_anchors(file)] == [(1, 5), (2, 6)]
    async with transaction(engine) as session:
        breach = (await verify_audit(await driver(session), read_anchors(file))).breach
    assert breach is not None
    assert breach.code == "tail_cut"
    file.write_text("{}\n")
    with pytest.raises(BadInput, match="no anchor"):
        read_anchors(file)


async def test_search_pages_newest_first_and_filters(engine: AsyncEngine) -> None:
    await write(engine, "1", "2", "3")
    await write(engine, "4", action="credit.read")
    async with transaction(engine) as session:
        first = await search_audit(session, AuditFilter(action="project"), limit=2)
        second = await search_audit(session, AuditFilter(action="project"), limit=2, cursor=first.next_cursor or "")
        nobody = await search_audit(session, AuditFilter(actor="乙"))
        read = await search_audit(session, AuditFilter(action="credit.read", subject="4"))
    assert [one.subject for one in (*first.items, *second.items)] == ["3", "2", "1"]
    assert second.next_cursor is None
    assert nobody.items == []
    assert [one.why for one in read.items] == ["更正"]
