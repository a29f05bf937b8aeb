"""An enterprise's file: names over time, owners and what it owns, its projects, production and notices."""

from datetime import date
from decimal import Decimal

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.audience import CREDIT, shown_finding
from registry.errors import NotFound
from registry.finding_list import FINDING_COLUMNS, FINDING_NAMES, FindingLine
from registry.project_file import NoticeLine, ProductionLine, SourceLine, sources_of
from registry.reading import first, region_names, rows
from registry.viewers import Audience


class NameLine(BaseModel):
    """A name that the enterprise bears or bore."""

    name: str
    kind: str
    held_from: date | None
    held_to: date | None


class OwnerLine(BaseModel):
    """An owner, a parent, or something owned."""

    enterprise_id: int | None
    name: str
    share: Decimal | None
    kind: str


class ProjectLine(BaseModel):
    """A project of the enterprise."""

    project_id: int
    name: str
    code: str | None
    sector: str
    stage: str
    region: str | None
    invented: bool
    open_findings: int


class EnterpriseFile(BaseModel):
    """Everything on the enterprise's page."""

    id: int
    reference: str
    invented: bool
    name: str
    name_en: str
    uscc: str | None
    region: str | None
    region_name: str | None
    address: str
    synthetic_fields: list[str]
    names: list[NameLine]
    owners: list[OwnerLine]
    owned: list[OwnerLine]
    projects: list[ProjectLine]
    production: list[ProductionLine]
    notices: list[NoticeLine]
    findings: list[FindingLine]
    sources: list[SourceLine]


async def enterprise_file(session: AsyncSession, enterprise_id: int, audience: Audience) -> EnterpriseFile:
    """The file of an enterprise as known now, or NotFound."""
    row = await first(
        session,
        """
        SELECT e.id, e.reference, e.invented, v.name, v.name_en, v.uscc, v.region, v.address, v.synthetic_fields,
               v.source_id
        FROM enterprises e JOIN enterprise_versions v ON v.enterprise_id = e.id AND v.known_to = 'infinity'
        WHERE e.id = :id ORDER BY v.held_from DESC NULLS LAST LIMIT 1
        """,
        id=enterprise_id,
    )
    if row is None:
        raise NotFound("There is no such enterprise.", where="enterprise")
    production = [
        ProductionLine(**one)
        for one in await rows(
            session,
            "SELECT * FROM productions WHERE enterprise_id = :id AND known_to = 'infinity' ORDER BY product, year",
            id=enterprise_id,
        )
    ]
    notices = [
        NoticeLine(**one)
        for one in await rows(
            session,
            """
            SELECT DISTINCT ON (n.id, i.role) n.id AS notice_id, n.*, i.role, i.enterprise_name
            FROM notice_items i JOIN notices n ON n.id = i.notice_id
            WHERE i.enterprise_id = :id ORDER BY n.id, i.role
            """,
            id=enterprise_id,
        )
    ]
    names = await region_names(session, [row["region"]])
    used = {row.pop("source_id")} | {one.source_id for one in production} | {one.source_id for one in notices}
    return EnterpriseFile(
        **row,
        region_name=names.get(row["region"] or ""),
        names=await _names(session, enterprise_id),
        owners=await _owners(session, enterprise_id),
        owned=await _owned(session, enterprise_id),
        projects=await _projects(session, enterprise_id),
        production=production,
        notices=notices,
        findings=await _findings(session, enterprise_id, audience),
        sources=await sources_of(session, used),
    )


async def _names(session: AsyncSession, enterprise_id: int) -> list[NameLine]:
    found = await rows(
        session,
        """
        SELECT name, kind, held_from, held_to FROM enterprise_names
        WHERE enterprise_id = :id AND known_to = 'infinity' ORDER BY kind = 'registered' DESC, held_from DESC NULLS LAST
        """,
        id=enterprise_id,
    )
    return [NameLine(**row) for row in found]


async def _owners(session: AsyncSession, enterprise_id: int) -> list[OwnerLine]:
    found = await rows(
        session,
        """
        SELECT owner_id AS enterprise_id, owner_name AS name, share, kind FROM enterprise_owners
        WHERE enterprise_id = :id AND known_to = 'infinity' ORDER BY share DESC NULLS LAST, owner_name
        """,
        id=enterprise_id,
    )
    return [OwnerLine(**row) for row in found]


async def _owned(session: AsyncSession, enterprise_id: int) -> list[OwnerLine]:
    found = await rows(
        session,
        """
        SELECT o.enterprise_id, v.name, o.share, o.kind
        FROM enterprise_owners o JOIN enterprise_versions v
          ON v.enterprise_id = o.enterprise_id AND v.known_to = 'infinity'
        WHERE o.owner_id = :id AND o.known_to = 'infinity' ORDER BY v.name LIMIT 200
        """,
        id=enterprise_id,
    )
    return [OwnerLine(**row) for row in found]


async def _projects(session: AsyncSession, enterprise_id: int) -> list[ProjectLine]:
    found = await rows(
        session,
        """
        SELECT DISTINCT ON (v.project_id) v.project_id, v.name, v.code, v.sector, v.stage, v.region, p.invented,
            (SELECT count(*) FROM findings_shown f WHERE f.project_id = v.project_id AND f.known_to = 'infinity'
             AND f.state = 'open') AS open_findings
        FROM project_versions v JOIN projects p ON p.id = v.project_id
        WHERE v.owner_id = :id AND v.known_to = 'infinity' ORDER BY v.project_id, v.held_from DESC NULLS LAST
        """,
        id=enterprise_id,
    )
    return [ProjectLine(**row) for row in found]


async def _findings(session: AsyncSession, enterprise_id: int, audience: Audience) -> list[FindingLine]:
    # Whoever may not see credit gets no credit finding here: listing them by enterprise would name a borrower.
    hidden = "" if audience in CREDIT else "AND f.lane <> 'credit'"
    found = await rows(
        session,
        f"""
        SELECT {FINDING_COLUMNS} FROM findings_shown f {FINDING_NAMES}
        WHERE f.enterprise_id = :id AND f.known_to = 'infinity' {hidden}
        ORDER BY f.state DESC, f.acted_on DESC NULLS LAST
        """,
        id=enterprise_id,
    )
    return [FindingLine(**shown_finding(row, audience)) for row in found]
