"""The flow within one worker: each step's batches set the following steps going at once, not when the last is done."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import structlog

from jobs import delivering, pipeline
from jobs.pipeline import Work

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


class Flow:
    """The steps of one process: each runs once at a time, and once more when it was asked for meanwhile."""

    def __init__(self, work: Work) -> None:
        self.work = work
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
        def told(step: str, count: int) -> None:
            self._follow(name)

        name = step
        while not self.work.stopping.is_set():
            self._again.discard(step)
            await STEPS[step](replace(self.work, told=told))
            self._follow(step)
            if step not in self._again:
                return

    def _follow(self, step: str) -> None:
        if not self.work.stopping.is_set():
            for following in FOLLOWING.get(step, ()):
                self._start(following)


def _say(task: "asyncio.Task[None]") -> None:
    """What nobody waits for must not fail in silence; its marks are still there, and the scheduler looks again."""
    if not task.cancelled() and (error := task.exception()) is not None:
        LOG.error("a step broke off", error=type(error).__name__)
