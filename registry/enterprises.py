"""Enterprises: identity, dated descriptions, names over time, owners and parents, production."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ARRAY, Identity, Index, Numeric, Text, text
from sqlmodel import BigInteger, Field, SQLModel

from registry.history import Held, Instant, Known, Told

_CURRENT = text("known_to = 'infinity'")


class Enterprise(SQLModel, table=True):
    """The identity that everything refers to; what is known of it stands in its versions."""

    __tablename__ = "enterprises"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    reference: str = Field(unique=True, sa_type=Text)  # stable key of whoever registered it
    invented: bool = False  # told by the demo's stories; no such company exists
    created_at: datetime = Field(sa_type=Instant)


class EnterpriseVersion(Held, Known, Told, table=True):
    """What the register knows of an enterprise, from when to when."""

    __tablename__ = "enterprise_versions"
    __table_args__ = (
        Index(
            "enterprise_versions_current",
            "enterprise_id",
            "held_from",
            unique=True,
            postgresql_where=_CURRENT,
            postgresql_nulls_not_distinct=True,
        ),
        Index("enterprise_versions_uscc", "uscc", postgresql_where=_CURRENT),
        Index(
            "enterprise_versions_without_uscc",
            "enterprise_id",
            postgresql_where=text("uscc IS NULL AND known_to = 'infinity'"),
        ),
    )

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    enterprise_id: int = Field(foreign_key="enterprises.id", sa_type=BigInteger, index=True)
    uscc: str | None = Field(default=None, sa_type=Text)
    organisation_code: str | None = Field(default=None, sa_type=Text)
    licence_number: str | None = Field(default=None, sa_type=Text)
    name: str = Field(sa_type=Text)
    name_en: str = Field(default="", sa_type=Text)
    name_normal: str = Field(sa_type=Text)
    name_pinyin: str = Field(default="", sa_type=Text)
    region: str | None = Field(default=None, sa_type=Text)
    address: str = Field(default="", sa_type=Text)
    synthetic_fields: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))


class EnterpriseName(Held, Known, Told, table=True):
    """Every name an enterprise bears or bore; linking looks here, the registered name included."""

    __tablename__ = "enterprise_names"
    __table_args__ = (Index("enterprise_names_normal", "name_normal", postgresql_where=_CURRENT),)

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    enterprise_id: int = Field(foreign_key="enterprises.id", sa_type=BigInteger, index=True)
    name: str = Field(sa_type=Text)
    name_normal: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)  # registered, former, short, english, other


class EnterpriseOwner(Held, Known, Told, table=True):
    """Who owns or controls an enterprise, or which company it is a branch of."""

    __tablename__ = "enterprise_owners"

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    enterprise_id: int = Field(foreign_key="enterprises.id", sa_type=BigInteger, index=True)
    owner_id: int | None = Field(default=None, foreign_key="enterprises.id", sa_type=BigInteger, index=True)
    owner_name: str = Field(sa_type=Text)
    share: Decimal | None = Field(default=None, sa_type=Numeric)  # per cent
    kind: str = Field(sa_type=Text)  # owner, parent, branch_of


class Production(Known, Told, table=True):
    """What an enterprise's site produced in a year."""

    __tablename__ = "productions"

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    enterprise_id: int = Field(foreign_key="enterprises.id", sa_type=BigInteger, index=True)
    site_reference: str = Field(default="", sa_type=Text)
    site_name: str = Field(default="", sa_type=Text)
    year: int
    product: str = Field(sa_type=Text)
    amount: Decimal = Field(sa_type=Numeric)
    unit: str = Field(sa_type=Text)
