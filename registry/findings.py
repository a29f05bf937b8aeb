"""Findings: what a rule flagged, with the evidence it saw; a suspicion, never a proof (decision 4)."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import BigInteger, Field, SQLModel

from registry.history import Instant, Known

_CURRENT = text("known_to = 'infinity'")


class Finding(Known, table=True):
    """One state of one finding; `fingerprint` (rule and subject) is its stable address /findings/{fingerprint}.

    A finding that no longer holds gets a new row with state `closed` and the reason; it is never deleted.
    """

    __tablename__ = "findings"
    __table_args__ = (
        Index("findings_current", "fingerprint", unique=True, postgresql_where=_CURRENT),
        # Not of current rows alone: a project's file is read as it was known on any day.
        Index("findings_project", "project_id", "known_to"),
        Index("findings_enterprise", "enterprise_id", postgresql_where=_CURRENT),
        Index("findings_subject", "subject_kind", "subject_id", postgresql_where=_CURRENT),
    )

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    fingerprint: str = Field(sa_type=Text)
    rule: str = Field(sa_type=Text)
    rule_version: str = Field(sa_type=Text)
    basis: str = Field(sa_type=Text)  # text, derived
    severity: str = Field(sa_type=Text)  # violation (text), warning (derived)
    lane: str = Field(sa_type=Text)
    subject_kind: str = Field(sa_type=Text)  # record, approval, equipment, plan
    subject_id: int = Field(sa_type=BigInteger)
    subject_reference: str = Field(default="", sa_type=Text)
    act: str = Field(default="", sa_type=Text)
    acted_on: date | None = None
    project_id: int | None = Field(default=None, foreign_key="projects.id", sa_type=BigInteger)
    enterprise_id: int | None = Field(default=None, foreign_key="enterprises.id", sa_type=BigInteger)
    sector: str | None = Field(default=None, sa_type=Text)
    region: str | None = Field(default=None, sa_type=Text)
    reasons: list[str] = Field(sa_type=ARRAY(Text))
    parameters: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    citation: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
    evidence: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    evidence_hash: str = Field(sa_type=Text)
    duty_holder: str = Field(default="", sa_type=Text)  # agencies.id, of the day of the act's successor
    synthetic: bool = False  # some of its evidence is synthetic
    state: str = Field(default="open", sa_type=Text)  # open, closed
    closed_reason: str = Field(default="", sa_type=Text)
    # What the evidence of then and what is seen at the closing say differently: {part: {was: …, is: …}}.
    closed_facts: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    # From opening to closing is one episode; flagged again later, it is the next.
    episode: int = 1
    first_seen: datetime = Field(sa_type=Instant)


class FindingDecision(Known, table=True):
    """What a person decided on one episode of a finding, by the evidence of that moment; a later one closes it.

    Judging again does not touch it. It stands while the evidence is the one it was taken on.
    """

    __tablename__ = "finding_decisions"
    __table_args__ = (
        Index("finding_decisions_current", "fingerprint", "episode", unique=True, postgresql_where=_CURRENT),
        Index("finding_decisions_of_finding", "fingerprint"),  # what was decided at any time
        CheckConstraint("decision IN ('confirmed', 'dismissed', 'not_ours', 'withdrawn')", name="decision_word"),
        CheckConstraint("decision = 'confirmed' OR reason <> ''", name="decision_reason"),
    )

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    fingerprint: str = Field(sa_type=Text)
    episode: int
    decision: str = Field(sa_type=Text)
    reason: str = Field(default="", sa_type=Text)
    evidence_hash: str = Field(sa_type=Text)
    account_id: int = Field(foreign_key="accounts.id", sa_type=BigInteger)
    actor: str = Field(sa_type=Text)
    organisation_id: str = Field(default="", sa_type=Text)


class JudgingRun(SQLModel, table=True):
    """One pass of the rules over the nation or over what changed."""

    __tablename__ = "judging_runs"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    scope: str = Field(sa_type=Text)  # nation, changed
    as_of: date
    known_at: datetime = Field(sa_type=Instant)
    started_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    judged: int = 0
    opened: int = 0
    changed: int = 0
    closed: int = 0
