"""Drafting a publication or a correction, seeing it as it would be public, submitting it, dropping it."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import proposals
from registry.auditing import audit
from registry.clock import civil_day
from registry.database import json_text
from registry.errors import BadInput, Conflict, NotAllowed, NotFound
from registry.publishing import scanning
from registry.publishing.building import Matter, build, plain, refuse_suspended
from registry.publishing.kinds import Content, Office
from registry.publishing.telling import tell
from registry.publishing.titles import searchable
from registry.reading import Row, first
from registry.viewers import Viewer

PROPOSAL: Final = "publication"
_ON_ITS_WAY: Final = ("draft", "submitted", "displayed")
_ADD: Final = text(
    """
    INSERT INTO publications (id, reference, kind, subject, organisation_id, region, sector, project_id, enterprise_id,
        synthetic, created_at)
    VALUES (:id, :reference, :kind, :subject, :organisation, :region, :sector, :project, :enterprise, :synthetic, :now)
    """
)
_ADD_VERSION: Final = text(
    """
    INSERT INTO publication_versions (publication_id, number, region, accuses, content, content_hash, evidence,
        evidence_hash, title_zh, title_en, title_normal, title_pinyin, names, names_normal, reason, drafted_by,
        drafted_at)
    VALUES (:publication, :number, :region, :accuses, CAST(CAST(:content AS text) AS jsonb), :content_hash,
        CAST(CAST(:evidence AS text) AS jsonb), :evidence_hash, :title_zh, :title_en, :title_normal, :title_pinyin,
        CAST(:names AS text[]), CAST(:names_normal AS text[]), :reason, :by, :now)
    """
)
_REVISE: Final = text(
    """
    UPDATE publication_versions SET accuses = :accuses, content = CAST(CAST(:content AS text) AS jsonb),
        content_hash = :content_hash, evidence = CAST(CAST(:evidence AS text) AS jsonb),
        evidence_hash = :evidence_hash, title_zh = :title_zh, title_en = :title_en, title_normal = :title_normal,
        title_pinyin = :title_pinyin, names = CAST(:names AS text[]), names_normal = CAST(:names_normal AS text[]),
        reason = :reason, version = version + 1
    WHERE id = :id
    """
)


def preparer(viewer: Viewer) -> int:
    """The account of whoever prepares publications, or NotAllowed."""
    if not (viewer.may("publish") or viewer.may("decide")):
        viewer.require("publish")
    if viewer.account_id is None:
        raise NotAllowed("Only a person prepares a publication.")
    return viewer.account_id


async def draft(session: AsyncSession, viewer: Viewer, kind: str, subject: str, statement: str, now: datetime) -> int:
    """A new publication as a draft of the viewer; returns its id.

    Raises NotFound for what the public may not know, BadInput for personal data, Conflict where there is one already.
    """
    account = preparer(viewer)
    matter = await build(session, viewer, kind, subject, statement, await _office(session, viewer))
    await refuse_suspended(session, matter, civil_day(now))
    there = await first(
        session,
        "SELECT p.reference FROM publications AS p WHERE p.kind = :kind AND p.subject = :subject AND p.withdrawn_at "
        "IS NULL AND EXISTS (SELECT FROM publication_versions AS v WHERE v.publication_id = p.id "
        "AND v.state NOT IN ('refused', 'dropped'))",
        kind=kind,
        subject=subject,
    )
    if there:
        raise Conflict(
            f"There is a publication of this already: {there['reference']}.",
            where="subject",
            remedy="Correct that one, or withdraw it first.",
        )
    row = await first(session, "SELECT nextval(pg_get_serial_sequence('publications', 'id')) AS id")
    publication = int(row["id"]) if row else 0
    reference = f"{civil_day(now).year}-{matter.region}-{publication:04d}"
    await (await session.connection()).execute(
        _ADD,
        {
            "id": publication,
            "reference": reference,
            "kind": kind,
            "subject": subject,
            "organisation": viewer.organisation_id,
            "region": matter.region,
            "sector": matter.sector,
            "project": matter.project_id,
            "enterprise": matter.enterprise_id,
            "synthetic": matter.synthetic,
            "now": now,
        },
    )
    await _add_version(session, publication, 1, matter, "", account, now)
    await audit(session, viewer, "publication.draft", "publication", reference, after=_said(matter, 1))
    return publication


async def correct(
    session: AsyncSession, viewer: Viewer, publication: int, statement: str, reason: str, now: datetime
) -> int:
    """A draft of a correction, made of what the register says now; returns its number. The reason will be public."""
    account = preparer(viewer)
    reason = _public_reason(reason)
    found = await of_publication(session, publication)
    if found["withdrawn_at"] is not None:
        raise Conflict("This publication is withdrawn.", remedy="Draft a new one.")
    numbers = await first(
        session,
        "SELECT max(number) AS last, bool_or(state = 'published') AS public, bool_or(state = ANY(:waiting)) AS waiting "
        "FROM publication_versions WHERE publication_id = :id",
        id=publication,
        waiting=list(_ON_ITS_WAY),
    )
    if numbers is None or not numbers["public"]:
        raise Conflict("Only what is published can be corrected.")
    if numbers["waiting"]:
        raise Conflict("A correction of this publication is on its way already.")
    office = await _office(session, viewer)
    matter = await build(session, viewer, found["kind"], found["subject"], statement, office)
    number = int(numbers["last"]) + 1
    await _add_version(session, publication, number, matter, reason, account, now)
    await audit(
        session, viewer, "publication.correct", "publication", found["reference"], why=reason,
        after=_said(matter, number),
    )  # fmt: skip
    return number


async def revise(
    session: AsyncSession, viewer: Viewer, publication: int, statement: str, reason: str, seen: int, now: datetime
) -> None:
    """Change one's own draft: its statement, and everything the register says otherwise by now."""
    account = preparer(viewer)
    found, row = await of_publication(session, publication), await on_its_way(session, publication)
    if row["state"] != "draft" or row["drafted_by"] != account:
        raise NotAllowed("Only who drafted it changes a draft, and only before it is submitted.")
    if row["version"] != seen:
        raise Conflict("Somebody else changed this meanwhile.", remedy="Read it again and repeat the change.")
    office = await _office(session, viewer)
    matter = await build(session, viewer, found["kind"], found["subject"], statement, office)
    reason = _public_reason(reason) if row["number"] > 1 else ""
    await (await session.connection()).execute(_REVISE, {"id": row["id"], **_kept(matter), "reason": reason})
    await audit(
        session, viewer, "publication.revise", "publication", found["reference"],
        before={"content_hash": row["content_hash"]}, after=_said(matter, row["number"]),
    )  # fmt: skip


async def submit(session: AsyncSession, viewer: Viewer, publication: int, seen: int, now: datetime) -> int:
    """Freeze one's draft and ask a second person; returns the proposal's number."""
    account = preparer(viewer)
    found, row = await of_publication(session, publication), await on_its_way(session, publication)
    if row["state"] != "draft" or row["drafted_by"] != account:
        raise NotAllowed("Only who drafted it submits a draft, once.")
    if row["version"] != seen:
        raise Conflict("Somebody else changed this meanwhile.", remedy="Read it again and repeat the change.")
    await unchanged(session, viewer, found, row, now)
    await (await session.connection()).execute(
        text("UPDATE publication_versions SET state = 'submitted', version = version + 1 WHERE id = :id"),
        {"id": row["id"]},
    )
    content = {
        "publication": publication,
        "version": row["id"],
        "content_hash": row["content_hash"],
        "evidence_hash": row["evidence_hash"],
    }
    why = row["reason"] or "publish"
    number = await proposals.draft(session, viewer, PROPOSAL, found["reference"], content, why, now)
    await tell(session, "publication.awaits_approval", found, number, now)
    await audit(
        session, viewer, "publication.submit", "publication", found["reference"],
        after={**content, "number": row["number"], "accuses": row["accuses"]},
    )  # fmt: skip
    return number


async def drop(session: AsyncSession, viewer: Viewer, publication: int, now: datetime) -> None:
    """Give up a draft, or take back what is submitted and not public."""
    preparer(viewer)
    found, row = await of_publication(session, publication), await on_its_way(session, publication)
    if row["state"] not in ("draft", "submitted"):
        raise Conflict("What is public is withdrawn, not dropped.")
    await proposals.cancel(session, viewer, PROPOSAL, found["reference"], now)
    await (await session.connection()).execute(
        text(
            "UPDATE publication_versions SET state = 'dropped', ended_at = :now, version = version + 1 WHERE id = :id"
        ),
        {"id": row["id"], "now": now},
    )
    await audit(
        session, viewer, "publication.drop", "publication", found["reference"],
        before={"state": row["state"], "number": row["number"]},
    )  # fmt: skip


async def unchanged(session: AsyncSession, viewer: Viewer, found: Row, row: Row, now: datetime) -> Matter:
    """The matter as it stands, or Conflict where the register says otherwise than what was frozen or drafted."""
    kept = Content.model_validate(row["content"])
    matter = await build(session, viewer, found["kind"], found["subject"], kept.statement, kept.office)
    await refuse_suspended(session, matter, civil_day(now))
    if matter.content_hash != row["content_hash"] or matter.evidence_hash != row["evidence_hash"]:
        raise Conflict(
            "What this rests on has changed since it was drafted.",
            remedy="Bring the draft up to date, look at it again, and submit it again.",
        )
    return matter


async def of_publication(session: AsyncSession, publication: int) -> Row:
    """The publication's own row, or NotFound."""
    found = await first(session, "SELECT * FROM publications WHERE id = :id", id=publication)
    if found is None:
        raise NotFound("There is no such publication.", where="publication")
    return found


async def on_its_way(session: AsyncSession, publication: int) -> Row:
    """The version that is a draft, submitted or displayed, locked; or Conflict."""
    found = await first(
        session,
        "SELECT * FROM publication_versions WHERE publication_id = :id AND state = ANY(:states)",
        id=publication,
        states=list(_ON_ITS_WAY),
    )
    if found is None:
        raise Conflict("No version of this publication is on its way.")
    return found


async def _office(session: AsyncSession, viewer: Viewer) -> Office:
    row = await first(
        session, "SELECT id, name_zh, name_en FROM organisations WHERE id = :id", id=viewer.organisation_id
    )
    if row is None:
        raise NotAllowed("Only an office publishes.")
    return Office(**row)


async def _add_version(
    session: AsyncSession, publication: int, number: int, matter: Matter, reason: str, account: int, now: datetime
) -> None:
    values = {"publication": publication, "number": number, "region": matter.region, "reason": reason}
    await (await session.connection()).execute(_ADD_VERSION, {**values, **_kept(matter), "by": account, "now": now})


def _kept(matter: Matter) -> dict[str, Any]:
    content = plain(matter.content)
    return {
        "accuses": matter.accuses,
        "content": json_text(content),
        "content_hash": matter.content_hash,
        "evidence": json_text(matter.evidence),
        "evidence_hash": matter.evidence_hash,
        **searchable(matter.content.kind, content),
    }


def _said(matter: Matter, number: int) -> dict[str, Any]:
    hashes = {"content_hash": matter.content_hash, "evidence_hash": matter.evidence_hash}
    return {"number": number, "accuses": matter.accuses, **hashes}


def _public_reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise BadInput("A correction needs a reason that may be public.", where="reason")
    scanning.refuse(reason, "reason")
    return reason
