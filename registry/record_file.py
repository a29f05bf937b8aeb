"""An agency record for reading: what it says now, every version with what changed, and where it was linked."""

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.acts import LANE_OF_ACT
from registry.audience import CREDIT, CREDIT_ACTS, INTERNAL, PUBLIC_RECORD_FIELDS
from registry.errors import NotFound
from registry.project_history import FieldChange
from registry.reading import Row, region_names, rows
from registry.record_fields import RECORD_FIELDS
from registry.viewers import Audience

RAW_SHOWN: Final = 20_000


class RecordVersion(BaseModel):
    """A version as the agency gave it; raw and the whole of the fields are for officials."""

    version_id: int
    known_from: datetime
    known_to: datetime
    source_modified: datetime | None
    changes: list[FieldChange]
    raw: str | None = None


class LinkLine(BaseModel):
    """Where the record belongs, how that was decided."""

    project_id: int | None
    project_name: str | None
    enterprise_id: int | None
    enterprise_name: str | None
    outcome: str
    method: str
    score: float | None
    known_from: datetime
    known_to: datetime
    evidence: dict[str, Any]


class FlagLine(BaseModel):
    """A finding about this record."""

    fingerprint: str
    rule: str
    state: str
    basis: str


class RecordFile(BaseModel):
    """Everything on the record's page."""

    record_id: int
    lane: str
    feed: str
    feed_zh: str
    feed_en: str
    synthetic: bool
    region_name: str | None
    fields: dict[str, Any]
    links: list[LinkLine]
    findings: list[FlagLine]
    versions: list[RecordVersion]

    @property
    def act(self) -> str:
        """What was done."""
        return str(self.fields["act"])


async def record_file(session: AsyncSession, record_id: int, audience: Audience) -> RecordFile:
    """The file of a record, or NotFound; for whoever may not see credit, a credit record does not exist."""
    versions = await rows(
        session,
        """
        SELECT r.*, f.name_zh AS feed_zh, f.name_en AS feed_en FROM records r JOIN feeds f ON f.id = r.feed
        WHERE r.record_id = :id ORDER BY r.known_from DESC, r.version_id DESC
        """,
        id=record_id,
    )
    credit = any(row["act"] in CREDIT_ACTS for row in versions)
    hidden = credit and audience not in CREDIT
    if not versions or hidden:
        raise NotFound("There is no such record.", where="record")
    newest = versions[0]
    # A bank reads its own credit whole; everything else it reads as the public does.
    whole = audience in (CREDIT if credit else INTERNAL)
    shown = [name for name in RECORD_FIELDS if whole or name in PUBLIC_RECORD_FIELDS]
    names = await region_names(session, [newest["region"]])
    return RecordFile(
        record_id=record_id,
        lane=LANE_OF_ACT.get(newest["act"], "approval"),
        feed=newest["feed"],
        feed_zh=newest["feed_zh"] or newest["feed"],
        feed_en=newest["feed_en"] or newest["feed"],
        synthetic=newest["synthetic"],
        region_name=names.get(newest["region"] or ""),
        fields={name: newest[name] for name in shown if newest[name] not in (None, "", [], {}, False)},
        links=await _links(session, record_id, whole=whole),
        findings=await _findings(session, record_id),
        versions=[
            _version(row, versions[place + 1] if place + 1 < len(versions) else None, shown, whole=whole)
            for place, row in enumerate(versions)
        ],
    )


def _version(row: Row, before: Row | None, shown: list[str], *, whole: bool) -> RecordVersion:
    changes = []
    if before is not None:
        changes = [
            FieldChange(field=name, before=before[name], after=row[name])
            for name in shown
            if name != "source_modified" and before[name] != row[name]
        ]
    raw = bytes(row["raw"])[:RAW_SHOWN].decode("utf-8", "replace") if whole else None
    return RecordVersion(
        version_id=row["version_id"],
        known_from=row["known_from"],
        known_to=row["known_to"],
        source_modified=row["source_modified"],
        changes=changes,
        raw=raw,
    )


async def _links(session: AsyncSession, record_id: int, *, whole: bool) -> list[LinkLine]:
    found = await rows(
        session,
        """
        SELECT l.*, (SELECT v.name FROM project_versions v WHERE v.project_id = l.project_id
                     AND v.known_to = 'infinity' ORDER BY v.held_from DESC NULLS LAST LIMIT 1) AS project_name,
               (SELECT v.name FROM enterprise_versions v WHERE v.enterprise_id = l.enterprise_id
                     AND v.known_to = 'infinity' ORDER BY v.held_from DESC NULLS LAST LIMIT 1) AS enterprise_name
        FROM links l WHERE l.record_id = :id ORDER BY l.known_from DESC, l.version_id DESC
        """,
        id=record_id,
    )
    return [LinkLine(**row | ({} if whole else {"evidence": {}})) for row in found]


async def _findings(session: AsyncSession, record_id: int) -> list[FlagLine]:
    found = await rows(
        session,
        """
        SELECT fingerprint, rule, state, basis FROM findings
        WHERE subject_kind = 'record' AND subject_id = :id AND known_to = 'infinity' ORDER BY state DESC, rule
        """,
        id=record_id,
    )
    return [FlagLine(**row) for row in found]
