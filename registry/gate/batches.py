"""Batches: up to 10,000 questions of one file, answered piece by piece, with the exposure of each group."""

import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import clock
from registry.database import json_text, transaction
from registry.errors import NotFound, ThreegatesError
from registry.gate.checks import Ask, ask_all
from registry.gate.questions import Plain, Question
from registry.gate.signing import SigningKey
from registry.reading import first, number_of_cursor, read_cursor, rows, write_cursor
from registry.viewers import GATEKEEPER, Viewer, become

# So many are answered in one transaction.
PIECE: Final = 200
_ADDRESS_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is."""

    done: int
    total: int

    @property
    def finished(self) -> bool:
        """Whether every question has its answer."""
        return self.done >= self.total


async def open_batch(
    session: AsyncSession,
    viewer: Viewer,
    name: str,
    questions: Sequence[Question],
    numbers: Sequence[int],
    at: datetime,
) -> str:
    """Keep the questions of a file, each with its row; returns the address of the batch."""
    address = secrets.token_urlsafe(_ADDRESS_BYTES)
    content = [
        {"row": number, "question": one.model_dump(mode="json", exclude_none=True, exclude_defaults=True)}
        for number, one in zip(numbers, questions, strict=True)
    ]
    await (await session.connection()).execute(
        text(
            "INSERT INTO gate_batches (address, asked_at, asker, asker_kind, organisation_id, organisation_name, "
            "finance, name, total, questions) VALUES (:address, :at, :asker, :kind, :organisation, "
            ":organisation_name, :finance, :name, :total, CAST(CAST(:questions AS text) AS jsonb))"
        ),
        {
            "address": address,
            "at": at,
            "asker": viewer.actor,
            "kind": viewer.kind,
            "organisation": viewer.organisation_id,
            "organisation_name": viewer.organisation_name or viewer.name,
            "finance": viewer.may("credit") or viewer.may("credit_own"),
            "name": name,
            "total": len(questions),
            "questions": json_text(content),
        },
    )
    return address


_NEXT: Final = """
SELECT b.id, b.asker, b.asker_kind, b.organisation_id, b.organisation_name, b.finance, b.total,
       (SELECT count(*) FROM gate_checks AS c WHERE c.batch_id = b.id) AS done,
       (SELECT jsonb_agg(one ORDER BY number) FROM (
            SELECT one, number FROM jsonb_array_elements(b.questions) WITH ORDINALITY AS all_of (one, number)
            WHERE NOT EXISTS (
                SELECT FROM gate_checks AS c WHERE c.batch_id = b.id AND c.batch_row = CAST(one ->> 'row' AS integer)
            )
            ORDER BY number LIMIT :piece
       ) AS next) AS questions
FROM gate_batches AS b WHERE b.address = :address
"""


async def run_batch(engine: AsyncEngine, address: str, key: SigningKey) -> AsyncIterator[Progress]:
    """Answer what is unanswered, a piece a transaction, so that whoever is interrupted goes on where it was."""
    while True:
        async with transaction(engine) as session:
            await become(session, GATEKEEPER)
            progress = await answer_piece(session, address, key)
        yield progress
        if progress.finished:
            return


async def answer_piece(session: AsyncSession, address: str, key: SigningKey) -> Progress:
    """Answer the next questions of a batch in the session's transaction; one at a time works on it."""
    await (await session.connection()).execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"gate batch {address}"}
    )
    batch = await first(session, _NEXT, address=address, piece=PIECE)
    if batch is None:
        raise NotFound("There is no such batch.", where="id")
    waiting = batch["questions"] or []
    if not waiting:
        return Progress(batch["total"], batch["total"])
    viewer = Viewer(
        kind=batch["asker_kind"],
        actor=batch["asker"],
        organisation_id=batch["organisation_id"],
        organisation_name=batch["organisation_name"],
        permissions=frozenset({"gate", "credit_own"}) if batch["finance"] else frozenset({"gate"}),
    )
    asks = [
        Ask(_for_today(Question.model_validate(one["question"])), viewer, batch_id=batch["id"], batch_row=one["row"])
        for one in waiting
    ]
    answers = await ask_all(session, asks, clock.now(), key)
    if refused := next((one for one in answers if isinstance(one, ThreegatesError)), None):
        raise refused
    return Progress(batch["done"] + len(waiting), batch["total"])


def _for_today(question: Question) -> Question:
    """A batch that was interrupted overnight may hold questions for the day before."""
    past = question.on is not None and question.on < clock.today()
    return question.model_copy(update={"on": None}) if past else question


class BatchLine(BaseModel):
    """One answered question of a batch."""

    row: int
    id: str
    act: str
    answer: str
    reasons: list[str]
    amount: Annotated[Decimal, Plain] | None
    project_code: str | None
    project_name: str | None
    party: str | None
    reference: str | None


class LinePage(BaseModel):
    """One page of a batch's answers in order of their rows, and the cursor of the next."""

    items: list[BatchLine]
    next_cursor: str | None


class Exposure(BaseModel):
    """What a group of enterprises stands to get, by the answer."""

    group: str
    enterprises: int
    questions: int
    allow: Annotated[Decimal, Plain]
    refuse: Annotated[Decimal, Plain]
    refer: Annotated[Decimal, Plain]
    area_allow: Annotated[Decimal, Plain]
    area_refuse: Annotated[Decimal, Plain]
    area_refer: Annotated[Decimal, Plain]


class Batch(BaseModel):
    """A batch as it stands."""

    id: str
    name: str
    asked_at: datetime
    total: int
    done: int
    answers: dict[str, int]
    exposure: list[Exposure]


# The head of a group: up through who owns or controls, the largest share first; ten steps are more than any group has.
_EXPOSURE: Final = """
WITH RECURSIVE asked AS (
    SELECT c.id, c.answer, coalesce(c.amount, 0) AS amount,
           coalesce(CAST(c.question ->> 'area_hectares' AS numeric), 0) AS area,
           c.enterprise_id, coalesce(c.question #>> '{party,name}', c.question #>> '{party,uscc}') AS said
    FROM gate_checks AS c WHERE c.batch_id = :batch
),
climbing AS (
    SELECT DISTINCT a.enterprise_id AS start, a.enterprise_id AS at, NULL::text AS named, 0 AS step
    FROM asked AS a WHERE a.enterprise_id IS NOT NULL
    UNION ALL
    SELECT c.start, up.owner_id, CASE WHEN up.owner_id IS NULL THEN up.owner_name END, c.step + 1
    FROM climbing AS c
    CROSS JOIN LATERAL (
        SELECT o.owner_id, o.owner_name FROM enterprise_owners AS o
        WHERE o.enterprise_id = c.at AND o.known_to = 'infinity' AND o.owner_id IS DISTINCT FROM c.start
          AND (o.kind IN ('branch_of', 'parent') OR o.share > 50)
          AND coalesce(o.held_to, 'infinity') >= CAST(:today AS date)
        ORDER BY CASE o.kind WHEN 'branch_of' THEN 0 WHEN 'parent' THEN 1 ELSE 2 END, o.share DESC NULLS LAST,
                 o.owner_name
        LIMIT 1
    ) AS up
    WHERE c.step < 10 AND c.at IS NOT NULL
),
heads AS (
    SELECT DISTINCT ON (c.start) c.start, coalesce(c.named, (
        SELECT v.name FROM enterprise_versions AS v WHERE v.enterprise_id = c.at AND v.known_to = 'infinity'
        ORDER BY v.held_from DESC NULLS LAST LIMIT 1
    )) AS name
    FROM climbing AS c ORDER BY c.start, c.step DESC
)
SELECT coalesce(h.name, a.said, '') AS group,
       count(DISTINCT coalesce(CAST(a.enterprise_id AS text), a.said)) AS enterprises, count(*) AS questions,
       coalesce(sum(a.amount) FILTER (WHERE a.answer = 'allow'), 0) AS allow,
       coalesce(sum(a.amount) FILTER (WHERE a.answer = 'refuse'), 0) AS refuse,
       coalesce(sum(a.amount) FILTER (WHERE a.answer = 'refer'), 0) AS refer,
       coalesce(sum(a.area) FILTER (WHERE a.answer = 'allow'), 0) AS area_allow,
       coalesce(sum(a.area) FILTER (WHERE a.answer = 'refuse'), 0) AS area_refuse,
       coalesce(sum(a.area) FILTER (WHERE a.answer = 'refer'), 0) AS area_refer
FROM asked AS a LEFT JOIN heads AS h ON h.start = a.enterprise_id
GROUP BY 1
ORDER BY refuse DESC, area_refuse DESC, refer DESC, area_refer DESC, questions DESC, 1
"""


async def _own(session: AsyncSession, viewer: Viewer, address: str) -> dict[str, Any]:
    batch = await first(
        session,
        """
        SELECT id, address, name, asked_at, total FROM gate_batches
        WHERE address = :address AND organisation_id = :organisation AND (organisation_id <> '' OR asker = :asker)
        """,
        address=address,
        organisation=viewer.organisation_id,
        asker=viewer.actor,
    )
    if batch is None:
        raise NotFound("There is no such batch.", where="id")
    return batch


async def batch_file(session: AsyncSession, viewer: Viewer, address: str) -> Batch:
    """A batch of the viewer's organisation with its exposure by group; NotFound for others'."""
    batch = await _own(session, viewer, address)
    counts = await rows(
        session,
        "SELECT answer, count(*) AS count FROM gate_checks WHERE batch_id = :batch GROUP BY 1",
        batch=batch["id"],
    )
    answers = {"allow": 0, "refuse": 0, "refer": 0} | {row["answer"]: int(row["count"]) for row in counts}
    found = await rows(session, _EXPOSURE, batch=batch["id"], today=clock.today())
    return Batch(
        id=batch["address"],
        name=batch["name"],
        asked_at=batch["asked_at"],
        total=batch["total"],
        done=sum(answers.values()),
        answers=answers,
        exposure=[Exposure(**row) for row in found],
    )


async def batch_lines(
    session: AsyncSession,
    viewer: Viewer,
    address: str,
    *,
    answer: str | None = None,
    cursor: str = "",
    limit: int = 100,
) -> LinePage:
    """Answered questions of a batch in order of their rows."""
    batch = await _own(session, viewer, address)
    after = number_of_cursor(read_cursor(cursor, 1)[0]) if cursor else 0
    found = await rows(
        session,
        """
        SELECT c.batch_row AS row, c.address AS id, c.act, c.answer, c.reasons, c.amount,
               coalesce(v.code, c.question #>> '{project,code}') AS project_code,
               coalesce(v.name, c.question #>> '{project,name}') AS project_name,
               coalesce(c.question #>> '{party,name}', c.question #>> '{party,uscc}') AS party,
               c.question ->> 'reference' AS reference
        FROM gate_checks AS c
        LEFT JOIN LATERAL (
            SELECT v.code, v.name FROM project_versions AS v
            WHERE v.project_id = c.project_id AND v.known_to = 'infinity' ORDER BY v.held_from DESC NULLS LAST LIMIT 1
        ) AS v ON TRUE
        WHERE c.batch_id = :batch AND c.batch_row > :after AND (CAST(:answer AS text) IS NULL OR c.answer = :answer)
        ORDER BY c.batch_row LIMIT :limit
        """,
        batch=batch["id"],
        after=after,
        answer=answer,
        limit=limit + 1,
    )
    items = [BatchLine(**row) for row in found[:limit]]
    return LinePage(items=items, next_cursor=write_cursor(items[-1].row) if len(found) > limit else None)
