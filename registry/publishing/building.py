"""Building what is to be published: facts read as the public reads them, into the closed schema of their kind."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.database import json_text
from registry.errors import BadInput, Conflict, NotFound
from registry.flags import hash_of
from registry.law_in_force import catalogue_in_force
from registry.publishing import scanning
from registry.publishing.kinds import KINDS, Content, Office, accuses, columns
from registry.reading import Row, first, rows
from registry.viewers import PUBLIC, Viewer, become

LONGEST_STATEMENT: Final = 4000
# Of its codes a register knows what they are; all other words of a publication are looked through.
_CODES: Final = frozenset({"project_code", "enterprise_uscc", "subject", "id"})


@dataclass(frozen=True, slots=True)
class Matter:
    """A matter as it would be published now: the content, what it rests on, and where it belongs."""

    content: Content
    evidence: list[dict[str, Any]]
    accuses: bool
    region: str
    sector: str | None
    project_id: int | None
    enterprise_id: int | None
    synthetic: bool

    @property
    def content_hash(self) -> str:
        """The hash by which the content is frozen and chained."""
        return hash_of(plain(self.content))

    @property
    def evidence_hash(self) -> str:
        """The hash of all that it rests on."""
        return hash_of({"evidence": self.evidence})


def plain(content: Content) -> dict[str, Any]:
    """A content as it is kept, hashed and shown: days and amounts as text, so that any reader gets the same bytes."""
    return content.model_dump(mode="json")


async def build(
    session: AsyncSession, viewer: Viewer, kind: str, subject: str, statement: str, office: Office
) -> Matter:
    """Read a matter with the rights of the public; the transaction is the viewer's again when this returns.

    Raises NotFound for what the public may not know of, BadInput for personal data in the statement or the facts.
    """
    by = KINDS.get(kind)
    if by is None or not by.view:
        raise BadInput("There is no such kind of publication.", where="kind")
    statement = statement.strip()
    if len(statement) > LONGEST_STATEMENT:
        raise BadInput(f"A statement has at most {LONGEST_STATEMENT} characters.", where="statement")
    scanning.refuse(statement, "statement")
    await become(session, PUBLIC)
    try:
        # The schema's fields are the columns: nothing else can be read into it.
        read = f"SELECT {columns(by.facts)} FROM {by.view} WHERE subject = :subject"
        found = await rows(session, read, subject=subject)
        about = await first(
            session,
            "SELECT project_id, enterprise_id, sector, region, synthetic, version_id "
            f"FROM {by.view} WHERE subject = :subject",
            subject=subject,
        )
        if not found or about is None:
            raise NotFound("The register has no such matter that may be published.", where="subject")
        lines: list[Row] = []
        if by.lines is not None:
            read = f"SELECT {columns(by.lines)} FROM {by.lines_view} WHERE subject = :subject ORDER BY place"
            lines = await rows(session, read, subject=subject)
        evidence = await _evidence(session, kind, subject, found[0], lines, about)
    finally:
        await become(session, viewer)
    content = Content(
        kind=kind,
        subject=subject,
        office=office,
        facts=by.facts(**found[0]).model_dump(mode="json"),
        lines=[by.lines(**line).model_dump(mode="json") for line in lines] if by.lines else [],
        statement=statement,
        articles=by.articles,
    )
    _look_through(plain(content), "facts")
    return Matter(
        content=content,
        evidence=evidence,
        accuses=accuses(content),
        region=about["region"] or "000000",
        sector=about["sector"],
        project_id=about["project_id"],
        enterprise_id=about["enterprise_id"],
        synthetic=bool(about["synthetic"]),
    )


def _look_through(value: Any, where: str) -> None:
    """Refuse personal data wherever words stand: authors of facts write numbers and names as they like."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name not in _CODES:
                _look_through(one, f"{where}.{name}")
    elif isinstance(value, list | tuple):
        for one in value:
            _look_through(one, where)
    elif isinstance(value, str):
        scanning.refuse(value, where)


async def _evidence(
    session: AsyncSession, kind: str, subject: str, facts: Row, lines: list[Row], about: Row
) -> list[dict[str, Any]]:
    """What the matter rests on: the facts themselves, and the findings of the project as everybody sees them."""
    said = orderly({"facts": facts, "lines": lines})
    found = [{"kind": kind, "reference": subject, "version": about["version_id"], "hash": hash_of(said)}]
    if about["project_id"] is not None:
        findings = await rows(
            session,
            "SELECT fingerprint, version_id, evidence_hash FROM findings WHERE project_id = :project "
            "AND known_to = 'infinity' AND state = 'open' AND lane <> 'credit' ORDER BY fingerprint",
            project=about["project_id"],
        )
        found += [
            {
                "kind": "finding",
                "reference": row["fingerprint"],
                "version": row["version_id"],
                "hash": row["evidence_hash"],
            }
            for row in findings
        ]
    return found


def orderly(value: Any) -> Any:
    """As JSON reads it back: what is hashed before it is kept equals what is hashed after."""
    return orjson.loads(json_text(value))


async def objection_days(session: AsyncSession, region: str, day: date) -> int:
    """The working days of the objection period in a region on a day: the longest that holds there."""
    parameter = (await catalogue_in_force(session)).law.parameter("publication_objection_days")
    outer = await rows(session, "SELECT outer_code FROM region_within WHERE inner_code = :region", region=region)
    around = {region, *(row["outer_code"] for row in outer)}
    national = parameter.on(day)
    held = [int(str(national.value))] if national and national.value is not None else []
    for code, values in parameter.regions:
        if code in around:
            held += [int(str(one.value)) for one in values if one.since <= day and one.value is not None][-1:]
    if not held:
        raise Conflict("The law in force sets no objection period.", where="publication_objection_days")
    return max(held)


async def refuse_suspended(session: AsyncSession, matter: Matter, day: date) -> None:
    """Raise Conflict where the law in force forbids to display or publish such a matter."""
    if matter.content.kind != "replacement_plan":
        return
    held = (await catalogue_in_force(session)).law.parameter("suspended_replacement_sectors").on(day)
    if held is not None and isinstance(held.value, tuple) and matter.sector in held.value:
        raise Conflict(
            "New replacement plans of this sector may not be displayed or published: the law in force suspends them.",
            where="kind",
            remedy="Publishing one would itself count as adding capacity against the rules.",
        )
