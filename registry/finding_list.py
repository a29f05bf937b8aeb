"""Findings for reading: the list with its filters, and one finding with its versions over time."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.audience import CREDIT, shown_finding
from registry.deciding_findings import DecisionLine, decisions_on
from registry.errors import NotFound
from registry.reading import (
    UNDATED,
    BadCursor,
    Row,
    asked_for,
    day_of_cursor,
    known,
    read_cursor,
    region_names,
    rows,
    write_cursor,
)
from registry.viewers import Audience

FINDING_COLUMNS: Final = """
    f.fingerprint, f.version_id, f.rule, f.basis, f.severity, f.lane, f.subject_kind, f.subject_id, f.subject_reference,
    f.act, f.acted_on, f.project_id, p.name AS project_name, f.enterprise_id, e.name AS enterprise_name,
    f.sector, f.region, f.reasons, f.duty_holder, f.synthetic, f.state, f.episode, f.first_seen, f.known_from,
    f.withheld, d.decision, d.evidence_hash <> f.evidence_hash AS decided_on_other_evidence,
    x.fingerprint IS NOT NULL AS dismissed
"""


def finding_names(known_at: datetime | None) -> str:
    """What stands beside a finding: names, and what a person had decided on its episode by then."""
    return f"""
    LEFT JOIN LATERAL (SELECT v.name FROM project_versions v WHERE v.project_id = f.project_id
        AND v.known_to = 'infinity' ORDER BY v.held_from DESC NULLS LAST LIMIT 1) p ON true
    LEFT JOIN LATERAL (SELECT v.name FROM enterprise_versions v WHERE v.enterprise_id = f.enterprise_id
        AND v.known_to = 'infinity' ORDER BY v.held_from DESC NULLS LAST LIMIT 1) e ON true
    LEFT JOIN finding_decisions d ON d.fingerprint = f.fingerprint AND d.episode = f.episode
        AND d.decision <> 'withdrawn' AND {known("d", known_at)}
    LEFT JOIN dismissed_findings x ON x.fingerprint = f.fingerprint AND f.state = 'open' AND {known("x", known_at)}
"""


FINDING_NAMES: Final = finding_names(None)


class FindingLine(BaseModel):
    """One finding in a list; a suspicion with evidence, never a proof."""

    fingerprint: str
    version_id: int
    rule: str
    basis: str
    severity: str
    lane: str
    subject_kind: str
    subject_id: int
    subject_reference: str
    act: str
    acted_on: date | None
    project_id: int | None
    project_name: str | None
    enterprise_id: int | None
    enterprise_name: str | None
    sector: str | None
    region: str | None
    region_name: str | None = None
    reasons: list[str]
    duty_holder: str
    synthetic: bool
    state: str
    first_seen: datetime
    known_from: datetime
    # From opening to closing is one episode.
    episode: int = 1
    # In the credit lane, for whoever may not see credit: that it is flagged is all there is to see.
    withheld: bool = False
    # What an official decided (confirmed, dismissed, not_ours), for officials; and whether the evidence changed since.
    decision: str | None = None
    decided_on_other_evidence: bool | None = None
    # A person found it to be wrong; for everybody.
    dismissed: bool = False


class FindingVersion(BaseModel):
    """A finding as it stood for a while."""

    version_id: int
    known_from: datetime
    known_to: datetime
    state: str
    closed_reason: str
    closed_facts: dict[str, Any] = {}
    episode: int = 1
    reasons: list[str]
    rule_version: str
    parameters: dict[str, Any]
    citation: list[dict[str, Any]]
    evidence: Any
    evidence_hash: str


class FindingFile(FindingLine):
    """One finding with its law, its evidence and its versions, newest first."""

    duty_holder_zh: str
    duty_holder_en: str
    # When a judging last gave it: the nation is judged every night, what changed at once.
    last_seen: datetime | None = None
    decisions: list[DecisionLine] = []
    versions: list[FindingVersion]


@dataclass(frozen=True)
class FindingFilter:
    """What to list; None asks nothing."""

    rule: str | None = None
    lane: str | None = None
    sector: str | None = None
    province: str | None = None
    state: str | None = "open"
    basis: str | None = None
    project: int | None = None
    # awaiting (nobody decided on this evidence), confirmed, dismissed, not_ours
    decision: str | None = None

    def conditions(self) -> tuple[str, dict[str, Any]]:
        """The WHERE text and its binds."""
        parts, binds = asked_for(
            {
                "f.rule = :rule": self.rule,
                "f.lane = :lane": self.lane,
                "f.sector = :sector": self.sector,
                "left(f.region, 2) = :province": self.province,
                "f.state = :state": self.state,
                "f.basis = :basis": self.basis,
                "f.project_id = :project": self.project,
            }
        )
        where = " AND ".join(["f.known_to = 'infinity'", *parts])
        if self.decision:
            where += f" AND {_decided(self.decision)}"
        return where, binds


def _decided(decision: str) -> str:
    """The condition that this was decided on the evidence that there is, or nothing was (`awaiting`)."""
    stands = (
        "SELECT FROM finding_decisions AS d WHERE d.fingerprint = f.fingerprint AND d.episode = f.episode "
        "AND d.evidence_hash = f.evidence_hash AND d.known_to = 'infinity' AND d.decision"
    )
    if decision == "awaiting":
        return f"f.state = 'open' AND NOT EXISTS ({stands} <> 'withdrawn')"
    word = {"confirmed": "confirmed", "dismissed": "dismissed", "not_ours": "not_ours"}[decision]
    return f"EXISTS ({stands} = '{word}')"


class FindingPage(BaseModel):
    """One page of a list and the cursor of the next."""

    items: list[FindingLine]
    total: int
    next_cursor: str | None = None


async def list_findings(
    session: AsyncSession, wanted: FindingFilter, audience: Audience, *, cursor: str = "", limit: int = 25
) -> FindingPage:
    """Findings, latest act first; of credit most see only that it is flagged, and sorted as if undated."""
    where, binds = wanted.conditions()
    # An order by the day of a credit act would tell that day.
    sorted_by = (
        f"coalesce(f.acted_on, date '{UNDATED}')"
        if audience in CREDIT
        else f"CASE WHEN f.lane = 'credit' THEN date '{UNDATED}' ELSE coalesce(f.acted_on, date '{UNDATED}') END"
    )
    total = await rows(session, f"SELECT count(*) AS total FROM findings_shown f WHERE {where}", **binds)
    if cursor:
        day, fingerprint = read_cursor(cursor, 2)
        if not isinstance(fingerprint, str):
            raise BadCursor
        where += f" AND ({sorted_by}, f.fingerprint) < (:day, :fingerprint)"
        binds |= {"day": day_of_cursor(day), "fingerprint": fingerprint}
    found = await rows(
        session,
        f"""
        SELECT {FINDING_COLUMNS}, {sorted_by} AS sorted_by FROM findings_shown f {FINDING_NAMES}
        WHERE {where} ORDER BY sorted_by DESC, f.fingerprint DESC LIMIT {int(limit) + 1}
        """,
        **binds,
    )
    more = len(found) > limit
    found = found[:limit]
    next_cursor = write_cursor(found[-1]["sorted_by"].isoformat(), found[-1]["fingerprint"]) if more else None
    names = await region_names(session, [row["region"] for row in found])
    items = [FindingLine(**shown_finding(row, audience), region_name=names.get(row["region"] or "")) for row in found]
    return FindingPage(items=items, total=int(total[0]["total"]), next_cursor=next_cursor)


# A judging of the nation gives every open finding anew and writes nothing where nothing changed; a closed finding was
# last seen before it was closed.
_LAST_SEEN: Final = """
    CASE WHEN f.state = 'open' THEN greatest(f.known_from, (
        SELECT max(j.known_at) FROM judging_runs AS j WHERE j.scope = 'nation' AND j.known_at >= f.known_from
    )) ELSE (
        SELECT greatest(max(o.known_from), (
            SELECT max(j.known_at) FROM judging_runs AS j
            WHERE j.scope = 'nation' AND j.known_at >= max(o.known_from) AND j.known_at < f.known_from
        )) FROM findings_shown AS o WHERE o.fingerprint = f.fingerprint AND o.state = 'open'
        AND o.known_from < f.known_from
    ) END
"""


async def finding_file(session: AsyncSession, fingerprint: str, audience: Audience) -> FindingFile:
    """One finding by its stable fingerprint, or NotFound."""
    found = await rows(
        session,
        f"""
        SELECT {FINDING_COLUMNS}, f.known_to, f.closed_reason, f.rule_version, f.parameters, f.citation,
               f.closed_facts, f.evidence, f.evidence_hash, {_LAST_SEEN} AS last_seen,
               a.name_zh AS duty_holder_zh, a.name_en AS duty_holder_en
        FROM findings_shown f {FINDING_NAMES} LEFT JOIN agencies a ON a.id = f.duty_holder
        WHERE f.fingerprint = :fingerprint ORDER BY f.known_from DESC, f.version_id DESC
        """,
        fingerprint=fingerprint,
    )
    if not found:
        raise NotFound("There is no such finding.", where="fingerprint")
    if any(row["withheld"] for row in found):
        # Beside what is withheld there is nothing to decide on.
        decisions = []
    else:
        decisions = await decisions_on(session, fingerprint)
    shown: list[Row] = [shown_finding(row, audience) for row in found]
    newest = shown[0]
    names = await region_names(session, [newest["region"]])
    return FindingFile(
        **{name: newest[name] for name in FindingLine.model_fields if name in newest},
        region_name=names.get(newest["region"] or ""),
        duty_holder_zh=newest["duty_holder_zh"] or newest["duty_holder"],
        duty_holder_en=newest["duty_holder_en"] or newest["duty_holder"],
        last_seen=newest["last_seen"],
        decisions=decisions,
        versions=[FindingVersion(**row) for row in shown],
    )
