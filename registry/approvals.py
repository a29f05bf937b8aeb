"""Approvals (审批), verifications (核准) and filings (备案) of projects."""

from datetime import date
from typing import Any

from sqlalchemy import Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import BigInteger, Field

from registry.history import Known, Told


class Approval(Known, Told, table=True):
    """One approval as the register knew it; `approval_id` stays the same over its versions.

    Its days in the world are its own: issued and expires are covered, the day of revocation is not.
    """

    __tablename__ = "approvals"
    __table_args__ = (
        Index("approvals_current", "approval_id", unique=True, postgresql_where=text("known_to = 'infinity'")),
    )

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    approval_id: int = Field(sa_type=BigInteger)
    reference: str = Field(sa_type=Text, index=True)
    project_id: int = Field(foreign_key="projects.id", sa_type=BigInteger, index=True)
    kind: str = Field(sa_type=Text)  # approval, verification, filing
    number: str = Field(default="", sa_type=Text)
    authority: str = Field(default="", sa_type=Text)
    issued: date
    expires: date | None = None
    revoked: date | None = None
    revoked_reason: str = Field(default="", sa_type=Text)
    capacities: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB)  # None: those of the project
    synthetic: bool = False
