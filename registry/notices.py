"""Public notices and reported violations: shown as reported, with their source, never as our finding."""

from datetime import date
from decimal import Decimal

from sqlalchemy import Identity, Numeric, Text
from sqlmodel import BigInteger, Field, SQLModel


class Notice(SQLModel, table=True):
    """A replacement notice, closure list, quota or reported violation."""

    __tablename__ = "notices"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    reference: str = Field(unique=True, sa_type=Text)
    kind: str = Field(sa_type=Text)
    sector: str = Field(default="other", sa_type=Text)
    lane: str | None = Field(default=None, sa_type=Text)
    violation_type: str = Field(default="", sa_type=Text)
    on_date: date | None = None
    date_text: str = Field(default="", sa_type=Text)
    issuer: str = Field(default="", sa_type=Text)
    title: str = Field(sa_type=Text)
    url: str = Field(default="", sa_type=Text)
    unverified: bool = True
    needs_review: str = Field(default="", sa_type=Text)
    source_id: str = Field(foreign_key="sources.id", sa_type=Text)


class NoticeItem(SQLModel, table=True):
    """One unit or company that a notice names."""

    __tablename__ = "notice_items"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    notice_id: int = Field(foreign_key="notices.id", sa_type=BigInteger, index=True)
    role: str = Field(sa_type=Text)  # build, exit, seller, buyer, named
    enterprise_name: str = Field(sa_type=Text)
    enterprise_id: int | None = Field(default=None, foreign_key="enterprises.id", sa_type=BigInteger, index=True)
    place: str = Field(default="", sa_type=Text)
    equipment: str = Field(default="", sa_type=Text)
    size: Decimal | None = Field(default=None, sa_type=Numeric)
    size_unit: str = Field(default="", sa_type=Text)
    count: int | None = None
    capacity: Decimal | None = Field(default=None, sa_type=Numeric)
    capacity_unit: str = Field(default="", sa_type=Text)
    ratio: str = Field(default="", sa_type=Text)
    note: str = Field(default="", sa_type=Text)
