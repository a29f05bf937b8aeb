"""What a desk does with reports: its list without content, triage, links, answers and parts, all of them still sealed.

The register never sees a word of a report: what is opened is opened on officers' own machines.
"""

import secrets
from datetime import date
from typing import Any, Final

import pyrage
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.auditing import audit
from registry.errors import BadInput, Conflict, NotFound
from registry.reading import Row, first, rows
from registry.tips.outer_keys import kept_months, month_of, outer_identity, outer_recipient
from registry.tips.sealing import CHUNK, LARGEST_FILE, SMALLEST_BUCKET, bucket
from registry.viewers import Viewer
from registry.working_days import is_reckoned, working_day_after, working_days_left

# Working days within which a report is acknowledged, and answered.
ACKNOWLEDGE_WITHIN: Final = 1
ANSWER_WITHIN: Final = 10
# What came of a report, in words that say nothing of it.
OUTCOMES: Final = ("upheld", "partly_upheld", "not_upheld", "passed_on", "too_little", "not_ours")
LINK_KINDS: Final = ("project", "case", "finding", "enterprise")
# From which state a step leads where.
_STEPS: Final = {
    "acknowledge": (("received",), "acknowledged"),
    "examine": (("received", "acknowledged"), "examined"),
    "close": (("received", "acknowledged", "examined", "answered"), "closed"),
}
_AGE: Final = b"age-encryption.org/v1\n"
# A sealed answer: the smallest bucket, and what age adds for a receipt's and a desk's keys.
LARGEST_SEALED_ANSWER: Final = SMALLEST_BUCKET + 8 * 1024
# A sealed file: its bucket and two layers of age.
LARGEST_SEALED_PART: Final = bucket(LARGEST_FILE) + 1024 * 1024
_CHUNKS_AT_ONCE: Final = 8
_FOUND: Final = {
    "project": "SELECT 1 AS one FROM projects WHERE CAST(id AS text) = :reference",
    "case": "SELECT 1 AS one FROM cases WHERE number = :reference",
    "finding": "SELECT 1 AS one FROM findings WHERE fingerprint = :reference LIMIT 1",
    "enterprise": "SELECT 1 AS one FROM enterprises WHERE CAST(id AS text) = :reference",
}

_THREADS: Final = (
    "SELECT t.id, t.organisation_id, o.name_zh, o.name_en, t.day, t.state, t.acknowledged_on, t.answered_on, "
    "t.closed_on, t.outcome, t.recipient, p.parts, p.size, p.last, p.seals FROM tip_threads AS t "
    "JOIN tip_offices AS o ON o.id = t.organisation_id CROSS JOIN LATERAL (SELECT count(*) AS parts, "
    "coalesce(sum(padded_size), 0) AS size, max(day) AS last, array_agg(DISTINCT sealed_to) AS seals "
    "FROM tip_parts WHERE thread_id = t.id AND direction = 'in' AND complete) AS p"
)


def with_clock(thread: Row, today: date) -> Row:
    """A thread with what is due next: `due` (None where nothing is), `left` working days, `late`, `reckoned`."""
    due = None
    if thread["state"] == "received":
        due = working_day_after(thread["day"], ACKNOWLEDGE_WITHIN)
    elif thread["state"] != "closed" and thread["answered_on"] is None:
        due = working_day_after(thread["day"], ANSWER_WITHIN)
    return {
        **thread,
        "due": due,
        "late": due is not None and due < today,
        "left": 0 if due is None else working_days_left(today, due),
        "reckoned": due is not None and is_reckoned(due),
    }


async def desk_list(session: AsyncSession, today: date, *, closed: bool = False) -> list[Row]:
    """The reports that the viewer's desk has, what is due first; without content, which nobody here has."""
    found = await rows(
        session, f"{_THREADS} WHERE (t.state = 'closed') = :closed ORDER BY t.day, t.id LIMIT 500", closed=closed
    )
    listed = [with_clock(one, today) for one in found]
    return sorted(listed, key=lambda one: (one["due"] is None, one["due"] or one["day"], one["day"]))


async def thread_file(session: AsyncSession, thread: str, today: date) -> Row:
    """One thread with its parts and links; NotFound where it is none of the viewer's desk."""
    found = await first(session, f"{_THREADS} WHERE t.id = :thread", thread=thread)
    if found is None:
        raise NotFound("Your desk has no such report.", where=thread)
    kept = set(kept_months())
    parts = await rows(
        session,
        "SELECT id, number, direction, day, padded_size, outer_month, sealed_to FROM tip_parts "
        "WHERE thread_id = :thread AND complete ORDER BY number, id",
        thread=thread,
    )
    links = await rows(
        session,
        "SELECT kind, reference, linked_on FROM tip_links WHERE thread_id = :thread ORDER BY kind, reference",
        thread=thread,
    )
    return {
        **with_clock(found, today),
        "parts": [{**one, "readable": one["outer_month"] in kept} for one in parts],
        "links": links,
    }


async def take_step(
    session: AsyncSession, viewer: Viewer, thread: str, step: str, today: date, *, outcome: str = ""
) -> None:
    """Acknowledge, examine or close; Conflict where the report is further already."""
    viewer.require("decide")
    before, after = _STEPS[step]
    if step == "close" and outcome not in OUTCOMES:
        raise BadInput("Choose what came of the report.", where="outcome")
    done = await (await session.connection()).execute(
        text(
            "UPDATE tip_threads SET state = :after, acknowledged_on = coalesce(acknowledged_on, :today), "
            "closed_on = CASE WHEN :after = 'closed' THEN CAST(:today AS date) END, outcome = :outcome "
            "WHERE id = :thread AND state = ANY(:before)"
        ),
        {"after": after, "today": today, "outcome": outcome, "thread": thread, "before": list(before)},
    )
    if done.rowcount != 1:
        raise Conflict("The report is further already, or none of your desk.", remedy="Open the page again.")
    await audit(session, viewer, f"tip.{step}", "tip", thread, after={"state": after, "outcome": outcome})


async def link(session: AsyncSession, viewer: Viewer, thread: str, kind: str, reference: str, today: date) -> None:
    """Say that a report concerns something in the register, by its number alone."""
    viewer.require("decide")
    if kind not in LINK_KINDS or await first(session, _FOUND[kind], reference=reference) is None:
        raise BadInput("There is nothing under this number.", where="reference", remedy="Give the number of its page.")
    await (await session.connection()).execute(
        text(
            "INSERT INTO tip_links (thread_id, kind, reference, linked_on, linked_by) "
            "VALUES (:thread, :kind, :reference, :today, :by) ON CONFLICT DO NOTHING"
        ),
        {"thread": thread, "kind": kind, "reference": reference, "today": today, "by": viewer.account_id},
    )
    await audit(session, viewer, "tip.link", "tip", thread, after={"kind": kind, "reference": reference})


async def unlink(session: AsyncSession, viewer: Viewer, thread: str, kind: str, reference: str) -> None:
    """Take a link away."""
    viewer.require("decide")
    await (await session.connection()).execute(
        text("DELETE FROM tip_links WHERE thread_id = :thread AND kind = :kind AND reference = :reference"),
        {"thread": thread, "kind": kind, "reference": reference},
    )
    await audit(session, viewer, "tip.unlink", "tip", thread, before={"kind": kind, "reference": reference})


async def keep_answer(session: AsyncSession, viewer: Viewer, thread: str, sealed: bytes, today: date) -> None:
    """Keep an answer that was sealed to the receipt's key on the officer's machine; the month's seal goes around it."""
    viewer.require("decide")
    if not sealed.startswith(_AGE) or not SMALLEST_BUCKET < len(sealed) <= LARGEST_SEALED_ANSWER:
        raise BadInput(
            "This is no sealed answer.",
            where="answer",
            remedy="Write it on this page with scripts on, or with `threegates tips answer`.",
        )
    found = await first(session, "SELECT organisation_id, state FROM tip_threads WHERE id = :thread FOR UPDATE",
                        thread=thread)  # fmt: skip
    if found is None:
        raise NotFound("Your desk has no such report.", where=thread)
    twice = bytes(pyrage.encrypt(sealed, [_recipient(outer_recipient(today))]))
    number = await first(
        session, "SELECT coalesce(max(number), 0) + 1 AS number FROM tip_parts WHERE thread_id = :thread", thread=thread
    )
    part = secrets.token_hex(16)
    connection = await session.connection()
    await connection.execute(
        text(
            "INSERT INTO tip_parts (id, thread_id, number, direction, organisation_id, day, padded_size, chunks, "
            "complete, outer_month) VALUES (:id, :thread, :number, 'out', :desk, :today, :size, 1, true, :month)"
        ),
        {
            "id": part,
            "thread": thread,
            "number": number["number"] if number else 1,
            "desk": found["organisation_id"],
            "today": today,
            "size": SMALLEST_BUCKET,
            "month": month_of(today),
        },
    )
    await connection.execute(
        text("INSERT INTO tip_chunks (part_id, number, content) VALUES (:part, 0, :content)"),
        {"part": part, "content": twice},
    )
    await connection.execute(
        text(
            "UPDATE tip_threads SET state = CASE WHEN state = 'closed' THEN state ELSE 'answered' END, "
            "acknowledged_on = coalesce(acknowledged_on, :today), answered_on = coalesce(answered_on, :today) "
            "WHERE id = :thread"
        ),
        {"today": today, "thread": thread},
    )
    await audit(session, viewer, "tip.answer", "tip", thread)


async def part_of(session: AsyncSession, viewer: Viewer, part: str) -> Row:
    """A part that an officer takes to open it, which the audit notes; NotFound where the desk has none such."""
    viewer.require("decide")
    found = await _whole_part(session, part)
    outer_identity(found["outer_month"])  # says so where it was destroyed
    await audit(session, viewer, "tip.read", "tip", found["thread_id"], after={"part": found["number"]})
    return found


async def _whole_part(session: AsyncSession, part: str, which: str = "") -> Row:
    found = await first(
        session,
        f"SELECT id, thread_id, number, direction, outer_month FROM tip_parts WHERE id = :part AND complete {which}",
        part=part,
    )
    if found is None:
        raise NotFound("Your desk has no such report.", where=part)
    return found


async def some_chunks(session: AsyncSession, part: str, start: int) -> list[bytes]:
    """A few sealed chunks of a part from a number on; none at its end."""
    found = await rows(
        session,
        "SELECT content FROM tip_chunks WHERE part_id = :part AND number >= :start AND number < :end ORDER BY number",
        part=part,
        start=start,
        end=start + _CHUNKS_AT_ONCE,
    )
    return [one["content"] for one in found]


async def replace_part(session: AsyncSession, viewer: Viewer, part: str, sealed: bytes, sealed_to: str) -> None:
    """Put a part that its officers sealed again, to the desk's present keys, in its old place.

    Its month stays: sealing again does not lengthen a report's life.
    """
    viewer.require("decide")
    found = await _whole_part(session, part, "AND direction = 'in' FOR UPDATE")
    if not sealed.startswith(_AGE) or not SMALLEST_BUCKET < len(sealed) <= LARGEST_SEALED_PART:
        raise BadInput("This is no sealed part.", where=part, remedy="Send what `threegates tips reseal` wrote.")
    twice = bytes(pyrage.encrypt(sealed, [outer_identity(found["outer_month"]).to_public()]))
    connection = await session.connection()
    await connection.execute(text("DELETE FROM tip_chunks WHERE part_id = :part"), {"part": part})
    pieces = [twice[at : at + CHUNK] for at in range(0, len(twice), CHUNK)]
    for number, piece in enumerate(pieces):
        await connection.execute(
            text("INSERT INTO tip_chunks (part_id, number, content) VALUES (:part, :number, :content)"),
            {"part": part, "number": number, "content": piece},
        )
    await connection.execute(
        text("UPDATE tip_parts SET chunks = :chunks, sealed_to = :sealed_to WHERE id = :part"),
        {"chunks": len(pieces), "sealed_to": sealed_to, "part": part},
    )
    await audit(session, viewer, "tip.reseal", "tip", found["thread_id"], after={"sealed_to": sealed_to})


def _recipient(written: str) -> Any:
    return pyrage.x25519.Recipient.from_str(written)
