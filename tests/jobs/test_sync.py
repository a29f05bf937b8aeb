"""One feed's sync: whole, incremental, resumed, fenced, held and released; with a real agency over HTTP."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.agency import Agency
from connectors.fetch import fetch
from connectors.page import Page
from deploy.agencies.play import Players
from jobs import runs
from jobs.runs import LEASE
from jobs.sync import Sync, sync_feed
from registry import dirty
from registry.clock import now
from registry.database import transaction
from registry.errors import Conflict, NotFound
from registry.storing import PageCounts
from tests.faults import world
from tests.jobs.agencies import pull
from tests.registry.pages import rows


async def test_a_feed_is_read_whole_then_only_what_is_new(
    engine: AsyncEngine, players: Players, land: Agency, land_records: list[dict[str, Any]]
) -> None:
    first = await pull(engine, land)
    assert (first.state, first.counts["added"], first.counts["pages"]) == ("done", 60, 6)
    players.feed("land").publish(world.records("land", 3, 1, first=60))
    second = await pull(engine, land)
    assert (second.state, second.counts["added"], second.counts["changed"]) == ("done", 3, 0)
    assert second.counts["received"] < 20  # the overlap and the news, not all
    today = "(now() AT TIME ZONE 'Asia/Shanghai')::date"  # whose day it is, wherever the server stands
    feed = await rows(engine, f"SELECT watermark, last_complete_day < {today}, lanes FROM feeds")
    assert feed[0][0].isoformat() == world.records("land", 63, 1)[62]["source_modified"]
    assert feed[0][1:] == (True, ["land"])
    again = await pull(engine, land, full=True)
    assert (again.counts["unchanged"], again.counts["added"]) == (63, 0)


async def test_a_new_mapping_reads_the_whole_feed_again(engine: AsyncEngine, players: Players, land: Agency) -> None:
    await pull(engine, land)
    other = land.model_copy(update={"constants": {"details.told_by": "test"}})
    for cached in ("mapping_version", "page_interpreter"):
        other.__dict__.pop(cached, None)
    changed = await pull(engine, other)
    assert (changed.state, changed.counts["changed"]) == ("done", 60)


async def test_a_broken_off_run_resumes_after_its_last_page(
    engine: AsyncEngine, players: Players, land: Agency
) -> None:
    players.tell("land", "garbage", after=3)
    broken = await pull(engine, land)
    assert (broken.state, broken.counts["pages"]) == ("queued", 3)
    assert "FeedUnreadable" in broken.error
    assert (await rows(engine, "SELECT count(*) FROM records")) == [(30,)]
    async with transaction(engine) as session:
        assert await dirty.claim(session, "link") == []  # not judged before the run is whole
    players.tell("land", "normal")
    resumed = await pull(engine, land)
    assert resumed.run_id == broken.run_id
    assert (resumed.state, resumed.counts["added"], resumed.counts["unchanged"]) == ("done", 60, 0)


async def test_a_run_that_breaks_off_too_often_is_failed(engine: AsyncEngine, players: Players, land: Agency) -> None:
    players.tell("land", "garbage")
    states = [(await pull(engine, land)).state for _ in range(runs.MOST_ATTEMPTS)]
    assert states == ["queued"] * (runs.MOST_ATTEMPTS - 1) + ["failed"]


async def test_asked_to_end_it_stores_the_page_at_hand_and_stops(
    engine: AsyncEngine, players: Players, land: Agency
) -> None:
    stopping = asyncio.Event()

    def stop(feed: str, page: Page, counts: PageCounts) -> None:
        stopping.set()

    async with transaction(engine) as session:
        await runs.register_feeds(session, [land])
        run_id = await runs.open_run(session, land.id, now())
    assert run_id is not None
    outcome = await sync_feed(Sync(engine, stopping, progress=stop), land, run_id)
    assert (outcome.state, outcome.counts["pages"]) == ("queued", 1)
    assert (await pull(engine, land)).counts["added"] == 60


async def test_who_lost_the_lease_writes_nothing_more(engine: AsyncEngine, players: Players, land: Agency) -> None:
    taken: list[object] = []

    def slow(agency: Agency, **where: Any) -> Iterator[Page]:
        for number, page in enumerate(fetch(agency, **where)):
            yield page
            if number == 1 and not taken:
                taken.append(asyncio.run_coroutine_threadsafe(take_over(), loop).result())

    async def take_over() -> object:
        async with transaction(engine) as session:
            run_id = await runs.unfinished_run(session, "land")
            assert run_id is not None
        # Another host, after the lease ran out.
        await rows(engine, "UPDATE sync_runs SET worker = 'elsewhere:1:1' RETURNING id")
        async with transaction(engine) as session:
            late = now() + 2 * LEASE
            return await runs.claim_run(session, run_id, late, mapping_version=land.mapping_version)

    loop = asyncio.get_running_loop()
    loser = await pull(engine, land, fetch=slow)
    assert loser.state == "busy"
    stored = (await rows(engine, "SELECT count(*) FROM records"))[0][0]
    assert stored < 60
    assert await rows(engine, "SELECT state FROM sync_runs") == [("running",)]
    # The lease of the one who took over has not run out: nobody else reads the feed.
    await rows(engine, "UPDATE sync_runs SET worker = 'elsewhere:1:1' RETURNING id")
    assert (await pull(engine, land)).state == "busy"
    resumed = await pull(engine, land, later=4 * LEASE)
    assert (resumed.state, resumed.counts["added"]) == ("done", 60)


async def test_a_slot_has_one_run_and_a_newer_run_overtakes(
    engine: AsyncEngine, players: Players, land: Agency
) -> None:
    slot = now()
    async with transaction(engine) as session:
        await runs.register_feeds(session, [land])
        older = await runs.open_run(session, land.id, slot)
        assert await runs.open_run(session, land.id, slot) is None
        newer = await runs.open_run(session, land.id, slot + timedelta(days=1))
    assert newer is not None
    assert (await sync_feed(Sync(engine, asyncio.Event()), land, newer)).state == "done"
    assert await rows(engine, "SELECT state, error FROM sync_runs WHERE id = :run", run=older) == [
        ("failed", f"Overtaken by run {newer}.")
    ]


async def test_a_shrunken_feed_is_held_until_a_person_accepts_it(
    engine: AsyncEngine, players: Players, land: Agency, land_records: list[dict[str, Any]]
) -> None:
    await pull(engine, land)
    async with transaction(engine) as session:
        await dirty.settle(session, "link", await dirty.claim(session, "link"))
    before = await rows(engine, "SELECT watermark FROM feeds")
    players.feed("land").publish(world.records("land", 4, 1, first=60))
    players.tell("land", "shrink", share=0.5)
    held = await pull(engine, land, full=True)
    assert held.state == "held"
    assert "shrunk" in held.held_reason
    assert await rows(engine, "SELECT count(*) FROM records") == [(60,)]
    assert await rows(engine, "SELECT watermark FROM feeds") == before
    async with transaction(engine) as session:
        with pytest.raises(NotFound):
            await runs.release_run(session, 999, actor="甲", reason="已核实")
        await runs.release_run(session, held.run_id or 0, actor="甲", reason="已核实")
    assert await rows(engine, "SELECT state, held_reason LIKE '%已核实%' FROM sync_runs WHERE state <> 'done'") == [
        ("released", True)
    ]
    entered = (
        "SELECT actor, why, before ->> 'state', after ->> 'state' FROM audit_entries WHERE action LIKE 'sync_run.%'"
    )
    assert await rows(engine, entered) == [("甲", "已核实", "held", "released")]
    async with transaction(engine) as session:
        with pytest.raises(Conflict):
            await runs.release_run(session, held.run_id or 0, actor="甲", reason="again")


async def test_a_feed_that_contradicts_itself_moves_no_watermark_even_when_accepted(
    engine: AsyncEngine, players: Players, land: Agency
) -> None:
    players.tell("land", "wrong-total", by=7)
    held = await pull(engine, land)
    assert held.state == "held"
    assert "contradiction" in held.held_reason
    async with transaction(engine) as session:
        assert await dirty.claim(session, "link") == []
        await runs.release_run(session, held.run_id or 0, actor="甲", reason="已核实")
    assert await rows(engine, "SELECT watermark FROM feeds") == [(None,)]
    async with transaction(engine) as session:
        assert len(await dirty.claim(session, "link")) == held.counts["added"]


async def test_a_stamp_of_the_future_does_not_move_the_watermark_past_today(
    engine: AsyncEngine, players: Players, land: Agency, land_records: list[dict[str, Any]]
) -> None:
    players.feed("land").publish([{**land_records[0], "source_modified": "2199-01-01T00:00:00+08:00"}])
    assert (await pull(engine, land)).state == "done"
    assert await rows(engine, "SELECT watermark <= now() FROM feeds") == [(True,)]


async def test_a_malformed_record_is_quarantined_and_the_rest_is_stored(
    engine: AsyncEngine, players: Players, land: Agency, land_records: list[dict[str, Any]]
) -> None:
    players.feed("land").publish([{**land_records[0], "acted_on": "改日"}])
    outcome = await pull(engine, land)
    assert (outcome.state, outcome.counts["added"], outcome.counts["quarantined"]) == ("done", 59, 1)
    assert await rows(
        engine, "SELECT field_name, position('改日' IN convert_from(raw, 'UTF8')) > 0 FROM quarantine"
    ) == [("qdRq", True)]
