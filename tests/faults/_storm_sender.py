"""A sender of alert_storm in a process of its own, to be killed anywhere; the rules are read once for all of them."""

import asyncio
from typing import Any

from jobs.delivering import deliver
from jobs.logs import hush
from jobs.pipeline import Work, alert
from registry.database import make_engine
from registry.rules.reading import rules
from search.client import servers

rules()


def send(dsn: str, begun: Any) -> None:
    """Raise what is marked and deliver, again and again until somebody kills it."""
    hush()

    async def work() -> None:
        job = Work(make_engine(dsn), asyncio.Event(), servers)
        begun.set()
        while True:
            await alert(job)
            await deliver(job)

    asyncio.run(work())
