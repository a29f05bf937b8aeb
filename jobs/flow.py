"""The flow within one worker: each step's batches set the following steps going at once, not when the last is done.

Steps that work off marks run in two lanes, the small runs and the big ones, each in a process of its own: one record of
one agency does not wait for a batch of another's hundred thousand, nor for the turns its rows take in Python.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from jobs import delivering, pipeline
from jobs.pipeline import Work
from registry.dirty import PURPOSES, Lane

LOG: Final = structlog.get_logger(__name__)

Step = Callable[[Work], Awaitable[object]]

STEPS: Final[dict[str, Step]] = {
    "link": pipeline.link,
    "judge": pipeline.judge,
    "judge_nation": pipeline.judge_everything,
    "alert": pipeline.alert,
    "deliver": delivering.deliver,
    "let_pass": delivering.let_pass,
    "index": pipeline.index,
}
# What a batch of a step gives work to.
FOLLOWING: Final[dict[str, tuple[str, ...]]] = {
    "link": ("judge", "index"),
    "judge": ("alert", "index"),
    "judge_nation": ("alert", "index"),
    "alert": ("deliver",),
    "let_pass": ("deliver",),
}


# Of two transactions that wait for each other PostgreSQL ends one: deadlock, serialisation.
GIVE_WAY: Final = frozenset({"40P01", "40001"})


class Flow:
    """The steps of one process: each runs once at a time, and once more when it was asked for meanwhile.

    `tell` says to the other processes what they may begin with; delivering is left to those that do the small runs.
    """

    def __init__(self, work: Work, lane: Lane, tell: Callable[[str], Awaitable[None]]) -> None:
        self.work = replace(work, lane=lane)
        self.tell = tell
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()

    async def run(self, step: str) -> None:
        """Do a step until nothing awaits it; what follows goes on beside. Raises what the step raises."""
        await asyncio.shield(self._start(step))

    def begin(self, step: str) -> None:
        """Set a step going and wait for nothing."""
        self._start(step)

    def _start(self, step: str) -> asyncio.Task[None]:
        running = self._running.get(step)
        if running is not None and not running.done():
            self._again.add(step)
            return running
        task = self._running[step] = asyncio.create_task(self._do(step))
        task.add_done_callback(_say)
        return task

    async def _do(self, step: str) -> None:
        name, batches = step, list[int]()

        def told(step: str, count: int) -> None:
            batches.append(count)
            self._follow(name)

        while not self.work.stopping.is_set():
            self._again.discard(step)
            batches.clear()
            try:
                await STEPS[step](replace(self.work, told=told))
            except DBAPIError as error:
                if _state(error) not in GIVE_WAY:
                    raise
                # Nothing of the batch was kept: its marks are there to be claimed again.
                LOG.warning("a step gave way to another process", step=step, sqlstate=_state(error))
                continue
            if batches:
                self._follow(step)
                if step in PURPOSES:
                    # Of a big run the last few are small, and what grew meanwhile is big.
                    await self.tell(step)
            if step not in self._again:
                return

    def _follow(self, step: str) -> None:
        if not self.work.stopping.is_set():
            for following in FOLLOWING.get(step, ()):
                self._following(following)

    def _following(self, step: str) -> None:
        asyncio.ensure_future(self.tell(step)).add_done_callback(_say)
        if step in PURPOSES or self.work.lane == "small":
            self._start(step)


def _say(task: "asyncio.Future[None]") -> None:
    """What nobody waits for must not fail in silence; its marks are still there, and the scheduler looks again."""
    if not task.cancelled() and (error := task.exception()) is not None:
        LOG.error("a step broke off", error=type(error).__name__, sqlstate=_state(error))


def _state(error: BaseException) -> str:
    """PostgreSQL's code of what went wrong; its sentence may hold what the statement did, which is for nobody's log."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""
