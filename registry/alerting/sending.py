"""Deliveries on their way: which are due, who takes them, and what became of each try.

A message is claimed by a lock that ends with the sender's transaction: a killed sender leaves it due, and it goes out
again under the same key. What was sent is settled in the same transaction as its log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.clocks import RETRIES, retry_at
from registry.history import Instant
from registry.reading import Row, rows

# Deliveries of one person that go as one mail at most.
BUNDLED: Final = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try: `problem` empty when it was taken; `final` when no other try can help."""

    problem: str = ""
    code: int | None = None
    took_ms: int = 0
    final: bool = False


async def bundle_mails(session: AsyncSession, at: datetime) -> int:
    """Give what is due to one person one message key; it keeps it, however often it is sent. Returns how many rows."""
    connection = await session.connection()
    return (
        await connection.execute(
            text(
                """
                WITH due AS (
                    SELECT id, account_id FROM deliveries WHERE state = 'pending' AND channel = 'mail'
                      AND message_key = '' AND due_at <= :at ORDER BY id LIMIT 20000 FOR UPDATE SKIP LOCKED
                ),
                placed AS (
                    SELECT id, account_id, (row_number() OVER (PARTITION BY account_id ORDER BY id) - 1) / :most AS part
                    FROM due
                ),
                keys AS MATERIALIZED (
                    SELECT account_id, part, concat('mail_', replace(gen_random_uuid()::text, '-', '')) AS key
                    FROM placed GROUP BY account_id, part
                )
                UPDATE deliveries AS d SET message_key = k.key FROM placed AS p JOIN keys AS k USING (account_id, part)
                WHERE d.id = p.id
                """
            ).bindparams(bindparam("at", type_=Instant), bindparam("most", type_=BigInteger)),
            {"at": at, "most": BUNDLED},
        )
    ).rowcount


_MESSAGES: Final = """
SELECT message_key FROM (
    SELECT message_key, min(due_at) AS due FROM deliveries
    WHERE state = 'pending' AND channel = 'mail' AND message_key <> '' AND due_at <= :at
    GROUP BY message_key ORDER BY due, message_key LIMIT :limit
) AS waiting WHERE pg_try_advisory_xact_lock(hashtextextended(message_key, 1))
"""
# Read after the lock is held: another sender may have settled it just before.
_OF_MESSAGES: Final = """
SELECT d.id, d.message_key, d.announcement_id, d.account_id, d.organisation_id, d.attempts, d.mode,
    a.email, a.language, a.state = 'active' AND a.email <> '' AS reachable
FROM deliveries AS d JOIN accounts AS a ON a.id = d.account_id
WHERE d.message_key = ANY(:keys) AND d.state = 'pending' ORDER BY d.id
"""
_REQUESTS: Final = """
SELECT d.id, d.message_key, d.announcement_id, d.webhook_id, d.organisation_id, d.attempts
FROM deliveries AS d
WHERE d.state = 'pending' AND d.channel = 'webhook' AND d.webhook_id = :webhook AND d.due_at <= :at
ORDER BY d.due_at, d.id LIMIT :limit FOR UPDATE SKIP LOCKED
"""
_WEBHOOKS: Final = """
SELECT h.id, h.state FROM webhooks AS h
WHERE (h.state IN ('paused', 'removed') OR h.state = 'active' AND coalesce(h.rests_until, '-infinity') <= :at)
  AND EXISTS (SELECT FROM deliveries AS d WHERE d.webhook_id = h.id AND d.state = 'pending' AND d.due_at <= :at)
ORDER BY h.id
"""


async def delivery_waits(session: AsyncSession, at: datetime) -> bool:
    """Whether something was announced and not spread yet, or is due to be sent."""
    connection = await session.connection()
    waits = await connection.scalar(
        text(
            "SELECT EXISTS (SELECT FROM announcements WHERE spread_at IS NULL) "
            "OR EXISTS (SELECT FROM deliveries WHERE state = 'pending' AND due_at <= :at)"
        ).bindparams(bindparam("at", type_=Instant)),
        {"at": at},
    )
    return bool(waits)


async def claim_mails(session: AsyncSession, at: datetime, *, limit: int = 20) -> dict[str, list[Row]]:
    """Messages that are due and nobody else is sending, by key, each with its deliveries."""
    connection = await session.connection()
    found = await connection.execute(
        text(_MESSAGES).bindparams(bindparam("at", type_=Instant)), {"at": at, "limit": limit}
    )
    keys = list(found.scalars())
    messages: dict[str, list[Row]] = {}
    for row in await rows(session, _OF_MESSAGES, keys=keys) if keys else []:
        messages.setdefault(row["message_key"], []).append(row)
    return messages


async def webhooks_due(session: AsyncSession, at: datetime) -> list[Row]:
    """Webhooks that something is due for and that do not rest after a failure; also those that are no more."""
    return await rows(session, _WEBHOOKS, at=at)


async def claim_requests(session: AsyncSession, webhook: int, at: datetime, *, limit: int) -> list[Row]:
    """What is due for one webhook and nobody else is sending."""
    connection = await session.connection()
    found = await connection.execute(
        text(_REQUESTS).bindparams(bindparam("at", type_=Instant)), {"webhook": webhook, "at": at, "limit": limit}
    )
    return [dict(row) for row in found.mappings()]


async def settle(session: AsyncSession, deliveries: Sequence[Row], outcome: Outcome, at: datetime) -> None:
    """Note one try at one message, and what follows: sent, tried again later, or given up."""
    first = deliveries[0]
    connection = await session.connection()
    await connection.execute(
        text(
            "INSERT INTO delivery_attempts (message_key, organisation_id, at, took_ms, outcome, code, deliveries) "
            "VALUES (:key, :organisation, :at, :took, :outcome, :code, :count)"
        ).bindparams(bindparam("at", type_=Instant)),
        {
            "key": first["message_key"],
            "organisation": first["organisation_id"],
            "at": at,
            "took": outcome.took_ms,
            "outcome": outcome.problem or "sent",
            "code": outcome.code,
            "count": len(deliveries),
        },
    )
    attempts = first["attempts"] + 1
    again = retry_at(at, attempts) if outcome.problem and not outcome.final else None
    state = "sent" if not outcome.problem else "pending" if again else "given_up"
    await _change(session, deliveries, state, outcome.problem, attempts, again or at, None if again else at)


async def drop(session: AsyncSession, deliveries: Sequence[Row], problem: str, at: datetime) -> None:
    """Deliveries that nobody is to get any more."""
    if deliveries:
        await _change(session, deliveries, "dropped", problem, deliveries[0]["attempts"], at, at)


async def _change(
    session: AsyncSession,
    deliveries: Sequence[Row],
    state: str,
    problem: str,
    attempts: int,
    due: datetime,
    settled: datetime | None,
) -> None:
    await (await session.connection()).execute(
        text(
            "UPDATE deliveries SET state = :state, problem = :problem, attempts = :attempts, due_at = :due, "
            "settled_at = :settled WHERE id = ANY(:ids)"
        ).bindparams(
            bindparam("state", type_=Text),
            bindparam("ids", type_=ARRAY(BigInteger)),
            bindparam("due", type_=Instant),
            bindparam("settled", type_=Instant),
        ),
        {
            "state": state,
            "problem": problem,
            "attempts": attempts,
            "due": due,
            "settled": settled,
            "ids": [one["id"] for one in deliveries],
        },
    )


async def note_webhook(session: AsyncSession, webhook: int, outcome: Outcome, at: datetime) -> None:
    """What a try says of the webhook itself: after each failure it rests longer, in the end it is disabled."""
    connection = await session.connection()
    if not outcome.problem:
        await connection.execute(
            text(
                "UPDATE webhooks SET failures = 0, rests_until = NULL, problem = '', succeeded_at = :at WHERE id = :id"
            ).bindparams(bindparam("at", type_=Instant)),
            {"at": at, "id": webhook},
        )
        return
    failures = await connection.scalar(
        text(
            "UPDATE webhooks SET failures = failures + 1, problem = :problem, failed_at = :at WHERE id = :id "
            "RETURNING failures"
        ).bindparams(bindparam("at", type_=Instant)),
        {"problem": outcome.problem, "at": at, "id": webhook},
    )
    ends = outcome.problem in ("gone", "unsafe-address", "secret-lost") or failures > len(RETRIES)
    rests = retry_at(at, min(failures or 1, len(RETRIES)))
    await connection.execute(
        text(
            "UPDATE webhooks SET rests_until = :rests, state = CASE WHEN :ends AND state = 'active' THEN 'disabled' "
            "ELSE state END, version = version + CASE WHEN :ends THEN 1 ELSE 0 END WHERE id = :id"
        ).bindparams(bindparam("rests", type_=Instant)),
        {"rests": rests, "ends": ends, "id": webhook},
    )
