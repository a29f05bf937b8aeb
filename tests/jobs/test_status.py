"""The state of feeds as people read it: a run that broke off is failing, and says why and when it is tried again."""

import io
from datetime import timedelta

from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.agency import Agency
from deploy.agencies.play import Players
from jobs.status import Status, status
from portal.commands.status import show
from registry.clock import now
from registry.database import transaction
from tests.jobs.agencies import pull


async def _status(engine: AsyncEngine, land: Agency) -> Status:
    async with transaction(engine) as session:
        return await status(session, [land], now())


def _shown(found: Status) -> str:
    written = io.StringIO()
    console = Console(width=200, file=written)
    show(found, console)
    return written.getvalue()


async def test_a_feed_that_awaits_its_next_try_is_said_to_fail_with_reason_and_hour(
    engine: AsyncEngine, players: Players, land: Agency
) -> None:
    players.tell("land", "garbage", after=3)
    began = now()
    outcome = await pull(engine, land)
    assert (outcome.state, outcome.retry_after) == ("queued", 30)
    (feed,) = (await _status(engine, land)).feeds
    run = feed.last_run
    assert run is not None
    assert run.failing
    assert run.state == "queued"
    assert run.retry_at is not None
    assert timedelta(seconds=30) <= run.retry_at - began < timedelta(seconds=90)
    assert run.error_zh.startswith("答复不是 JSON")
    assert run.error_en.startswith("The answer is not JSON")
    assert "http://" not in run.error_zh + run.error_en
    said = _shown(await _status(engine, land))
    assert "失败 · failed" in said
    assert "queued" not in said
    assert "land: 未能读完。答复不是 JSON" in said
    assert "下次尝试：" in said
    assert "Next try: " in said
    # Twice as long the second time; once it is read there is nothing to say.
    assert (await pull(engine, land)).retry_after == 60
    players.tell("land", "normal")
    await pull(engine, land)
    (feed,) = (await _status(engine, land)).feeds
    assert feed.last_run is not None
    assert (feed.last_run.failing, feed.last_run.retry_at, feed.last_run.error_zh) == (False, None, "")


async def test_a_held_feed_is_named_with_its_reason_and_what_to_do(
    engine: AsyncEngine, players: Players, land: Agency
) -> None:
    await pull(engine, land)
    players.tell("land", "shrink", share=0.5)
    outcome = await pull(engine, land, full=True)
    assert outcome.state == "held"
    said = _shown(await _status(engine, land))
    assert f"land: 第 {outcome.run_id} 次同步已暂扣，待人工核实。登记库中同一时段已有 60 条记录" in said
    assert f"threegates sync land --release {outcome.run_id} --reason" in said
