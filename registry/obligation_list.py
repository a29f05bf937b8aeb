"""Obligations for reading: the list with its filters, those of one enterprise, and one with its states over time."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.errors import NotFound
from registry.law.measures import measures
from registry.law.reading import law
from registry.reading import BadCursor, asked_for, day_of_cursor, read_cursor, region_names, rows, write_cursor

STATES: Final = ("open", "late", "done", "lapsed")

_COLUMNS: Final = """
    o.reference, o.version_id, o.measure, o.elimination, o.enterprise_id, e.name AS enterprise_name, o.region, o.owner,
    a.name_zh AS owner_zh, a.name_en AS owner_en, o.deadline, o.due, o.state, o.evidence, o.evidence_hash, o.synthetic,
    o.first_seen, o.known_from, o.known_to
"""
_NAMES: Final = """
    LEFT JOIN LATERAL (SELECT v.name FROM enterprise_versions v WHERE v.enterprise_id = o.enterprise_id
        AND v.known_to = 'infinity' ORDER BY v.held_from DESC NULLS LAST LIMIT 1) e ON true
    LEFT JOIN agencies a ON a.id = o.owner
"""


class ObligationLine(BaseModel):
    """One obligation as it stands."""

    reference: str
    measure: str
    measure_zh: str
    measure_en: str
    elimination: str
    enterprise_id: int
    enterprise_name: str | None
    region: str | None
    region_name: str | None = None
    owner: str
    owner_zh: str | None
    owner_en: str | None
    deadline: date
    due: date
    state: str
    evidence: dict[str, Any]
    evidence_hash: str
    synthetic: bool
    first_seen: datetime
    known_from: datetime
    known_to: datetime


class ObligationFile(ObligationLine):
    """One obligation with its clause and its states, newest first."""

    citation: dict[str, str]
    versions: list[ObligationLine]


class ObligationPage(BaseModel):
    """One page of a list and the cursor of the next."""

    items: list[ObligationLine]
    total: int
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ObligationFilter:
    """What to list; None asks nothing."""

    state: str | None = None
    measure: str | None = None
    owner: str | None = None
    province: str | None = None
    enterprise: int | None = None

    def conditions(self) -> tuple[str, dict[str, Any]]:
        """The WHERE text and its binds."""
        parts, binds = asked_for(
            {
                "o.state = :state": self.state,
                "o.measure = :measure": self.measure,
                "o.owner = :owner": self.owner,
                "left(o.region, 2) = :province": self.province,
                "o.enterprise_id = :enterprise": self.enterprise,
            }
        )
        return " AND ".join(["o.known_to = 'infinity'", *parts]), binds


async def list_obligations(
    session: AsyncSession, wanted: ObligationFilter, *, cursor: str = "", limit: int = 25
) -> ObligationPage:
    """Obligations, those longest due first; none for whoever may not see them."""
    where, binds = wanted.conditions()
    total = await rows(session, f"SELECT count(*) AS total FROM obligations o WHERE {where}", **binds)
    if cursor:
        due, reference = read_cursor(cursor, 2)
        if not isinstance(reference, str):
            raise BadCursor
        where += " AND (o.due, o.reference) > (:due, :reference)"
        binds |= {"due": day_of_cursor(due), "reference": reference}
    found = await rows(
        session,
        f"SELECT {_COLUMNS} FROM obligations o {_NAMES} WHERE {where} ORDER BY o.due, o.reference LIMIT {limit + 1}",
        **binds,
    )
    more, found = len(found) > limit, found[:limit]
    items = await _lines(session, found)
    next_cursor = write_cursor(items[-1].due.isoformat(), items[-1].reference) if more else None
    return ObligationPage(items=items, total=int(total[0]["total"]), next_cursor=next_cursor)


async def obligation_file(session: AsyncSession, reference: str) -> ObligationFile:
    """One obligation under its stable address, or NotFound."""
    found = await rows(
        session,
        f"SELECT {_COLUMNS} FROM obligations o {_NAMES} WHERE o.reference = :reference "
        "ORDER BY o.known_from DESC, o.version_id DESC",
        reference=reference,
    )
    if not found:
        raise NotFound("There is no such obligation.", where="reference")
    versions = await _lines(session, found)
    measure = measures().by_id().get(versions[0].measure)
    citation = law().citation(measure.quotation) if measure else {}
    return ObligationFile(**versions[0].model_dump(), citation=citation, versions=versions)


async def _lines(session: AsyncSession, found: list[dict[str, Any]]) -> list[ObligationLine]:
    known = measures().by_id()
    names = await region_names(session, [row["region"] for row in found])
    return [
        ObligationLine(
            **row,
            region_name=names.get(row["region"] or ""),
            measure_zh=known[row["measure"]].title_zh if row["measure"] in known else row["measure"],
            measure_en=known[row["measure"]].title_en if row["measure"] in known else row["measure"],
        )
        for row in found
    ]
