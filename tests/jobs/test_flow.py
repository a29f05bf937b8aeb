"""The flow of one worker: a step that PostgreSQL ends for another's sake is done again; what else fails is told."""

import asyncio
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from jobs import flow
from jobs.flow import Flow
from jobs.pipeline import Work
from search.client import servers


class _Told(Exception):
    """What the driver says, with PostgreSQL's code."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


@pytest.mark.parametrize(("state", "times"), [("40P01", 2), ("40001", 2), ("23505", 1)])
async def test_a_step_that_had_to_give_way_is_done_again(
    monkeypatch: pytest.MonkeyPatch, state: str, times: int
) -> None:
    done: list[str] = []

    async def link(work: Work) -> None:
        done.append("link")
        if len(done) == 1:
            raise DBAPIError("UPDATE", {}, _Told(state))
        work.told("link", 3)

    async def judge(work: Work) -> None:
        done.append("judge")

    monkeypatch.setitem(flow.STEPS, "link", link)
    monkeypatch.setitem(flow.STEPS, "judge", judge)
    monkeypatch.setitem(flow.FOLLOWING, "link", ("judge",))

    async def tell(step: str) -> None:
        return None

    no_database: Any = None
    given = Flow(Work(no_database, asyncio.Event(), servers), "small", tell)
    if times == 1:
        with pytest.raises(DBAPIError):
            await given.run("link")
    else:
        await given.run("link")
        await asyncio.sleep(0)
    assert done[:times] == ["link"] * times
    assert ("judge" in done) == (times == 2)
