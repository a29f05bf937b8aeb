"""Delivering: what was announced goes out by mail and webhook, each message under its key until it is taken."""

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from jobs.channels import channels
from jobs.mailing import Letter, MailServer
from jobs.pipeline import Work
from jobs.requesting import request
from registry.alerting.bounces import stop_mailing
from registry.alerting.escalating import Passed, let_time_pass
from registry.alerting.sending import (
    Outcome,
    bundle_mails,
    claim_mails,
    claim_requests,
    drop,
    note_webhook,
    settle,
    webhooks_due,
)
from registry.alerting.spreading import spread
from registry.alerting.webhooks import signing_secrets
from registry.alerting.wording import announcements, event_of, tell
from registry.cases.reminding import remind
from registry.database import transaction
from registry.reading import Row, first
from registry.settings import settings

LOG: Final = structlog.get_logger(__name__)

# Webhooks are served side by side: one that hangs delays none of the others.
WEBHOOKS_AT_ONCE: Final = 8
# Requests to one webhook at once, and in one transaction: the longest lasts as long as one request may.
REQUESTS_AT_ONCE: Final = 8


@dataclass(slots=True)
class Delivered:
    """What one pass sent, and what failed."""

    mails: int = 0
    requests: int = 0
    failed: int = 0

    def add(self, outcome: Outcome, channel: str) -> None:
        """Count one try."""
        if outcome.problem:
            self.failed += 1
        elif channel == "mail":
            self.mails += 1
        else:
            self.requests += 1


async def let_pass(work: Work) -> Passed:
    """Remind of deadlines of cases; escalate, wake and route what time brought."""
    async with transaction(work.engine) as session:
        await remind(session, work.now())
        return await let_time_pass(session, work.now(), channels())


async def deliver(work: Work) -> Delivered:
    """Send everything that is due, until nothing is that can be sent."""
    delivered = Delivered()
    while not work.stopping.is_set():
        async with transaction(work.engine) as session:
            if not await spread(session, work.now(), channels()):
                break
    sending = [asyncio.create_task(deliver_requests(work, delivered))]
    if channels().mail:
        sending.append(asyncio.create_task(deliver_mails(work, delivered)))
    await asyncio.gather(*sending)
    work.told("deliver", delivered.mails + delivered.requests)
    return delivered


async def deliver_mails(work: Work, delivered: Delivered) -> None:
    """One mail a person for all that is due to them."""
    async with transaction(work.engine) as session:
        await bundle_mails(session, work.now())
    while not work.stopping.is_set():
        async with transaction(work.engine) as session:
            if not await _some_mails(session, work, delivered):
                return


async def _some_mails(session: AsyncSession, work: Work, delivered: Delivered) -> bool:
    messages = await claim_mails(session, work.now())
    if not messages:
        return False
    ids = {row["announcement_id"] for of in messages.values() for row in of}
    news = {row["id"]: row for row in await announcements(session, ids)}
    async with MailServer(settings()) as server:
        for key, deliveries in messages.items():
            someone = deliveries[0]
            if not someone["reachable"]:
                await drop(session, deliveries, "left", work.now())
                continue
            language = someone["language"]
            told = tuple(tell(news[one["announcement_id"]], language) for one in deliveries)
            outcome = await server.send(Letter(key, someone["email"], language, told))
            await settle(session, deliveries, outcome, work.now())
            if outcome.problem == "refused":
                await stop_mailing(session, someone["account_id"], key, outcome.problem, work.now())
            delivered.add(outcome, "mail")
    return True


async def deliver_requests(work: Work, delivered: Delivered) -> None:
    """Each webhook by itself, several side by side."""
    running: dict[int, asyncio.Task[None]] = {}
    try:
        while not work.stopping.is_set():
            async with transaction(work.engine) as session:
                due = [row["id"] for row in await webhooks_due(session, work.now())]
            for webhook in due:
                if webhook not in running and len(running) < WEBHOOKS_AT_ONCE:
                    running[webhook] = asyncio.create_task(_serve(work, webhook, delivered))
            if not running:
                return
            await asyncio.wait(running.values(), return_when=asyncio.FIRST_COMPLETED)
            for webhook in [one for one, task in running.items() if task.done()]:
                running.pop(webhook).result()
    finally:
        for task in running.values():
            task.cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)


async def _serve(work: Work, webhook: int, delivered: Delivered) -> None:
    """What is due for one webhook, a few at a time; after a failure it rests."""
    while not work.stopping.is_set():
        async with transaction(work.engine) as session:
            if not await _some_requests(session, work, webhook, delivered):
                return


async def _some_requests(session: AsyncSession, work: Work, number: int, delivered: Delivered) -> bool:
    webhook = await first(session, "SELECT * FROM webhooks WHERE id = :id", id=number)
    claimed = await claim_requests(session, number, work.now(), limit=REQUESTS_AT_ONCE)
    if not claimed or webhook is None:
        return False
    if webhook["state"] in ("paused", "removed"):
        await drop(session, claimed, webhook["state"], work.now())
        return True
    news = {row["id"]: row for row in await announcements(session, [row["announcement_id"] for row in claimed])}
    secrets = signing_secrets(webhook, work.now())
    base = settings().public_url

    async def send(one: Row) -> Outcome:
        event = event_of(news[one["announcement_id"]], base, one["message_key"])
        return await request(webhook["url"], secrets, one["message_key"], event, work.now())

    outcomes = await asyncio.gather(*(send(one) for one in claimed))
    for one, outcome in zip(claimed, outcomes, strict=True):
        await settle(session, [one], outcome, work.now())
        delivered.add(outcome, "webhook")
    failed = next((outcome for outcome in outcomes if outcome.problem), None)
    await note_webhook(session, number, failed or outcomes[-1], work.now())
    if failed is not None:
        LOG.warning("a webhook fails", webhook=number, problem=failed.problem, code=failed.code)
    return failed is None
