"""Suspected projects: what records of several gates show, and no registered project is."""

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import CheckConstraint, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import BigInteger, Field, SQLModel

from registry.history import Instant, Known

STATES: Final = ("open", "registered", "merged", "dismissed", "empty")
_CURRENT = text("known_to = 'infinity'")


class SuspectedProject(SQLModel, table=True):
    """The identity; its number is the stable address /suspected/{id}."""

    __tablename__ = "suspected_projects"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    created_at: datetime = Field(sa_type=Instant)


class SuspectedVersion(Known, table=True):
    """What the records of one unknown project say of it together; followed by a new row when they change."""

    __tablename__ = "suspected_versions"
    __table_args__ = (
        Index("suspected_versions_current", "suspected_id", unique=True, postgresql_where=_CURRENT),
        Index("suspected_versions_sector", "sector", "region", postgresql_where=_CURRENT),
        CheckConstraint("state IN ('open', 'merged', 'registered', 'dismissed', 'empty')", name="suspected_state"),
    )

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    suspected_id: int = Field(foreign_key="suspected_projects.id", sa_type=BigInteger, index=True)
    # open; merged into another; registered as a project; dismissed by a person; empty: its records left it.
    state: str = Field(default="open", sa_type=Text)
    merged_into: int | None = Field(default=None, foreign_key="suspected_projects.id", sa_type=BigInteger)
    project_id: int | None = Field(default=None, foreign_key="projects.id", sa_type=BigInteger)
    # Of the fullest of its records; shown names as given, empty where no record tells.
    project_name: str = Field(default="", sa_type=Text)
    party_name: str = Field(default="", sa_type=Text)
    party_name_normal: str = Field(default="", sa_type=Text)
    party_uscc: str | None = Field(default=None, sa_type=Text)
    enterprise_id: int | None = Field(default=None, foreign_key="enterprises.id", sa_type=BigInteger)
    sector: str = Field(sa_type=Text)
    region: str | None = Field(default=None, sa_type=Text)
    address: str = Field(default="", sa_type=Text)
    records: int = 0
    lanes: int = 0  # of land, environment, credit: how many gates show it
    first_act: date | None = None
    last_act: date | None = None
    synthetic: bool = False  # some of its records are
    credit_only: bool = False  # all of its records are of credit: it is for finance alone
    decided_by: str = Field(default="linker", sa_type=Text)
    reason: str = Field(default="", sa_type=Text)


class SuspectedMember(Known, table=True):
    """A record of a suspected project; a record is in one at a time."""

    __tablename__ = "suspected_members"
    __table_args__ = (
        Index("suspected_members_current", "record_id", unique=True, postgresql_where=_CURRENT),
        Index("suspected_members_suspected", "suspected_id", postgresql_where=_CURRENT),
    )

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    suspected_id: int = Field(foreign_key="suspected_projects.id", sa_type=BigInteger)
    record_id: int = Field(sa_type=BigInteger)
    # What ties it to the others: {"party_uscc": …}, {"party_name": …, "project_name": …}; {} for the first.
    evidence: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    decided_by: str = Field(default="linker", sa_type=Text)
