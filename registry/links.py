"""Links: which project and enterprise a record belongs to, how that was decided and how sure it is."""

from typing import Any

from sqlalchemy import Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import BigInteger, Field

from registry.history import Known


class Link(Known, table=True):
    """One decision about one record (several rows where it belongs to several projects).

    outcome `linked` has a project; `unlinked` is not decided; `none` says that no registered project fits:
    only that can be judged `no-project`.
    """

    __tablename__ = "links"
    __table_args__ = (
        Index(
            "links_current",
            "record_id",
            "project_id",
            unique=True,
            postgresql_where=text("known_to = 'infinity'"),
            postgresql_nulls_not_distinct=True,
        ),
        # Not of current rows alone: a project's file is read as it was known on any day.
        Index("links_project", "project_id", "known_to"),
        # Open records are looked through when a project or a name is new.
        Index("links_open", "record_id", postgresql_where=text("known_to = 'infinity' AND outcome <> 'linked'")),
        # Records whose names were hidden, whoever decided about them.
        Index(
            "links_disguised",
            "record_id",
            postgresql_where=text("known_to = 'infinity' AND evidence ? 'disguise'"),
        ),
        Index("links_enterprise", "enterprise_id", postgresql_where=text("known_to = 'infinity'")),
    )

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    record_id: int = Field(sa_type=BigInteger)
    project_id: int | None = Field(default=None, foreign_key="projects.id", sa_type=BigInteger)
    enterprise_id: int | None = Field(default=None, foreign_key="enterprises.id", sa_type=BigInteger)
    outcome: str = Field(sa_type=Text)  # linked, unlinked, none
    method: str = Field(default="", sa_type=Text)  # project_code, uscc, name_region …
    score: float | None = None
    shown_sector: str | None = Field(default=None, sa_type=Text)  # the overcapacity sector the record shows by itself
    evidence: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    decided_by: str = Field(default="linker", sa_type=Text)
