"""A sync in a process of its own that kills itself at a chosen point, or waits to be killed."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from connectors.agency import load_agencies
from connectors.fetch import fetch
from connectors.page import Page
from jobs import sync as jobs_sync
from jobs.logs import hush
from jobs.sync import Sync, sync_now
from registry import storing
from registry.database import make_engine
from registry.names import normalise

# Where a sync is killed. `any` is wherever the parent's SIGKILL happens to hit it.
POINTS: Final = ("any", "fetch", "before store", "after store", "before checkpoint", "after checkpoint", "after commit")
# Imported by the fork server: every child has them ready.
AGENCIES: Final = load_agencies()
normalise("唐山示例钢铁有限公司年产一百万吨炼钢项目")


def die() -> None:
    """End at once, as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def run(dsn: str, environment: dict[str, str], size: int, point: str, count: int, begun: Any) -> None:
    """Sync the land feed, pages of `size`; die at the point, the `count`-th time it is passed; 0 exit when done."""
    hush()
    os.environ.update(environment)
    left = [count]

    def pass_by(name: str) -> None:
        if name == point:
            left[0] -= 1
            if left[0] <= 0:
                die()

    _watch_storing(pass_by)
    begun.set()
    outcome = asyncio.run(_sync(dsn, size, pass_by))
    if outcome.state != "done":
        raise SystemExit(f"{outcome.state}: {outcome.error or outcome.held_reason}")


def _watch_storing(pass_by: Callable[[str], None]) -> None:
    """Put the points around the steps of store_page: its marks are written with the merge."""
    merge, audit = storing._merge, storing._audit

    async def watched_merge(*arguments: Any) -> None:
        pass_by("before store")
        await merge(*arguments)
        pass_by("after store")

    async def watched_audit(*arguments: Any) -> None:
        pass_by("before checkpoint")
        await audit(*arguments)
        pass_by("after checkpoint")

    setattr(storing, "_merge", watched_merge)  # noqa: B010 - a point inside the transaction, of this process alone
    setattr(storing, "_audit", watched_audit)  # noqa: B010


async def _sync(dsn: str, size: int, pass_by: Callable[[str], None]) -> jobs_sync.Outcome:
    agency = AGENCIES["land"]
    agency = agency.model_copy(update={"paging": agency.paging.model_copy(update={"size": size})})

    def watched_fetch(*arguments: Any, **named: Any) -> Iterator[Page]:
        for page in fetch(*arguments, **named):
            pass_by("fetch")
            yield page

    engine = make_engine(dsn)
    with_all = Sync(engine, asyncio.Event(), progress=lambda *_: pass_by("after commit"))
    try:
        return await sync_now(replace(with_all, fetch=watched_fetch), agency)
    finally:
        await engine.dispose()
