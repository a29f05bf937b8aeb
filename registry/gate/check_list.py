"""Gate checks for reading: those of an organisation, and one receipt under its address."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.errors import NotFound
from registry.gate.questions import Plain
from registry.reading import first, read_cursor, rows, write_cursor
from registry.viewers import Viewer


class CheckLine(BaseModel):
    """One check in a list; `now` is what its asker was told last, where that differs from the answer."""

    number: int
    id: str
    asked_at: datetime
    asker: str
    lane: str
    act: str
    acted_on: date
    answer: str
    reasons: list[str]
    holds_until: date | None
    amount: Annotated[Decimal, Plain] | None
    project_id: int | None
    project_name: str | None
    party: str | None
    reference: str | None
    recheck_of: str | None
    now: str | None


class CheckPage(BaseModel):
    """One page of checks, newest first, and the cursor of the next."""

    items: list[CheckLine]
    next_cursor: str | None = None


async def list_checks(
    session: AsyncSession,
    viewer: Viewer,
    *,
    answer: str | None = None,
    lane: str | None = None,
    project: int | None = None,
    cursor: str = "",
    limit: int = 25,
) -> CheckPage:
    """The checks of the viewer's organisation (of a caller without one: its own), those of batches left out."""
    before = read_cursor(cursor, 1)[0] if cursor else None
    found = await rows(
        session,
        """
        SELECT c.id AS number, c.address AS id, c.asked_at, c.asker, c.lane, c.act, c.acted_on, c.answer, c.reasons,
               c.holds_until, c.amount, c.project_id, coalesce(v.name, c.question #>> '{project,name}',
               c.question #>> '{project,code}') AS project_name,
               coalesce(c.question #>> '{party,name}', c.question #>> '{party,uscc}') AS party,
               c.question ->> 'reference' AS reference, r.address AS recheck_of,
               (SELECT n.answer FROM gate_notices AS n WHERE n.check_id = c.id ORDER BY n.id DESC LIMIT 1) AS now
        FROM gate_checks AS c
        LEFT JOIN gate_checks AS r ON r.id = c.recheck_of
        LEFT JOIN LATERAL (
            SELECT v.name FROM project_versions AS v
            WHERE v.project_id = c.project_id AND v.known_to = 'infinity' ORDER BY v.held_from DESC NULLS LAST LIMIT 1
        ) AS v ON TRUE
        WHERE c.organisation_id = :organisation AND (c.organisation_id <> '' OR c.asker = :asker) AND c.batch_id IS NULL
          AND (CAST(:before AS bigint) IS NULL OR c.id < CAST(:before AS bigint))
          AND (CAST(:answer AS text) IS NULL OR c.answer = :answer) AND (CAST(:lane AS text) IS NULL OR c.lane = :lane)
          AND (CAST(:project AS bigint) IS NULL OR c.project_id = :project)
        ORDER BY c.id DESC LIMIT :limit
        """,
        organisation=viewer.organisation_id,
        asker=viewer.actor,
        before=before if isinstance(before, int) else None,
        answer=answer,
        lane=lane,
        project=project,
        limit=limit + 1,
    )
    items = [CheckLine(**row) for row in found[:limit]]
    return CheckPage(items=items, next_cursor=write_cursor(items[-1].number) if len(found) > limit else None)


class ReceiptFile(BaseModel):
    """A receipt as it was signed, and what came after it."""

    receipt: bytes
    organisation_id: str
    asker: str
    now: str | None = None
    told_at: datetime | None = None

    def is_of(self, viewer: Viewer) -> bool:
        """Whether the viewer's organisation asked it, and may ask again."""
        same = self.organisation_id == viewer.organisation_id
        return viewer.may("gate") and same and (bool(self.organisation_id) or self.asker == viewer.actor)


async def receipt_at(session: AsyncSession, address: str) -> ReceiptFile:
    """The receipt under an address, for whoever knows it; NotFound where there is none."""
    # Row-level security lets through the one row whose address the transaction names.
    await rows(session, "SELECT set_config('threegates.receipt', :address, true)", address=address)
    found = await first(
        session,
        """
        SELECT c.receipt, c.organisation_id, c.asker, n.answer AS now, n.at AS told_at FROM gate_checks AS c
        LEFT JOIN LATERAL (
            SELECT n.answer, n.at FROM gate_notices AS n WHERE n.check_id = c.id ORDER BY n.id DESC LIMIT 1
        ) AS n ON TRUE
        WHERE c.address = :address
        """,
        address=address,
    )
    if found is None:
        raise NotFound("There is no such gate check.", where="id")
    return ReceiptFile(**found)
