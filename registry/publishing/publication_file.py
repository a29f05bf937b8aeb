"""One publication for reading: its versions, what was said against it and how it was answered, and its links."""

from datetime import date, datetime
from typing import Any, Final

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.errors import NotFound
from registry.publishing.chain import Link, links
from registry.publishing.titles import titles
from registry.reading import Row, first, region_names, rows
from registry.working_days import is_reckoned, working_days_left

_PUBLIC: Final = ("displayed", "published", "superseded")


class VersionLine(BaseModel):
    """One version that is or was public, as the public reads it."""

    number: int
    state: str
    title_zh: str
    title_en: str
    content: dict[str, Any]
    content_hash: str
    evidence: list[dict[str, Any]]
    evidence_hash: str
    accuses: bool
    reason: str
    displayed_at: datetime | None
    objections_until: date | None
    # Working days left on the day asked, and whether the calendar of that day is announced yet.
    days_left: int | None
    reckoned: bool
    published_at: datetime | None
    ended_at: datetime | None


class ReplyLine(BaseModel):
    """What the accused says; whole but for personal data, which is blacked out."""

    id: int
    enterprise_name: str
    received_on: date
    content: str
    covered: int
    content_hash: str
    file_hash: str


class AnswerLine(BaseModel):
    """An objection that was answered, or an appeal with its answer when there is one; nobody is named."""

    id: int
    received_on: date
    sender: str = ""
    state: str
    outcome: str = ""
    answer: str
    answered_at: datetime | None


class PublicationFile(BaseModel):
    """A publication as everybody may read it."""

    id: int
    reference: str
    kind: str
    region: str
    region_name: str | None
    sector: str | None
    project_id: int | None
    enterprise_id: int | None
    synthetic: bool
    public_since: datetime
    withdrawn_at: datetime | None
    withdrawn_reason: str
    # What is in force, and what is on display beside or before it.
    in_force: VersionLine | None
    on_display: VersionLine | None
    versions: list[VersionLine]
    replies: list[ReplyLine]
    objections: list[AnswerLine]
    appeals: list[AnswerLine]
    links: list[Link]


async def publication_file(session: AsyncSession, publication: int, today: date) -> PublicationFile:
    """A publication that is or was public, or NotFound; officials see nothing more of it here than everybody."""
    found = await first(
        session, "SELECT * FROM publications WHERE id = :id AND public_since IS NOT NULL", id=publication
    )
    if found is None:
        raise NotFound("There is no such publication.", where="publication")
    versions = [version_line(found["kind"], row, today) for row in await _versions(session, publication)]
    if found["withdrawn_at"] is not None:
        # A tombstone points at nobody.
        found |= {"project_id": None, "enterprise_id": None, "sector": None}
    names = await region_names(session, [found["region"]])
    return PublicationFile(
        **{name: found[name] for name in PublicationFile.model_fields if name in found},
        region_name=names.get(found["region"]),
        in_force=next((one for one in versions if one.state == "published"), None),
        on_display=next((one for one in versions if one.state == "displayed"), None),
        versions=versions,
        replies=[
            ReplyLine(**{name: row[name] for name in ReplyLine.model_fields})
            for row in await _shown(session, "publication_replies", publication)
        ],
        objections=[_answer(row) for row in await _shown(session, "publication_objections", publication)],
        appeals=[_answer(row) for row in await _shown(session, "publication_appeals", publication)],
        links=await links(session, publication=publication),
    )


async def _versions(session: AsyncSession, publication: int) -> list[Row]:
    return await rows(
        session,
        "SELECT * FROM publication_versions WHERE publication_id = :id AND state = ANY(:states) ORDER BY number DESC",
        id=publication,
        states=list(_PUBLIC),
    )


async def _shown(session: AsyncSession, table: str, publication: int) -> list[Row]:
    return await rows(
        session, f"SELECT * FROM {table} WHERE publication_id = :id AND shown ORDER BY id", id=publication
    )


def version_line(kind: str, row: Row, today: date) -> VersionLine:
    """A version's row as it is shown; the preview of a draft is made by the very same."""
    zh, en = titles(kind, row["content"])
    until = row["objections_until"]
    told = {name: row[name] for name in VersionLine.model_fields if name in row}
    return VersionLine(
        **told | {"title_zh": zh, "title_en": en},
        days_left=working_days_left(today, until) if until else None,
        reckoned=bool(until and is_reckoned(until)),
    )


def _answer(row: Row) -> AnswerLine:
    return AnswerLine(**{name: row[name] for name in AnswerLine.model_fields if name in row})
