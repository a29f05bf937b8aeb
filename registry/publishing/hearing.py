"""Hearing the other side: objections while something is displayed, replies of the accused, appeals and their answers.

What comes in is entered by one person with the hash of the letter; another one answers it or confirms that it is whole.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.auditing import audit
from registry.clock import civil_day
from registry.errors import BadInput, Conflict, NotAllowed, NotFound
from registry.flags import hash_of
from registry.publishing import chain, press, scanning
from registry.publishing.drafting import correct, of_publication, preparer
from registry.publishing.telling import tell
from registry.reading import Row, first
from registry.viewers import Viewer

LONGEST: Final = 20_000
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_SENDERS: Final = ("enterprise", "public", "agency")


@dataclass(frozen=True, slots=True)
class Letter:
    """What was received: when, the words, and the SHA-256 of the letter as it came."""

    received_on: date
    content: str
    file_hash: str = ""


async def receive_objection(
    session: AsyncSession, viewer: Viewer, publication: int, letter: Letter, sender: str, now: datetime
) -> int:
    """Enter an objection against what is on display; while it is open nothing becomes final."""
    account = preparer(viewer)
    _check(letter, now, with_file=False)
    if sender not in _SENDERS:
        raise BadInput("There is no such sender.", where="sender")
    found = await of_publication(session, publication)
    shown = await first(
        session,
        "SELECT id, displayed_at FROM publication_versions WHERE publication_id = :id AND state = 'displayed'",
        id=publication,
    )
    if shown is None:
        raise Conflict("Nothing of this publication is on display.", remedy="Enter it as an appeal.")
    number = await _add(
        session,
        "publication_objections",
        publication_id=publication,
        version_id=shown["id"],
        region=found["region"],
        received_on=letter.received_on,
        sender=sender,
        content=letter.content.strip(),
        file_hash=letter.file_hash,
        received_by=account,
        received_at=now,
    )
    await tell(session, "publication.objection", found, number, now)
    await _audited(session, viewer, "publication.objection", found, number, letter)
    return number


async def answer_objection(
    session: AsyncSession, viewer: Viewer, objection: int, answer: str, now: datetime, *, upheld: bool
) -> None:
    """Answer as another person than who entered it; upheld, what was displayed is not published."""
    viewer.require("approve")
    row = await _open(session, "publication_objections", objection)
    answer = _answer(answer)
    _other_hands(viewer, row)
    found = await of_publication(session, row["publication_id"])
    version = await first(session, "SELECT * FROM publication_versions WHERE id = :id", id=row["version_id"])
    if version is None or version["state"] != "displayed":
        raise Conflict("Nothing of this publication is on display.")
    async with press.as_press(session, viewer):
        await _update(
            session,
            "publication_objections",
            objection,
            state="upheld" if upheld else "rejected",
            answer=answer,
            answered_by=viewer.account_id,
            answered_at=now,
            shown=not upheld,
        )
        await chain.append(session, found, "answer", objection, now, hash_of({"answer": answer}))
    await audit(
        session, viewer, "publication.answer", "publication", found["reference"], why=answer,
        after={"objection": objection, "upheld": upheld},
    )  # fmt: skip
    if upheld:
        await press.end_display(session, viewer, found, version, answer, now)


async def receive_reply(
    session: AsyncSession, viewer: Viewer, publication: int, letter: Letter, now: datetime
) -> tuple[int, int]:
    """Enter the whole reply of the accused; returns its id and how many places with personal data were covered."""
    account = preparer(viewer)
    _check(letter, now, with_file=True)
    found = await of_publication(session, publication)
    if found["withdrawn_at"] is not None:
        raise Conflict("This publication is withdrawn.")
    name = await first(
        session,
        "SELECT v.content -> 'facts' ->> 'enterprise_name' AS name FROM publication_versions AS v "
        "WHERE v.publication_id = :id AND v.accuses ORDER BY v.number DESC LIMIT 1",
        id=publication,
    )
    if name is None or not name["name"]:
        raise Conflict("This publication accuses nobody.", remedy="Enter it as an objection or an appeal.")
    words, covered = scanning.cover(letter.content.strip())
    number = await _add(
        session,
        "publication_replies",
        publication_id=publication,
        region=found["region"],
        enterprise_name=name["name"],
        received_on=letter.received_on,
        content=words,
        covered=covered,
        content_hash=hash_of({"reply": words}),
        file_hash=letter.file_hash,
        received_by=account,
        received_at=now,
    )
    await _audited(session, viewer, "publication.reply", found, number, letter)
    return number, covered


async def confirm_reply(
    session: AsyncSession, viewer: Viewer, reply: int, now: datetime, *, whole: bool, refusal: str = ""
) -> None:
    """Confirm as another person that a reply is whole and unshortened: it then stands beside the accusation."""
    account = preparer(viewer)
    row = await _open(session, "publication_replies", reply)
    _other_hands(viewer, row)
    if not whole and not refusal.strip():
        raise BadInput("Say what is missing.", where="refusal")
    found = await of_publication(session, row["publication_id"])
    public = found["public_since"] is not None and found["withdrawn_at"] is None
    async with press.as_press(session, viewer):
        await _update(
            session,
            "publication_replies",
            reply,
            state="confirmed" if whole else "refused",
            confirmed_by=account,
            confirmed_at=now,
            refusal=refusal.strip(),
            shown=whole and public,
        )
        if whole and public:
            await chain.append(session, found, "reply", reply, now, row["content_hash"])
    await audit(
        session, viewer, "publication.confirm_reply", "publication", found["reference"], why=refusal,
        after={"reply": reply, "whole": whole},
    )  # fmt: skip


async def receive_appeal(session: AsyncSession, viewer: Viewer, publication: int, letter: Letter, now: datetime) -> int:
    """Enter an appeal against what is public; that there is one is public at once, what it says is not."""
    account = preparer(viewer)
    _check(letter, now, with_file=True)
    found = await of_publication(session, publication)
    if found["public_since"] is None or found["withdrawn_at"] is not None:
        raise Conflict("Only what is public can be appealed against.")
    number = await _add(
        session,
        "publication_appeals",
        publication_id=publication,
        region=found["region"],
        received_on=letter.received_on,
        grounds=letter.content.strip(),
        file_hash=letter.file_hash,
        received_by=account,
        received_at=now,
    )
    async with press.as_press(session, viewer):
        await _update(session, "publication_appeals", number, shown=True)
        await chain.append(session, found, "appeal", number, now, hash_of({"file": letter.file_hash}))
    await tell(session, "publication.appeal", found, number, now)
    await _audited(session, viewer, "publication.appeal", found, number, letter)
    return number


async def answer_appeal(
    session: AsyncSession, viewer: Viewer, appeal: int, answer: str, outcome: str, now: datetime
) -> None:
    """Answer an appeal; `outcome` is empty (rejected), correct or withdraw.

    Whoever drafted, approved or entered has no say. A withdrawal happens at once; a correction is drafted at once.
    """
    viewer.require("approve")
    if outcome not in ("", "correct", "withdraw"):
        raise BadInput("There is no such outcome.", where="outcome")
    answer = _answer(answer)
    row = await _open(session, "publication_appeals", appeal)
    _other_hands(viewer, row)
    found = await of_publication(session, row["publication_id"])
    hands = await first(
        session,
        "SELECT 1 AS one FROM publication_versions WHERE publication_id = :id AND approved_by IS NOT NULL "
        "AND ARRAY[drafted_by, approved_by, second_approved_by] && CAST(:mine AS bigint[])",
        id=found["id"],
        mine=sorted({viewer.account_id or 0, *viewer.acts_for}),
    )
    if hands:
        raise NotAllowed(
            "Who drafted or approved it does not decide on an appeal against it.", remedy="Ask another person."
        )
    digest = hash_of({"answer": answer, "outcome": outcome})
    async with press.as_press(session, viewer):
        await _update(
            session,
            "publication_appeals",
            appeal,
            state="upheld" if outcome else "rejected",
            outcome=outcome,
            answer=answer,
            content_hash=digest,
            answered_by=viewer.account_id,
            answered_at=now,
        )
        await chain.append(session, found, "answer", appeal, now, digest)
    await audit(
        session, viewer, "publication.answer", "publication", found["reference"], why=answer,
        after={"appeal": appeal, "outcome": outcome},
    )  # fmt: skip
    if outcome == "withdraw":
        await press.withdraw(session, viewer, found["id"], answer, now)
    elif outcome == "correct":
        # The words of officials fall away: the correction begins with what the register says now.
        await correct(session, viewer, found["id"], "", answer, now)


def _check(letter: Letter, now: datetime, *, with_file: bool) -> None:
    content = letter.content.strip()
    if not content:
        raise BadInput("There are no words.", where="content")
    if len(content) > LONGEST:
        raise BadInput(f"At most {LONGEST} characters.", where="content")
    if letter.received_on > civil_day(now):
        raise BadInput("It cannot be received later than today.", where="received_on")
    if (with_file or letter.file_hash) and not _SHA256.fullmatch(letter.file_hash):
        raise BadInput(
            "The SHA-256 of the letter is needed: 64 digits 0-9 and a-f.",
            where="file_hash",
            remedy="Scan the letter, keep the scan, and enter its SHA-256.",
        )


def _answer(answer: str) -> str:
    answer = answer.strip()
    if not answer:
        raise BadInput("An answer needs its reasons; they will be public.", where="answer")
    scanning.refuse(answer, "answer")
    return answer


def _other_hands(viewer: Viewer, row: Row) -> None:
    if viewer.account_id is None or row["received_by"] in {viewer.account_id, *viewer.acts_for}:
        raise NotAllowed("Who entered it, or acts for them, does not decide on it.", remedy="Ask a second person.")


async def _open(session: AsyncSession, table: str, number: int) -> Row:
    found = await first(session, f"SELECT * FROM {table} WHERE id = :id", id=number)
    if found is None:
        raise NotFound("There is no such letter.", where="letter")
    if found["state"] != "open":
        raise Conflict("This letter is answered already.")
    return found


async def _add(session: AsyncSession, table: str, **values: Any) -> int:
    names = ", ".join(values)
    binds = ", ".join(f":{name}" for name in values)
    row = await first(session, f"INSERT INTO {table} ({names}) VALUES ({binds}) RETURNING id", **values)
    return int(row["id"]) if row else 0


async def _update(session: AsyncSession, table: str, number: int, **values: Any) -> None:
    said = ", ".join(f"{name} = :{name}" for name in values)
    await (await session.connection()).execute(
        text(f"UPDATE {table} SET {said} WHERE id = :id"), {"id": number, **values}
    )


async def _audited(session: AsyncSession, viewer: Viewer, action: str, found: Row, number: int, letter: Letter) -> None:
    after = {"letter": number, "received_on": letter.received_on.isoformat(), "file_hash": letter.file_hash}
    await audit(session, viewer, action, "publication", found["reference"], after=after)
