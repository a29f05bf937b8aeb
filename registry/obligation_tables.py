"""Obligations: what the agencies owe when an elimination deadline passes undone (Guofa [2010] 7, 4(3))."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import BigInteger, Field

from registry.history import Instant, Known


class Obligation(Known, table=True):
    """One state of one measure against one default; `reference` (a hash of both) is its stable address."""

    __tablename__ = "obligations"
    __table_args__ = (
        Index("obligations_current", "reference", unique=True, postgresql_where=text("known_to = 'infinity'")),
        Index("obligations_enterprise", "enterprise_id", "known_to"),
        CheckConstraint("state IN ('open', 'done', 'late', 'lapsed')", name="obligation_state"),
    )

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    reference: str = Field(sa_type=Text)
    measure: str = Field(sa_type=Text)
    elimination: str = Field(sa_type=Text)  # eliminations.reference
    enterprise_id: int = Field(foreign_key="enterprises.id", sa_type=BigInteger)
    region: str | None = Field(default=None, sa_type=Text)
    owner: str = Field(sa_type=Text)  # agencies.id, of the day judged
    deadline: date  # of the elimination
    due: date  # by when the measure is expected; the clause sets no day
    state: str = Field(sa_type=Text)
    # What closes it or speaks against it: records and decisions by their references.
    evidence: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    evidence_hash: str = Field(default="", sa_type=Text)
    synthetic: bool = False
    first_seen: datetime = Field(sa_type=Instant)
