"""Dirty marks: claimed once, settled only while unchanged, silent about what an unsettled run brought."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from registry import dirty
from registry.database import transaction


async def _run(engine: AsyncEngine, state: str) -> int:
    async with transaction(engine) as session:
        connection = await session.connection()
        await connection.execute(text("INSERT INTO feeds (id) VALUES ('land') ON CONFLICT DO NOTHING"))
        row = await connection.execute(
            text("INSERT INTO sync_runs (feed, slot, state) VALUES ('land', clock_timestamp(), :state) RETURNING id"),
            {"state": state},
        )
        return int(row.scalar_one())


async def _marked(engine: AsyncEngine, purpose: dirty.Purpose, ids: list[int], run_id: int | None = None) -> None:
    async with transaction(engine) as session:
        await dirty.mark(session, purpose, "record", ids, run_id=run_id)


async def _claimable(engine: AsyncEngine, purpose: dirty.Purpose = "link") -> list[int]:
    async with transaction(engine) as session:
        return sorted(dirty.ids_of(await dirty.claim(session, purpose), "record"))


async def test_a_claim_is_exclusive_and_settling_removes_it(engine: AsyncEngine) -> None:
    await _marked(engine, "link", [3, 1, 2, 2])
    async with transaction(engine) as one, transaction(engine) as other:
        mine = await dirty.claim(one, "link", limit=2)
        theirs = await dirty.claim(other, "link", limit=2)
        assert sorted(claim.id for claim in [*mine, *theirs]) == [1, 2, 3]
        assert await dirty.settle(one, "link", mine) == 2
    assert await _claimable(engine) == [theirs[0].id]


async def test_a_mark_renewed_while_claimed_survives(engine: AsyncEngine) -> None:
    await _marked(engine, "link", [1])
    async with transaction(engine) as session:
        claims = await dirty.claim(session, "link")
        renewing = asyncio.create_task(_marked(engine, "link", [1]))
        await asyncio.wait([renewing], timeout=0.2)
        assert not renewing.done()  # it waits for the claimer, so that nothing slips between
        await dirty.settle(session, "link", claims)
    await renewing
    assert await _claimable(engine) == [1]


async def test_an_old_claim_does_not_settle_a_newer_mark(engine: AsyncEngine) -> None:
    await _marked(engine, "link", [1])
    async with transaction(engine) as session:
        claims = await dirty.claim(session, "link")
    await _marked(engine, "link", [1])
    async with transaction(engine) as session:
        assert await dirty.settle(session, "link", claims) == 0
    assert await _claimable(engine) == [1]


@pytest.mark.parametrize("state", ["queued", "running", "held"])
async def test_marks_of_an_unsettled_run_are_not_claimed(engine: AsyncEngine, state: str) -> None:
    held, done = await _run(engine, state), await _run(engine, "done")
    await _marked(engine, "link", [1, 2], held)
    await _marked(engine, "link", [3], done)
    await _marked(engine, "judge", [1, 3])
    # Someone else's reason to look at record 2 again does not uncover what the held run brought.
    await _marked(engine, "link", [2])
    assert await _claimable(engine) == [3]
    assert await _claimable(engine, "judge") == [3]
    async with transaction(engine) as session:
        connection = await session.connection()
        assert sorted((await connection.execute(text(dirty.UNSETTLED_RECORDS))).scalars()) == [1, 2]
        assert (await dirty.waiting(session)) == {"link": 1, "judge": 2, "alert": 0, "index": 0, "held": 2}
        await connection.execute(text("UPDATE sync_runs SET state = 'released' WHERE id = :run"), {"run": held})
    assert await _claimable(engine) == [1, 2, 3]


async def test_rolling_back_the_change_takes_its_mark_along(engine: AsyncEngine) -> None:
    with pytest.raises(RuntimeError):
        async with transaction(engine) as session:
            await dirty.mark(session, "link", "record", [1])
            raise RuntimeError
    assert await _claimable(engine) == []


async def test_the_small_runs_are_worked_off_beside_the_big_ones_and_what_follows_keeps_its_turn(
    engine: AsyncEngine,
) -> None:
    small, big = await _run(engine, "done"), await _run(engine, "done")
    await _marked(engine, "judge", list(range(1000, 1000 + dirty.MOST_SMALL + 1)), big)
    await _marked(engine, "judge", [1, 2], small)
    await _marked(engine, "judge", [3])
    async with transaction(engine) as one, transaction(engine) as other:
        claims = await dirty.claim(one, "judge", lane="small")
        assert sorted(dirty.ids_of(claims, "record")) == [1, 2, 3]
        assert dirty.run_of(claims) == small
        beside = await dirty.claim(other, "judge", lane="big", limit=100)
        assert {claim.run for claim in beside} == {big}
        await dirty.settle(other, "judge", beside)
    # The last of a big run are small.
    async with transaction(engine) as session:
        assert len(await dirty.claim(session, "judge", lane="small")) == dirty.MOST_SMALL + 1 - 100 + 3
        assert await dirty.claim(session, "judge", lane="big") == []
