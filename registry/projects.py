"""Projects: identity, dated descriptions, codes and lineage, capacity lines, equipment."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ARRAY, Identity, Index, Numeric, Text, text
from sqlmodel import BigInteger, Field, SQLModel

from registry.history import Held, Instant, Known, Told

_CURRENT = text("known_to = 'infinity'")


class Project(SQLModel, table=True):
    """The identity that everything refers to; its number is the stable address /projects/{id}."""

    __tablename__ = "projects"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    reference: str = Field(unique=True, sa_type=Text)  # stable key of whoever registered it
    invented: bool = False
    created_at: datetime = Field(sa_type=Instant)


class ProjectVersion(Held, Known, Told, table=True):
    """What the register knows of a project, from when to when."""

    __tablename__ = "project_versions"
    __table_args__ = (
        Index(
            "project_versions_current",
            "project_id",
            "held_from",
            unique=True,
            postgresql_where=_CURRENT,
            postgresql_nulls_not_distinct=True,
        ),
        Index("project_versions_code", "code", postgresql_where=_CURRENT),
        # Beside that of its trigrams, which costs a hundred times as much to look up a whole name.
        Index(
            "project_versions_whole_name",
            "name_normal",
            postgresql_include=["project_id", "region"],
            postgresql_where=_CURRENT,
        ),
        Index("project_versions_owner", "owner_id", postgresql_include=["project_id"], postgresql_where=_CURRENT),
        # All that places.sql of linking reads of every project.
        Index(
            "project_versions_place",
            "sector",
            "region",
            postgresql_include=["owner_id"],
            postgresql_where=_CURRENT,
        ),
        Index("project_versions_site", "site_reference"),
    )

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    project_id: int = Field(foreign_key="projects.id", sa_type=BigInteger, index=True)
    code: str | None = Field(default=None, sa_type=Text)  # normal form; None before codes existed
    name: str = Field(sa_type=Text)
    name_en: str = Field(default="", sa_type=Text)
    name_normal: str = Field(sa_type=Text)
    name_pinyin: str = Field(default="", sa_type=Text)
    owner_id: int | None = Field(default=None, foreign_key="enterprises.id", sa_type=BigInteger)
    sector: str = Field(sa_type=Text)  # registry.acts.SECTORS
    industry: str | None = Field(default=None, sa_type=Text)
    industry_edition: str | None = Field(default=None, sa_type=Text)
    region: str | None = Field(default=None, sa_type=Text)
    address: str = Field(default="", sa_type=Text)
    site_reference: str = Field(default="", sa_type=Text)  # several projects may stand on one site
    site_name: str = Field(default="", sa_type=Text)
    longitude: float | None = None
    latitude: float | None = None
    nature: str = Field(default="new_build", sa_type=Text)  # new_build, expansion, renovation, relocation
    asks_land: bool | None = None  # a renovation that asks no land needs no land formality
    stage: str = Field(default="announced", sa_type=Text)
    synthetic_fields: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))


class ProjectCode(Held, Known, Told, table=True):
    """Every code that names a project, earlier ones included: linking looks here."""

    __tablename__ = "project_codes"
    __table_args__ = (Index("project_codes_code", "code", postgresql_where=_CURRENT),)

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    project_id: int = Field(foreign_key="projects.id", sa_type=BigInteger, index=True)
    code: str = Field(sa_type=Text)
    kind: str = Field(default="current", sa_type=Text)  # current, earlier


class ProjectLineage(Known, Told, table=True):
    """A project that continues another: a new approval after material change has a new code."""

    __tablename__ = "project_lineage"

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    project_id: int = Field(foreign_key="projects.id", sa_type=BigInteger, index=True)
    predecessor_id: int = Field(foreign_key="projects.id", sa_type=BigInteger, index=True)
    kind: str = Field(default="material_change", sa_type=Text)
    on_date: date | None = None


class CapacityLine(Held, Known, Told, table=True):
    """How much of which product a project may or does make."""

    __tablename__ = "capacity_lines"

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    project_id: int = Field(foreign_key="projects.id", sa_type=BigInteger, index=True)
    product: str = Field(sa_type=Text)
    process: str = Field(default="", sa_type=Text)
    amount: Decimal = Field(sa_type=Numeric)
    unit: str = Field(sa_type=Text)


class Equipment(Known, Told, table=True):
    """A furnace, kiln, pot line or slip; `equipment_id` stays the same over its versions."""

    __tablename__ = "equipment"
    __table_args__ = (Index("equipment_current", "equipment_id", unique=True, postgresql_where=_CURRENT),)

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    equipment_id: int = Field(sa_type=BigInteger)
    reference: str = Field(sa_type=Text, index=True)
    enterprise_id: int | None = Field(default=None, foreign_key="enterprises.id", sa_type=BigInteger, index=True)
    project_id: int | None = Field(default=None, foreign_key="projects.id", sa_type=BigInteger, index=True)
    equipment_class: str = Field(sa_type=Text)
    size: Decimal | None = Field(default=None, sa_type=Numeric)
    unit: str = Field(default="", sa_type=Text)
    commissioned: date | None = None
    dismantled: date | None = None
    last_ran: date | None = None
    traits: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    synthetic: bool = False
