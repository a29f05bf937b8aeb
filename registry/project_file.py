"""A project's file: all that the register knows of it, now or as it was known on a day, for one audience."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.acts import LANE_OF_ACT
from registry.audience import CREDIT, CREDIT_ACTS, INTERNAL, PUBLIC_RECORD_FIELDS, shown_finding, shown_record
from registry.errors import NotFound
from registry.finding_list import FINDING_COLUMNS, FindingLine, finding_names
from registry.project_history import Change, history_of_project
from registry.project_states import project_state
from registry.reading import Row, first, known, region_names, rows
from registry.viewers import Audience

RECORDS_SHOWN: Final = 200


class Description(BaseModel):
    """What the register says of the project itself."""

    version_id: int
    code: str | None
    name: str
    name_en: str
    owner_id: int | None
    owner_name: str | None
    owner_name_en: str | None
    owner_uscc: str | None
    owner_invented: bool
    owner_synthetic_fields: list[str]
    sector: str
    industry: str | None
    industry_name: str | None
    industry_edition: str | None
    region: str | None
    region_name: str | None = None
    region_known: bool = True  # False: its code was never in force, and is kept as it was given
    address: str
    site_reference: str
    site_name: str
    longitude: float | None
    latitude: float | None
    nature: str
    asks_land: bool | None
    stage: str
    held_from: date | None
    held_to: date | None
    known_from: datetime
    synthetic_fields: list[str]
    source_id: str | None


class Capacity(BaseModel):
    """One capacity line."""

    product: str
    process: str
    amount: Decimal
    unit: str
    held_from: date | None
    held_to: date | None
    source_id: str | None


class ApprovalLine(BaseModel):
    """One approval, verification or filing as known."""

    approval_id: int
    version_id: int
    reference: str
    kind: str
    number: str
    authority: str
    issued: date
    expires: date | None
    revoked: date | None
    revoked_reason: str
    capacities: list[dict[str, Any]] | None
    synthetic: bool
    source_id: str | None
    known_from: datetime


class EquipmentLine(BaseModel):
    """One furnace, kiln, pot line or slip as known."""

    equipment_id: int
    reference: str
    equipment_class: str
    size: Decimal | None
    unit: str
    commissioned: date | None
    dismantled: date | None
    last_ran: date | None
    traits: list[str]
    synthetic: bool
    source_id: str | None


class DispositionLine(BaseModel):
    """What was decided of a project that broke the rules, as known."""

    disposition_id: int
    reference: str
    kind: str
    decided: date | None
    published: date | None
    number: str
    authority: str
    synthetic: bool
    source_id: str | None


class PlanUnitLine(BaseModel):
    """One unit that a replacement plan retires."""

    reference: str
    product: str | None
    amount: Decimal | None
    unit: str
    retired: date | None


class PlanLine(BaseModel):
    """A replacement plan of the project, as known."""

    plan_id: int
    reference: str
    published: date | None
    confirmed: date | None
    announced: date | None
    listed: date | None
    number: str
    authority: str
    synthetic: bool
    source_id: str | None
    units: list[PlanUnitLine]


class RecordLine(BaseModel):
    """One agency record; what the public may not see is absent."""

    record_id: int
    feed: str
    source_key: str
    act: str
    lane: str
    acted_on: date
    number: str | None = None
    project_code: str | None = None
    project_name: str | None = None
    party_name: str | None = None
    party_uscc: str | None = None
    region: str | None = None
    address: str | None = None
    industry: str | None = None
    industry_edition: str | None = None
    kind: str | None = None
    authority: str | None = None
    area_hectares: Decimal | None = None
    stated_capacity: list[dict[str, Any]] | None = None
    expires: date | None = None
    revoked: date | None = None
    synthetic: bool
    link_method: str | None = None
    link_score: float | None = None
    amount: Decimal | None = None  # officials only
    months: int | None = None  # officials only


class NoticeLine(BaseModel):
    """A public notice or reported violation that names the owner; as reported, never our finding."""

    notice_id: int
    kind: str
    lane: str | None
    violation_type: str
    on_date: date | None
    date_text: str
    issuer: str
    title: str
    url: str
    unverified: bool
    role: str
    enterprise_name: str
    source_id: str


class ProductionLine(BaseModel):
    """What a site of the owner produced in a year."""

    year: int
    product: str
    amount: Decimal
    unit: str
    site_name: str
    source_id: str | None


class CodeLine(BaseModel):
    """A code that names the project or named it."""

    code: str
    kind: str
    held_from: date | None
    held_to: date | None


class Relative(BaseModel):
    """A project before, after or beside this one."""

    project_id: int
    name: str
    relation: str  # predecessor, successor, same_site


class SourceLine(BaseModel):
    """Where facts of this file come from."""

    id: str
    title: str
    citation: str
    licence: str
    url: str
    synthetic: bool
    unverified: bool


class ProjectFile(BaseModel):
    """Everything on the project's page."""

    id: int
    reference: str
    invented: bool
    known_at: datetime | None
    # What a correction must have seen: the first part of the ETag; empty for a file as of an earlier day.
    state: str
    description: Description
    codes: list[CodeLine]
    relatives: list[Relative]
    capacities: list[Capacity]
    approvals: list[ApprovalLine]
    equipment: list[EquipmentLine]
    dispositions: list[DispositionLine]
    plans: list[PlanLine]
    production: list[ProductionLine]
    records: list[RecordLine]
    records_total: int
    notices: list[NoticeLine]
    findings: list[FindingLine]
    credit_flagged: bool
    history: list[Change]
    sources: list[SourceLine]


async def project_by_code(session: AsyncSession, code: str) -> int:
    """The project that a code names, in its normal form; a code of an earlier shape too."""
    found = await first(
        session,
        """
        SELECT project_id FROM (
            SELECT project_id, 0 AS rank FROM project_versions WHERE code = :code AND known_to = 'infinity'
            UNION ALL
            SELECT project_id, CASE kind WHEN 'current' THEN 1 ELSE 2 END
            FROM project_codes WHERE code = :code AND known_to = 'infinity'
        ) named ORDER BY rank, project_id LIMIT 1
        """,
        code=code,
    )
    if found is None:
        raise NotFound("No project bears this code.", where="code")
    return int(found["project_id"])


async def project_file(
    session: AsyncSession, project_id: int, audience: Audience, *, known_at: datetime | None = None
) -> ProjectFile:
    """The file of a project, as known at an instant (None: now).

    Raises NotFound when there is no such project, or when it was not known yet.
    """
    binds = {"project": project_id, "known_at": known_at}
    described = await _description(session, known_at, binds)
    if described is None:
        raise NotFound("There is no such project at this date.", where="project")
    identity, description = described
    records, total = await _records(session, audience, known_at, binds)
    findings = await _findings(session, known_at, binds)
    lines = [FindingLine(**shown_finding(row, audience)) for row in findings]
    notices = await _notices(session, description.owner_id)
    parts: dict[str, list[Any]] = {
        "codes": await _codes(session, known_at, binds),
        "relatives": await _relatives(session, known_at, binds, description.site_reference),
        "capacities": await _capacities(session, known_at, binds),
        "approvals": await _approvals(session, known_at, binds),
        "equipment": await _equipment(session, known_at, binds),
        "dispositions": await _dispositions(session, known_at, binds),
        "plans": await _plans(session, known_at, binds),
        "production": await _production(session, known_at, description),
        "notices": notices,
        "findings": lines,
        "records": records,
    }
    history = await history_of_project(session, project_id, known_at=known_at, audience=audience)
    used = {getattr(part, "source_id", None) for group in parts.values() for part in group}
    used |= {description.source_id} | ({"demo-synthetic"} if any(one.synthetic for one in records) else set())
    return ProjectFile(
        id=project_id,
        reference=identity["reference"],
        invented=identity["invented"],
        known_at=known_at,
        state="" if known_at else await project_state(session, project_id),
        description=description,
        records_total=total,
        credit_flagged=any(line.lane == "credit" and line.state == "open" for line in lines),
        history=history,
        sources=await sources_of(session, used),
        **parts,
    )


async def _description(
    session: AsyncSession, known_at: datetime | None, binds: dict[str, Any]
) -> tuple[Row, Description] | None:
    # Of several periods the one that holds now, or the latest.
    row = await first(
        session,
        f"""
        SELECT p.reference, p.invented, v.*, e.invented AS owner_is_invented,
               o.name AS owner_name, o.name_en AS owner_name_en, o.uscc AS owner_uscc,
               o.synthetic_fields AS owner_synthetic, i.name AS industry_name,
               v.region IS NULL OR EXISTS (SELECT FROM regions WHERE code = v.region) AS region_is_known
        FROM projects p
        JOIN project_versions v ON v.project_id = p.id AND {known("v", known_at)}
        LEFT JOIN enterprises e ON e.id = v.owner_id
        LEFT JOIN LATERAL (
            SELECT * FROM enterprise_versions o WHERE o.enterprise_id = v.owner_id AND {known("o", known_at)}
            ORDER BY o.held_from DESC NULLS LAST LIMIT 1
        ) o ON true
        LEFT JOIN industries i ON i.code = v.industry AND i.edition = coalesce(v.industry_edition, '2017')
        WHERE p.id = :project ORDER BY v.held_from DESC NULLS LAST LIMIT 1
        """,
        **binds,
    )
    if row is None:
        return None
    names = await region_names(session, [row["region"]])
    return row, Description(
        **{name: row[name] for name in Description.model_fields if name in row},
        owner_invented=bool(row["owner_is_invented"]),
        owner_synthetic_fields=row["owner_synthetic"] or [],
        region_name=names.get(row["region"]),
        region_known=row["region_is_known"],
    )


async def _codes(session: AsyncSession, known_at: datetime | None, binds: dict[str, Any]) -> list[CodeLine]:
    found = await rows(
        session,
        f"""
        SELECT code, kind, held_from, held_to FROM project_codes c
        WHERE project_id = :project AND {known("c", known_at)} ORDER BY kind, held_from DESC NULLS LAST
        """,
        **binds,
    )
    return [CodeLine(**row) for row in found]


async def _relatives(
    session: AsyncSession, known_at: datetime | None, binds: dict[str, Any], site: str
) -> list[Relative]:
    found = await rows(
        session,
        f"""
        SELECT DISTINCT ON (relation, v.project_id) v.project_id, v.name, relation FROM (
            SELECT predecessor_id AS other, 'predecessor' AS relation FROM project_lineage l
            WHERE project_id = :project AND {known("l", known_at)}
            UNION SELECT project_id, 'successor' FROM project_lineage l
            WHERE predecessor_id = :project AND {known("l", known_at)}
            UNION SELECT project_id, 'same_site' FROM project_versions s
            WHERE site_reference = :site AND :site <> '' AND project_id <> :project AND {known("s", known_at)}
        ) related JOIN project_versions v ON v.project_id = related.other AND {known("v", known_at)}
        ORDER BY relation, v.project_id LIMIT 50
        """,
        site=site,
        **binds,
    )
    return [Relative(**row) for row in found]


async def _capacities(session: AsyncSession, known_at: datetime | None, binds: dict[str, Any]) -> list[Capacity]:
    found = await rows(
        session,
        f"""
        SELECT product, process, amount, unit, held_from, held_to, source_id FROM capacity_lines c
        WHERE project_id = :project AND {known("c", known_at)} ORDER BY product, process, held_from NULLS FIRST
        """,
        **binds,
    )
    return [Capacity(**row) for row in found]


async def _approvals(session: AsyncSession, known_at: datetime | None, binds: dict[str, Any]) -> list[ApprovalLine]:
    found = await rows(
        session,
        f"""
        SELECT * FROM approvals a WHERE project_id = :project AND {known("a", known_at)} ORDER BY issued, approval_id
        """,
        **binds,
    )
    return [ApprovalLine(**row) for row in found]


async def _equipment(session: AsyncSession, known_at: datetime | None, binds: dict[str, Any]) -> list[EquipmentLine]:
    found = await rows(
        session,
        f"""
        SELECT * FROM equipment q WHERE project_id = :project AND {known("q", known_at)}
        ORDER BY commissioned NULLS LAST, equipment_id
        """,
        **binds,
    )
    return [EquipmentLine(**row) for row in found]


async def _dispositions(
    session: AsyncSession, known_at: datetime | None, binds: dict[str, Any]
) -> list[DispositionLine]:
    found = await rows(
        session,
        f"""
        SELECT * FROM dispositions d WHERE project_id = :project AND {known("d", known_at)}
        ORDER BY decided NULLS LAST, disposition_id
        """,
        **binds,
    )
    return [DispositionLine(**row) for row in found]


async def _plans(session: AsyncSession, known_at: datetime | None, binds: dict[str, Any]) -> list[PlanLine]:
    found = await rows(
        session,
        f"""
        SELECT p.*, coalesce(u.units, '[]') AS units FROM replacement_plans p
        LEFT JOIN LATERAL (
            SELECT jsonb_agg(jsonb_build_object('reference', u.reference, 'product', u.product, 'amount', u.amount,
                                                'unit', u.unit, 'retired', u.retired) ORDER BY u.reference) AS units
            FROM plan_units u WHERE u.plan_id = p.plan_id AND {known("u", known_at)}
        ) u ON true
        WHERE p.project_id = :project AND {known("p", known_at)}
        ORDER BY p.confirmed NULLS LAST, p.plan_id
        """,
        **binds,
    )
    return [PlanLine(**row) for row in found]


async def _production(
    session: AsyncSession, known_at: datetime | None, description: Description
) -> list[ProductionLine]:
    found = await rows(
        session,
        f"""
        SELECT * FROM productions p WHERE enterprise_id = :owner AND {known("p", known_at)}
          AND (:site = '' OR site_reference IN ('', :site)) ORDER BY product, year
        """,
        owner=description.owner_id or 0,
        site=description.site_reference,
        known_at=known_at,
    )
    return [ProductionLine(**row) for row in found]


async def _records(
    session: AsyncSession, audience: Audience, known_at: datetime | None, binds: dict[str, Any]
) -> tuple[list[RecordLine], int]:
    hidden = "" if audience in CREDIT else "AND NOT (r.act = ANY(:credit))"
    columns = ", ".join(f"r.{name}" for name in PUBLIC_RECORD_FIELDS)
    official = ", r.amount, r.months" if audience in INTERNAL | CREDIT else ""
    found = await rows(
        session,
        f"""
        SELECT {columns}{official}, l.method AS link_method, l.score AS link_score, count(*) OVER () AS total
        FROM links l JOIN records r ON r.record_id = l.record_id AND {known("r", known_at)}
        WHERE l.project_id = :project AND l.outcome = 'linked' AND {known("l", known_at)} {hidden}
        ORDER BY r.acted_on, r.record_id LIMIT {RECORDS_SHOWN}
        """,
        credit=list(CREDIT_ACTS),
        **binds,
    )
    total = int(found[0]["total"]) if found else 0
    shown = [shown_record(row, audience) for row in found]
    return [RecordLine(**row, lane=LANE_OF_ACT.get(row["act"], "approval")) for row in shown], total


async def _findings(session: AsyncSession, known_at: datetime | None, binds: dict[str, Any]) -> list[Row]:
    return await rows(
        session,
        f"""
        SELECT {FINDING_COLUMNS} FROM findings_shown f
        {finding_names(known_at)}
        WHERE f.project_id = :project AND {known("f", known_at)}
        ORDER BY f.state DESC, f.acted_on, f.fingerprint
        """,
        **binds,
    )


async def _notices(session: AsyncSession, owner: int | None) -> list[NoticeLine]:
    found = await rows(
        session,
        """
        SELECT DISTINCT ON (n.id, i.role) n.id AS notice_id, n.*, i.role, i.enterprise_name
        FROM notice_items i JOIN notices n ON n.id = i.notice_id
        WHERE i.enterprise_id = :owner ORDER BY n.id, i.role
        """,
        owner=owner or 0,
    )
    return sorted((NoticeLine(**row) for row in found), key=lambda line: (line.on_date or date.min, line.notice_id))


async def sources_of(session: AsyncSession, used: set[str | None]) -> list[SourceLine]:
    """The sources by their ids, real ones first."""
    found = await rows(
        session,
        "SELECT * FROM sources WHERE id = ANY(:ids) ORDER BY synthetic, unverified, id",
        ids=sorted(one for one in used if one),
    )
    return [SourceLine(**row) for row in found]
