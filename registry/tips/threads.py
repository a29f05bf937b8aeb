"""Threads as the public intake writes and reads them: reports, files before they are sent, additions, answers.

Everything here runs as the role threegates_intake: it adds, and sees the one thread whose receipt was given. Nothing is
audited, because the audit has times.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.database import make_engine, transaction
from registry.errors import NotFound
from registry.reading import first, rows
from registry.settings import settings
from registry.tips.desks import Desk
from registry.tips.outer_keys import kept_months, month_of, outer_identity, outer_recipient
from registry.tips.receipts import Receipt, lookup_hash
from registry.tips.sealing import CHUNK, Header, bucket, open_layer, seal_bytes, seal_stream, wrap
from registry.viewers import INTAKE_ROLE

_BECOME: Final = text(
    """
    SELECT set_config('role', :role, true), set_config('threegates.permissions', '', true),
        set_config('threegates.tip_lookup', :lookup, true), set_config('threegates.tip_draft', :draft, true)
    """
)
# A thread's older answers are on further pages.
ANSWERS_A_PAGE: Final = 5
# In bytes of UTF-8: an answer fills the smallest bucket at most, so that a page of answers always has one size.
LARGEST_ANSWER: Final = 12_000


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the desk, still sealed to the receipt's key."""

    number: int
    day: date
    sealed: bytes


@dataclass(frozen=True, slots=True)
class OwnThread:
    """What whoever has the receipt may see of a thread."""

    id: str
    organisation_id: str
    day: date
    state: str
    outcome: str
    sent: int  # parts from the reporter
    answers: list[Answer]
    older: int = 0  # before which number older answers stand; 0 where there are none


@lru_cache(maxsize=1)
def intake_engine() -> AsyncEngine:
    """The intake's way to the database: at its own role's address, where it was given one."""
    return make_engine(settings().intake_dsn(), pool_size=10)


@asynccontextmanager
async def as_intake(
    engine: AsyncEngine, *, lookup: bytes | None = None, draft: bytes | None = None
) -> AsyncIterator[AsyncSession]:
    """A transaction of the public intake; `lookup` is a receipt's secret, `draft` that of files not sent yet."""
    async with transaction(engine) as session:
        await (await session.connection()).execute(
            _BECOME,
            {
                "role": INTAKE_ROLE,
                "lookup": lookup_hash(lookup).hex() if lookup else "",
                "draft": lookup_hash(draft).hex() if draft else "",
            },
        )
        yield session


async def keep_report(
    engine: AsyncEngine, receipt: Receipt, desk: Desk, said: bytes, draft: bytes | None, today: date
) -> None:
    """Seal and keep a report; the files of its draft become its own."""
    thread = _random_id()
    header = Header("report", media_type="application/json")
    sealed, outer = seal_bytes(header, said, desk.layers(outer_recipient(today))), month_of(today)
    async with as_intake(engine, lookup=receipt.lookup, draft=draft) as session:
        await _do(
            session,
            "INSERT INTO tip_threads (id, organisation_id, day, lookup_hash, recipient) "
            "VALUES (:id, :desk, :day, :hash, :recipient)",
            id=thread,
            desk=desk.id,
            day=today,
            hash=lookup_hash(receipt.lookup),
            recipient=receipt.recipient,
        )
        part = await _open_part(session, desk, today, outer, thread=thread)
        await _fill(session, part, sealed)
        await _finish(session, part, len(wrap(header, said)), -(-len(sealed) // CHUNK), 1)
        if draft is not None:
            # In the order in which they were added; an upload that broke off stays behind and is tidied away.
            await _do(
                session,
                "UPDATE tip_parts SET thread_id = :thread, draft_hash = NULL, number = number + 1 "
                "WHERE draft_hash = (SELECT my_draft()) AND complete AND organisation_id = :desk",
                thread=thread,
                desk=desk.id,
            )


async def keep_file(
    engine: AsyncEngine,
    desk: Desk,
    header: Header,
    content: AsyncIterator[bytes],
    today: date,
    *,
    lookup: bytes | None = None,
    draft: bytes | None = None,
) -> str:
    """Seal a file as it streams in, for a draft or for one's own thread; returns the part's id.

    Each chunk is a transaction of its own, so that a slow upload holds none open; what breaks off is never complete.
    """
    outer = month_of(today)
    async with as_intake(engine, lookup=lookup, draft=draft) as session:
        thread = None if lookup is None else (await _thread_of(session))["id"]
        part = await _open_part(session, desk, today, outer, thread=thread, draft=draft)
        number = await _next_number(session, thread)
    count = 0

    async def sink(chunk: bytes) -> None:
        nonlocal count
        async with as_intake(engine, lookup=lookup, draft=draft) as session:
            await _add_chunk(session, part, count, chunk)
        count += 1

    padded = await seal_stream(header, content, desk.layers(outer_recipient(today)), sink)
    async with as_intake(engine, lookup=lookup, draft=draft) as session:
        await _finish(session, part, padded, count, number)
    return part


async def keep_addition(engine: AsyncEngine, lookup: bytes, desk: Desk, said: bytes, today: date) -> None:
    """Seal and keep a further text of the reporter; NotFound where there is no such thread."""
    header = Header("addition", media_type="application/json")
    sealed = seal_bytes(header, said, desk.layers(outer_recipient(today)))
    async with as_intake(engine, lookup=lookup) as session:
        thread = (await _thread_of(session))["id"]
        part = await _open_part(session, desk, today, month_of(today), thread=thread)
        await _fill(session, part, sealed)
        number = await _next_number(session, thread)
        await _finish(session, part, bucket(len(wrap(header, said))), -(-len(sealed) // CHUNK), number)


async def drop_file(engine: AsyncEngine, draft: bytes, part: str) -> None:
    """Throw away a file that was not sent yet."""
    async with as_intake(engine, draft=draft) as session:
        await _do(session, "DELETE FROM tip_parts WHERE id = :part AND draft_hash = (SELECT my_draft())", part=part)


async def read_thread(engine: AsyncEngine, lookup: bytes, older_than: int = 2**31 - 1) -> OwnThread | None:
    """The thread of a receipt with its newest answers below a number, oldest first; None where there is none."""
    async with as_intake(engine, lookup=lookup) as session:
        thread = await first(
            session,
            "SELECT id, organisation_id, day, state, outcome, (SELECT count(*) FROM tip_parts AS p "
            "WHERE p.thread_id = t.id AND p.direction = 'in' AND p.complete) AS sent FROM tip_threads AS t "
            "WHERE lookup_hash = (SELECT my_lookup())",
        )
        # The same question either way: what is not there is not there faster.
        answers = await rows(
            session,
            "SELECT p.number, p.day, p.outer_month, (SELECT string_agg(c.content, ''::bytea ORDER BY c.number) "
            "FROM tip_chunks AS c WHERE c.part_id = p.id) AS sealed FROM tip_parts AS p "
            "WHERE p.thread_id = :thread AND p.direction = 'out' AND p.complete AND p.number < :older_than "
            "ORDER BY p.number DESC LIMIT :most",
            thread=thread["id"] if thread else "",
            older_than=older_than,
            most=ANSWERS_A_PAGE + 1,
        )
    if thread is None:
        return None
    kept = set(kept_months())
    shown = answers[:ANSWERS_A_PAGE]
    return OwnThread(
        **thread,
        answers=[
            Answer(one["number"], one["day"], open_layer(one["sealed"], [outer_identity(one["outer_month"])]))
            for one in reversed(shown)
            if one["outer_month"] in kept
        ],
        older=shown[-1]["number"] if len(answers) > ANSWERS_A_PAGE else 0,
    )


async def _thread_of(session: AsyncSession) -> dict[str, str]:
    found = await first(session, "SELECT id, organisation_id FROM tip_threads WHERE lookup_hash = (SELECT my_lookup())")
    if found is None:
        raise NotFound("No report has this receipt.", remedy="Check each character; a receipt ends with its report.")
    return dict(found)


async def _open_part(
    session: AsyncSession, desk: Desk, today: date, outer: str, *, thread: str | None, draft: bytes | None = None
) -> str:
    part = _random_id()
    await _do(
        session,
        "INSERT INTO tip_parts (id, thread_id, draft_hash, organisation_id, day, outer_month, sealed_to) "
        "VALUES (:id, :thread, :draft, :desk, :day, :outer, :sealed_to)",
        id=part,
        thread=thread,
        draft=lookup_hash(draft) if draft and thread is None else None,
        desk=desk.id,
        day=today,
        outer=outer,
        sealed_to=desk.sealed_to,
    )
    return part


async def _fill(session: AsyncSession, part: str, sealed: bytes) -> None:
    for number, at in enumerate(range(0, len(sealed), CHUNK)):
        await _add_chunk(session, part, number, sealed[at : at + CHUNK])


async def _add_chunk(session: AsyncSession, part: str, number: int, chunk: bytes) -> None:
    await _do(
        session,
        "INSERT INTO tip_chunks (part_id, number, content) VALUES (:part, :number, :content)",
        part=part,
        number=number,
        content=chunk,
    )


async def _finish(session: AsyncSession, part: str, padded: int, chunks: int, number: int) -> None:
    await _do(
        session,
        "UPDATE tip_parts SET complete = true, padded_size = :padded, chunks = :chunks, number = :number "
        "WHERE id = :part",
        part=part,
        padded=padded,
        chunks=chunks,
        number=number,
    )


async def _next_number(session: AsyncSession, thread: str | None) -> int:
    """The place after all others of the thread, or of the draft."""
    whose = "thread_id = :thread" if thread else "draft_hash = (SELECT my_draft())"
    found = await first(
        session, f"SELECT coalesce(max(number), 0) + 1 AS number FROM tip_parts WHERE {whose}", thread=thread
    )
    return int(found["number"]) if found else 1


async def _do(session: AsyncSession, statement: str, **values: object) -> None:
    await (await session.connection()).execute(text(statement), values)


def _random_id() -> str:
    return secrets.token_hex(16)
