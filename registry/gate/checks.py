"""Asking at the gate: any number of questions judged together, answered with signed receipts, and kept."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.acts import LANE_OF_ACT
from registry.clock import civil_day
from registry.database import driver, json_text
from registry.errors import BadInput, NotFound, ThreegatesError
from registry.flags import read_succession
from registry.gate import verdicts
from registry.gate.answers import Agencies, Verdict, judge
from registry.gate.matching import Match, find
from registry.gate.questions import Question, intended
from registry.gate.receipts import FORMAT, sign
from registry.gate.signing import SigningKey
from registry.gate.words import gate_words
from registry.identifiers import uscc
from registry.law_in_force import catalogue_in_force
from registry.names import normalise
from registry.reading import Row, first, rows
from registry.settings import settings
from registry.viewers import Viewer

# Nobody can guess 192 bits.
_ADDRESS_BYTES: Final = 24
LATEST_DAYS: Final = 366
PAGE_OF: Final = "/gate-check/receipts/"


@dataclass(frozen=True, slots=True)
class Ask:
    """One question with who asks it, and what it belongs to."""

    question: Question
    viewer: Viewer
    idempotency_key: str | None = None
    recheck_of: int | None = None
    recheck_address: str | None = None
    batch_id: int | None = None
    batch_row: int | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """An answer: its receipt as signed, and whether it was given before to the same idempotency key."""

    receipt: bytes
    replayed: bool = False


def is_finance(viewer: Viewer) -> bool:
    """Whether the viewer may learn that credit is flagged."""
    return viewer.may("credit") or viewer.may("credit_own")


async def ask_all(
    session: AsyncSession, asks: Sequence[Ask], at: datetime, key: SigningKey
) -> list[Given | ThreegatesError]:
    """Judge, sign and keep; each question gets its answer, or the error that is its own, in order."""
    today = civil_day(at)
    answers: list[Given | ThreegatesError | None] = [day_problem(one.question, today) for one in asks]
    open_asks = [number for number, answer in enumerate(answers) if answer is None]
    if not open_asks:
        return [one for one in answers if one is not None]
    judged = await judge_all(session, [(asks[n].question, is_finance(asks[n].viewer)) for n in open_asks], today)
    kept: list[tuple[int, _Kept]] = []
    for number, one in zip(open_asks, judged, strict=True):
        kept.append((number, _keep(asks[number], one, at, key)))
    written = await _write(session, [row for _, row in kept])
    for number, row in kept:
        answers[number] = (
            Given(row.receipt) if row.address in written else await _given_before(session, asks[number], row)
        )
    return [one for one in answers if one is not None]


def day_problem(question: Question, today: date) -> ThreegatesError | None:
    """Why a question may not be asked for its day: the gate speaks of today and the year to come."""
    if question.on is None or today <= question.on <= today + timedelta(days=LATEST_DAYS):
        return None
    if question.on < today:
        return BadInput(
            "The day of the intended act has passed.", where="on", remedy="Give today or a later day, or leave it out."
        )
    return BadInput("The day of the intended act is more than a year away.", where="on", remedy="Give an earlier day.")


@dataclass(frozen=True, slots=True)
class Judged:
    """One question as it was understood, seen and judged."""

    question: Question
    match: Match
    seen: Row
    verdict: Verdict
    day: date
    rules: str  # the state of the catalogue: equal rules and values give an equal word


async def judge_all(
    session: AsyncSession,
    questions: Sequence[tuple[Question, bool]],
    today: date,
    *,
    matches: Sequence[Match] | None = None,
) -> list[Judged]:
    """Judge questions (each with whether credit may be spoken of) together; writes nothing."""
    found = matches or await find(session, [question for question, _ in questions])
    agencies = await _agencies(session)
    # Values that two people put in force count at once, as everywhere.
    catalogue = await catalogue_in_force(session)
    days: dict[date, list[int]] = {}
    for number, (question, _) in enumerate(questions):
        days.setdefault(question.on or today, []).append(number)
    judged: dict[int, Judged] = {}
    for day, numbers in days.items():
        acts = [intended(n, questions[n][0], day, _found(questions[n][0], found[n])) for n in numbers]
        projects = sorted({one["project_id"] for one in acts if one["project_id"] is not None})
        for row in await verdicts.ask(session, day, acts, projects, catalogue):
            n = int(row["record_id"])
            question, finance = questions[n]
            verdict = judge(
                question, found[n], row, day, agencies, catalogue, finance=finance, hold_days=settings().gate_hold_days
            )
            judged[n] = Judged(question, found[n], row, verdict, day, catalogue.digest)
    return [judged[number] for number in range(len(questions))]


def _found(question: Question, match: Match) -> dict[str, Any]:
    party = question.party
    return {
        "project_id": match.project_id,
        "enterprise_id": match.party_id,
        "region": match.region,
        "outcome": "none" if match.project_id is None else "linked",
        "shown_sector": match.shown_sector,
        "party_uscc": uscc.parse(party.uscc).value if party and party.uscc else None,
        "party_name_normal": normalise(party.name).text if party and party.name else None,
    }


_AGENCIES: Final[list[Agencies]] = []


async def _agencies(session: AsyncSession) -> Agencies:
    # Reference data: it changes with a release alone.
    if not _AGENCIES:
        names = {
            row["id"]: (row["name_zh"], row["name_en"])
            for row in await rows(session, "SELECT id, name_zh, name_en FROM agencies")
        }
        agencies = Agencies(names, await read_succession(session))
        if not names:
            return agencies
        _AGENCIES.append(agencies)
    return _AGENCIES[0]


@dataclass(frozen=True, slots=True)
class _Kept:
    """The row of gate_checks."""

    address: str
    receipt: bytes
    question_hash: bytes
    values: tuple[Any, ...]


_COLUMNS: Final[dict[str, str]] = {
    "address": "text",
    "asked_at": "timestamptz",
    "asker": "text",
    "asker_kind": "text",
    "organisation_id": "text",
    "finance": "boolean",
    "lane": "text",
    "act": "text",
    "acted_on": "date",
    "project_id": "bigint",
    "enterprise_id": "bigint",
    "answer": "text",
    "reasons": "text",  # as JSON: arrays of arrays have no place in unnest
    "holds_until": "date",
    "amount": "numeric",
    "question": "text",
    "receipt": "bytea",
    "recheck_of": "bigint",
    "batch_id": "bigint",
    "batch_row": "integer",
    "idempotency_key": "text",
    "question_hash": "bytea",
}
_READ: Final[dict[str, str]] = {
    "reasons": "ARRAY(SELECT jsonb_array_elements_text(one.reasons::jsonb))",
    "question": "one.question::jsonb",
}
_WRITE: Final = (
    f"INSERT INTO gate_checks ({', '.join(_COLUMNS)}) SELECT "
    + ", ".join(_READ.get(name, f"one.{name}") for name in _COLUMNS)
    + " FROM unnest("
    + ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(_COLUMNS.values(), start=1))
    + f") AS one ({', '.join(_COLUMNS)}) ON CONFLICT DO NOTHING RETURNING address"
)


def _keep(ask: Ask, judged: Judged, at: datetime, key: SigningKey) -> _Kept:
    address = secrets.token_urlsafe(_ADDRESS_BYTES)
    verdict, question, match = judged.verdict, judged.question, judged.match
    asked = question.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    receipt = sign(_document(ask, judged, asked, address, at), key.private, key.name)
    digest = hashlib.sha256(json_text([asked, ask.recheck_address]).encode()).digest()
    values = (
        address,
        at,
        ask.viewer.actor,
        ask.viewer.kind,
        ask.viewer.organisation_id,
        is_finance(ask.viewer),
        question.intended_lane,
        question.intended_act,
        judged.day,
        match.project_id if match.sure else None,
        match.party_id or judged.seen["owner_id"],
        verdict.answer,
        json_text(verdict.codes),
        verdict.holds_until,
        question.amount,
        json_text(asked),
        receipt,
        ask.recheck_of,
        ask.batch_id,
        ask.batch_row,
        ask.idempotency_key,
        digest,
    )
    return _Kept(address, receipt, digest, values)


def _document(ask: Ask, judged: Judged, said: dict[str, Any], address: str, at: datetime) -> dict[str, Any]:
    """What is signed; texts, whole numbers, true, false and null only."""
    verdict, question, match = judged.verdict, judged.question, judged.match
    words = gate_words().answers[verdict.answer]
    asked = said | {
        "act": question.intended_act,
        "lane": LANE_OF_ACT[question.intended_act],
        "on": judged.day.isoformat(),
    }
    return {
        "format": FORMAT,
        "id": address,
        "address": f"{PAGE_OF}{address}",
        "asked_at": at.isoformat(timespec="seconds"),
        "asked_by": ask.viewer.organisation_name or ask.viewer.name or ask.viewer.actor,
        "asked": asked,
        "answer": verdict.answer,
        "answer_zh": words.zh,
        "answer_en": words.en,
        "holds_until": verdict.holds_until.isoformat() if verdict.holds_until else None,
        "found": match.how,
        "project": judged.seen["project"] if match.sure else None,
        "candidates": [
            {
                name: value
                for name in ("code", "name", "owner_name", "sector", "region")
                if (value := getattr(one, name)) is not None
            }
            for one in match.candidates
        ],
        "reasons": verdict.reasons,
        "notes": verdict.notes,
        "missing": verdict.missing,
        "evidence": verdict.evidence if match.sure else {},
        "recheck_of": ask.recheck_address,
        "rules": judged.rules,
        "synthetic": bool(judged.seen["synthetic"]),
    }


async def _write(session: AsyncSession, kept: Iterable[_Kept]) -> set[str]:
    """Keep the checks; returns the addresses of those that were not there yet."""
    columns = list(zip(*(one.values for one in kept), strict=True))
    return {row["address"] for row in await (await driver(session)).fetch(_WRITE, *map(list, columns))}


async def _given_before(session: AsyncSession, ask: Ask, row: _Kept) -> Given | ThreegatesError:
    """The answer that the same idempotency key, or the same row of a batch, got before."""
    before = await first(
        session,
        """
        SELECT receipt, question_hash FROM gate_checks
        WHERE (asker = :asker AND idempotency_key = :key) OR (batch_id = :batch AND batch_row = :row)
        """,
        asker=ask.viewer.actor,
        key=ask.idempotency_key,
        batch=ask.batch_id,
        row=ask.batch_row,
    )
    if before is None:
        return NotFound("There is no such gate check.", where="id")
    if bytes(before["question_hash"]) != row.question_hash:
        return BadInput(
            "This Idempotency-Key came with another request before.",
            where="Idempotency-Key",
            remedy="Take a new key for a new request.",
        )
    return Given(bytes(before["receipt"]), replayed=True)


async def ask_one(session: AsyncSession, ask: Ask, at: datetime, key: SigningKey) -> Given:
    """One question; raises its error."""
    answer = (await ask_all(session, [ask], at, key))[0]
    if isinstance(answer, ThreegatesError):
        raise answer
    return answer


async def ask_again(
    session: AsyncSession,
    viewer: Viewer,
    address: str,
    *,
    amount: str | None = None,
    idempotency_key: str | None = None,
) -> Ask:
    """The question of an earlier check as one of today, before the next disbursement; NotFound for others' checks."""
    row = await first(
        session,
        """
        SELECT c.id, c.question, r.id AS root, coalesce(r.address, c.address) AS root_address
        FROM gate_checks AS c LEFT JOIN gate_checks AS r ON r.id = c.recheck_of
        WHERE c.address = :address AND c.organisation_id = :organisation
            AND (c.organisation_id <> '' OR c.asker = :asker)
        """,
        address=address,
        organisation=viewer.organisation_id,
        asker=viewer.actor,
    )
    if row is None:
        raise NotFound("There is no such gate check.", where="id")
    changes: dict[str, Any] = {"on": None} | ({"amount": amount} if amount is not None else {})
    question = Question.model_validate({**row["question"], **changes})
    return Ask(question, viewer, idempotency_key, row["root"] or row["id"], row["root_address"])
