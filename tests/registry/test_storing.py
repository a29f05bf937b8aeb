"""Storing a page: all or nothing, nothing twice, the same end state from every order, and no harm to neighbours."""

import itertools
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.page import Rejected
from registry.database import transaction
from registry.storing import PageCounts, StaleToken, store_page
from tests.registry.pages import AT, open_run, page, rows, rows_of, store

V1 = {"source_key": "a", "source_modified": "2026-01-01T00:00:00+08:00", "party_name": "甲（示例）钢铁有限公司"}
V2 = {**V1, "source_modified": "2026-01-02T00:00:00+08:00", "party_name": "乙示例钢铁有限公司"}
B = {"source_key": "b", "source_modified": "2026-01-01T08:00:00+08:00", "amount": Decimal("12.340")}
CURRENT = "SELECT source_key, party_name FROM records WHERE known_to = 'infinity' ORDER BY 1"


async def test_a_page_is_stored_with_audit_marks_checkpoint_and_normal_names(engine: AsyncEngine) -> None:
    writer = await open_run(engine)
    details = {"stated_capacity": [{"product": "crude_steel", "amount": Decimal("1000000.5")}], "details": {"x": "y"}}
    assert await store(engine, writer, page([{**V1, **details}, B])) == PageCounts(added=2)
    stored = await rows(
        engine,
        "SELECT source_key, party_name_normal, amount, stated_capacity->0->>'amount', details->>'x', run_id, known_from"
        " FROM records ORDER BY source_key",
    )
    assert stored == [
        ("a", "甲示例钢铁有限公司", None, "1000000.5", "y", writer.run_id, AT),
        ("b", None, Decimal("12.340"), None, None, writer.run_id, AT),
    ]
    assert await rows(engine, "SELECT count(*) FROM dirty_marks WHERE purpose = 'link' AND kind = 'record'") == [(2,)]
    audit = await rows(engine, "SELECT number, received, added, octet_length(digest) FROM sync_pages")
    assert audit == [(1, 2, 2, 16)]
    run = await rows(engine, "SELECT pages, received, added, checkpoint->>'label' FROM sync_runs")
    assert run == [(1, 2, 2, "page 1")]


async def test_the_same_page_again_changes_nothing(engine: AsyncEngine) -> None:
    writer = await open_run(engine)
    await store(engine, writer, page([V1, B]))
    assert await store(engine, writer, page([V1, B]), AT + timedelta(hours=1)) == PageCounts(unchanged=2)
    assert await rows(engine, "SELECT count(*) FROM records") == [(2,)]


async def test_a_change_closes_the_old_version_and_keeps_the_identity(engine: AsyncEngine) -> None:
    writer = await open_run(engine)
    await store(engine, writer, page([V1]))
    later = AT + timedelta(hours=1)
    assert await store(engine, writer, page([V2]), later) == PageCounts(changed=1)
    versions = await rows(
        engine, "SELECT record_id, party_name, known_from, known_to = 'infinity' FROM records ORDER BY known_from"
    )
    assert versions[0][0] == versions[1][0]
    assert [version[1:] for version in versions] == [
        (V1["party_name"], AT, False),
        (V2["party_name"], later, True),
    ]
    assert await rows(engine, "SELECT count(*) FROM records WHERE known_to = :later", later=later) == [(1,)]


async def test_a_clock_set_back_closes_no_version_before_it_began(engine: AsyncEngine) -> None:
    writer = await open_run(engine)
    await store(engine, writer, page([V1]))
    await store(engine, writer, page([V2]), AT - timedelta(days=1))
    assert await rows(engine, "SELECT count(*) FROM records WHERE known_to <= known_from") == [(0,)]


SAME_STAMP = {**V2, "party_name": "丙示例钢铁有限公司"}


@pytest.mark.parametrize("order", list(itertools.permutations([V1, V2, SAME_STAMP])))
async def test_every_order_ends_in_the_same_state(engine: AsyncEngine, order: tuple[dict[str, Any], ...]) -> None:
    writer = await open_run(engine)
    for version in order:
        await store(engine, writer, page([version]))
    apart = await rows(engine, CURRENT)
    other = await open_run(engine, "together")
    counts = await store(engine, other, page(list(order)))
    together = await rows(engine, CURRENT + ", feed")
    assert apart == [("a", max(V2["party_name"], SAME_STAMP["party_name"]))]
    assert together == apart * 2
    assert (counts.added, counts.stale, counts.received) == (1, 2, 3)


async def test_what_follows_a_page_in_its_transaction_can_still_undo_all_of_it(engine: AsyncEngine) -> None:
    writer = await open_run(engine)
    arrived = page([V1, B])
    with pytest.raises(RuntimeError):
        async with transaction(engine) as session:
            await store_page(session, writer, arrived, rows_of(arrived), AT)
            raise RuntimeError
    for table in ("records", "sync_pages", "dirty_marks"):
        assert await rows(engine, f"SELECT count(*) FROM {table}") == [(0,)]
    assert await rows(engine, "SELECT pages, received, checkpoint FROM sync_runs") == [(0, 0, None)]


async def test_a_stale_token_writes_nothing(engine: AsyncEngine) -> None:
    writer = await open_run(engine)
    newer = await open_run(engine)
    for stale in (writer, replace(newer, token=newer.token + 1), replace(newer, run_id=writer.run_id)):
        with pytest.raises(StaleToken):
            await store(engine, stale, page([V1]))
    assert await rows(engine, "SELECT count(*) FROM records") == [(0,)]
    assert await store(engine, newer, page([V1])) == PageCounts(added=1)


async def test_a_bad_record_harms_itself_alone(engine: AsyncEngine) -> None:
    writer = await open_run(engine)
    good = [{**B, "source_key": f"good {number}"} for number in range(7)]
    poison = [
        {**B, "source_key": "nul in json", "details": {"x": "\0"}},
        {**B, "source_key": "nul in text", "address": "\0"},
        {**B, "source_key": "no date", "acted_on": "soon"},
        {**B, "source_key": "too long for an index", "party_name": "".join(map(chr, range(0x4E00, 0x8E00)))},
        {**B, "source_key": "refused", "broken": "not a date: soon"},
        {**B, "source_key": "nul\0key"},
    ]
    rejected = [Rejected(13, b"\xff\0<", "", "not an entry", None)]
    mixed = [one for pair in itertools.zip_longest(good, poison) for one in pair if one is not None]
    arrived = page(mixed, rejected=rejected)
    counts = await store(engine, writer, arrived)
    quarantined = await rows(engine, "SELECT source_key, raw, reason FROM quarantine")
    stored = {key for (key,) in await rows(engine, "SELECT source_key FROM records")}
    raws = dict(zip(arrived.keys, arrived.raws, strict=True))
    bad = {key for key, _, _ in quarantined}
    assert {one["source_key"] for one in good} <= stored
    assert bad | stored >= {"nul in json", "nul in text", "no date", "refused", "too long for an index"}
    assert {"nul in json", "nul in text", "no date", "refused"} <= bad
    assert all(raw == raws[key] for key, raw, _ in quarantined if key in raws)
    assert (b"\xff\0<", "not an entry") in [(raw, reason) for _, raw, reason in quarantined]
    assert counts.quarantined == len(quarantined)
    assert counts.received == len(mixed) + 1
    again = await store(engine, writer, arrived)
    assert again.quarantined == counts.quarantined
    assert await rows(engine, "SELECT count(*) FROM quarantine") == [(len(quarantined),)]


async def test_a_later_readable_version_resolves_the_quarantine(engine: AsyncEngine) -> None:
    writer = await open_run(engine)
    await store(engine, writer, page([{**V1, "broken": "unknown category"}]))
    open_ones = "SELECT count(*) FROM quarantine WHERE resolved_at IS NULL"
    assert await rows(engine, open_ones) == [(1,)]
    await store(engine, writer, page([V2]))
    assert await rows(engine, open_ones) == [(0,)]


async def test_a_new_mapping_reads_everything_anew(engine: AsyncEngine) -> None:
    writer = await open_run(engine)
    await store(engine, writer, page([V1]))
    assert await store(engine, replace(writer, mapping_version="mapping-2"), page([V1])) == PageCounts(changed=1)


async def test_a_sound_run_takes_over_what_it_confirms_of_a_held_one(engine: AsyncEngine) -> None:
    held = await open_run(engine)
    await store(engine, held, page([V1, B]))
    await rows(engine, "UPDATE sync_runs SET state = 'held' RETURNING id")
    sound = await open_run(engine)
    await store(engine, sound, page([V1]))
    marks = await rows(engine, "SELECT run_id FROM dirty_marks ORDER BY run_id")
    assert marks == [(held.run_id,), (sound.run_id,)]
