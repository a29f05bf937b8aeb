"""Suspected projects for reading: the list, and the file of one with its records of every gate on one timeline.

For officials only: a suspicion about an unknown project names people and firms that nobody has heard yet.
"""

from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.acts import LANE_OF_ACT
from registry.errors import NotFound
from registry.finding_list import FINDING_COLUMNS, FINDING_NAMES, FindingLine
from registry.reading import LARGEST_NUMBER, Row, first, read_cursor, region_names, rows, write_cursor
from registry.region_matching import contains
from registry.viewers import Viewer

PROPOSALS: Final[tuple[str, ...]] = ("suspected_merge", "suspected_split", "suspected_register", "suspected_dismiss")


@dataclass(frozen=True, slots=True)
class SuspectFilter:
    """What to list; None asks nothing."""

    state: str | None = "open"
    sector: str | None = None
    province: str | None = None
    # A city's or county's code, or a province's.
    region: str | None = None
    # At least so many of the three gates show it.
    lanes: int | None = None
    q: str | None = None

    def asked(self) -> dict[str, str]:
        """The filter as parameters of an address."""
        return {one.name: str(getattr(self, one.name)) for one in fields(self) if getattr(self, one.name) is not None}


class SuspectSummary(BaseModel):
    """One suspected project in a list."""

    suspected_id: int
    state: str
    merged_into: int | None
    project_id: int | None
    project_name: str
    party_name: str
    party_uscc: str | None
    sector: str
    region: str | None
    region_name: str | None = None
    address: str
    records: int
    lanes: int
    first_act: date | None
    last_act: date | None
    synthetic: bool
    credit_only: bool
    decided_by: str
    reason: str
    known_from: datetime


class SuspectPage(BaseModel):
    """One page of a list, how many in all, and the cursor of the next."""

    items: list[SuspectSummary]
    total: int
    next_cursor: str | None = None


class SuspectRecord(BaseModel):
    """A record of a suspected project: what it shows, and what ties it to the others."""

    record_id: int
    act: str
    lane: str
    acted_on: date
    number: str | None
    project_name: str | None
    party_name: str | None
    party_uscc: str | None
    region: str | None
    region_name: str | None = None
    address: str | None
    area_hectares: Decimal | None
    amount: Decimal | None
    stated_capacity: list[dict[str, Any]] | None
    authority: str | None
    feed_zh: str
    feed_en: str
    synthetic: bool
    evidence: dict[str, Any]
    decided_by: str
    known_from: datetime
    known_to: datetime


class SuspectProposal(BaseModel):
    """What somebody drafted about it and another person has to decide, or decided."""

    id: int
    kind: str
    content: dict[str, Any]
    reason: str
    state: str
    drafted_by: int
    drafter: str
    drafted_at: datetime
    decided_at: datetime | None
    decider: str | None
    decision: str
    version: int
    mine: bool


class SuspectChange(BaseModel):
    """One step in its history: when, what, by whom, why."""

    at: datetime
    what: str  # formed, joined, left, merged, registered, dismissed, empty, open
    record_id: int | None = None
    actor: str
    reason: str = ""


class SuspectFile(SuspectSummary):
    """Everything on the page of one suspected project."""

    version: int  # give it back with a change: If-Match
    linked_project: str | None
    records_of: list[SuspectRecord]
    findings: list[FindingLine]
    products: list[dict[str, Any]]
    proposals: list[SuspectProposal]
    history: list[SuspectChange]
    near: list[SuspectSummary]


_COLUMNS: Final = """
    v.suspected_id, v.state, v.merged_into, v.project_id, v.project_name, v.party_name, v.party_uscc, v.sector,
    v.region, v.address, v.records, v.lanes, v.first_act, v.last_act, v.synthetic, v.credit_only, v.decided_by,
    v.reason,
    v.known_from
"""
_ORDER: Final = "v.lanes DESC, v.records DESC, v.suspected_id DESC"


async def list_suspects(
    session: AsyncSession, viewer: Viewer, wanted: SuspectFilter, *, cursor: str = "", limit: int = 25
) -> SuspectPage:
    """Suspected projects: those that most gates show first."""
    viewer.require("internal")
    asked = {
        "v.state = :state": wanted.state,
        "v.sector = :sector": wanted.sector,
        "left(v.region, 2) = :province": wanted.province,
        contains("CAST(:region AS text)", "v.region"): wanted.region,
        "v.lanes >= :lanes": wanted.lanes,
        "(v.project_name ILIKE :q OR v.party_name ILIKE :q OR v.party_uscc = :exact)": wanted.q,
    }
    where = " AND ".join(["v.known_to = 'infinity'", *(text for text, value in asked.items() if value is not None)])
    binds: dict[str, Any] = {one.name: getattr(wanted, one.name) for one in fields(wanted)}
    if wanted.q is not None:
        binds |= {"q": f"%{_literal(wanted.q)}%", "exact": wanted.q}
    total = await first(session, f"SELECT count(*) AS total FROM suspected_versions AS v WHERE {where}", **binds)
    if cursor:
        lanes, records, number = (value if isinstance(value, int) else 0 for value in read_cursor(cursor, 3))
        where += " AND (v.lanes, v.records, v.suspected_id) < (:after_lanes, :after_records, :after)"
        binds |= {"after_lanes": lanes, "after_records": records, "after": number}
    found = await rows(
        session,
        f"SELECT {_COLUMNS} FROM suspected_versions AS v WHERE {where} ORDER BY {_ORDER} LIMIT {int(limit) + 1}",
        **binds,
    )
    more = len(found) > limit
    found = found[:limit]
    names = await region_names(session, [row["region"] for row in found])
    items = [_summary(row, names) for row in found]
    last = found[-1] if more else None
    return SuspectPage(
        items=items,
        total=int(total["total"]) if total else 0,
        next_cursor=write_cursor(last["lanes"], last["records"], last["suspected_id"]) if last else None,
    )


def _literal(text: str) -> str:
    """What was typed, without the meaning that LIKE gives to some characters."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _summary(row: Row, names: dict[str, str]) -> SuspectSummary:
    return SuspectSummary(**row, region_name=names.get(row["region"] or ""))


async def suspect_file(session: AsyncSession, viewer: Viewer, suspected_id: int) -> SuspectFile:
    """The file of a suspected project that the viewer may see, or NotFound."""
    viewer.require("internal")
    if suspected_id > LARGEST_NUMBER:
        raise NotFound("There is no such suspected project.", where="suspected project")
    row = await first(
        session,
        f"SELECT {_COLUMNS}, v.version_id AS version, (SELECT p.name FROM project_versions AS p "
        "WHERE p.project_id = v.project_id AND p.known_to = 'infinity' ORDER BY p.held_from DESC NULLS LAST LIMIT 1) "
        "AS linked_project FROM suspected_versions AS v WHERE v.suspected_id = :id AND v.known_to = 'infinity'",
        id=suspected_id,
    )
    if row is None:
        raise NotFound("There is no such suspected project.", where="suspected project")
    members = await _members(session, suspected_id)
    present = [one for one in members if one["known_to"].year > 9000]
    near = await rows(
        session,
        f"""
        SELECT {_COLUMNS} FROM suspected_versions AS v
        WHERE v.known_to = 'infinity' AND v.state = 'open' AND v.suspected_id <> :id AND v.sector = :sector
          AND (left(v.region, 4) = left(CAST(:region AS text), 4) OR v.party_uscc = CAST(:uscc AS text)
               OR v.party_name <> '' AND v.party_name = :party)
        ORDER BY {_ORDER} LIMIT 5
        """,
        id=suspected_id,
        sector=row["sector"],
        region=row["region"],
        uscc=row["party_uscc"],
        party=row["party_name"],
    )
    names = await region_names(
        session, [row["region"], *(one["region"] for one in present), *(one["region"] for one in near)]
    )
    return SuspectFile(
        **row,
        region_name=names.get(row["region"] or ""),
        records_of=[
            SuspectRecord(
                **one,
                lane=LANE_OF_ACT.get(one["act"], "approval"),
                region_name=names.get(one["region"] or ""),
            )
            for one in present
        ],
        findings=await _findings(session, [one["record_id"] for one in present]),
        products=_products(present),
        proposals=await _proposals(session, viewer, suspected_id),
        history=_history(await _versions(session, suspected_id), members),
        near=[_summary(one, names) for one in near],
    )


async def _members(session: AsyncSession, suspected_id: int) -> list[Row]:
    """Every record that is or was part of it and that the viewer may see, in order of their acts."""
    return await rows(
        session,
        """
        SELECT r.record_id, r.act, r.acted_on, r.number, r.project_name, r.party_name, r.party_uscc, r.region,
               r.address, r.area_hectares, r.amount, r.stated_capacity, r.authority,
               coalesce(nullif(f.name_zh, ''), r.feed) AS feed_zh, coalesce(nullif(f.name_en, ''), r.feed) AS feed_en,
               r.synthetic, m.evidence, m.decided_by, m.known_from, m.known_to
        FROM suspected_members AS m
        JOIN records AS r ON r.record_id = m.record_id AND r.known_to = 'infinity'
        JOIN feeds AS f ON f.id = r.feed
        WHERE m.suspected_id = :id ORDER BY r.acted_on, r.record_id, m.version_id
        """,
        id=suspected_id,
    )


def _products(members: list[Row]) -> list[dict[str, Any]]:
    """The greatest capacity that a record states of each product."""
    greatest: dict[tuple[str, str], dict[str, Any]] = {}
    for one in members:
        for line in one["stated_capacity"] or []:
            key = (str(line.get("product")), str(line.get("unit")))
            if key not in greatest or Decimal(str(line["amount"])) > Decimal(str(greatest[key]["amount"])):
                greatest[key] = line
    return list(greatest.values())


async def _findings(session: AsyncSession, records: list[int]) -> list[FindingLine]:
    found = await rows(
        session,
        f"SELECT {FINDING_COLUMNS} FROM findings_shown AS f {FINDING_NAMES} WHERE f.known_to = 'infinity' "
        "AND f.subject_kind = 'record' AND f.subject_id = ANY(CAST(:records AS bigint[])) "
        "ORDER BY f.state DESC, f.rule, f.subject_id",
        records=records,
    )
    return [FindingLine(**{name: row[name] for name in FindingLine.model_fields if name in row}) for row in found]


async def _proposals(session: AsyncSession, viewer: Viewer, suspected_id: int) -> list[SuspectProposal]:
    found = await rows(
        session,
        """
        SELECT p.*, d.name AS drafter, x.name AS decider FROM proposals AS p
        JOIN colleagues AS d ON d.id = p.drafted_by LEFT JOIN colleagues AS x ON x.id = p.decided_by
        WHERE p.kind = ANY(CAST(:kinds AS text[])) AND p.subject = :subject ORDER BY p.id DESC
        """,
        kinds=list(PROPOSALS),
        subject=str(suspected_id),
    )
    hands = {viewer.account_id, *viewer.acts_for}
    return [
        SuspectProposal(
            **{name: row[name] for name in SuspectProposal.model_fields if name in row},
            mine=bool(hands & {row["drafted_by"], row["owner_id"], *row["drafted_for"]}),
        )
        for row in found
    ]


async def _versions(session: AsyncSession, suspected_id: int) -> list[Row]:
    return await rows(
        session,
        "SELECT state, decided_by, reason, known_from, merged_into, project_id FROM suspected_versions "
        "WHERE suspected_id = :id ORDER BY known_from, version_id",
        id=suspected_id,
    )


def _history(versions: list[Row], members: list[Row]) -> list[SuspectChange]:
    """What happened to it, latest first: records that joined and left, and what people decided."""
    steps: list[SuspectChange] = []
    before = ""
    for version in versions:
        if version["state"] != before:
            steps.append(
                SuspectChange(
                    at=version["known_from"],
                    what=version["state"] if before else "formed",
                    actor=version["decided_by"],
                    reason=version["reason"],
                )
            )
        before = version["state"]
    for one in members:
        joined = {"record_id": one["record_id"], "actor": one["decided_by"]}
        reason = str(one["evidence"].get("reviewer", ""))
        steps.append(SuspectChange(at=one["known_from"], what="joined", reason=reason, **joined))
        if one["known_to"].year < 9000:
            steps.append(SuspectChange(at=one["known_to"], what="left", record_id=one["record_id"], actor=""))
    return sorted(steps, key=lambda step: step.at, reverse=True)
