"""Where facts come from: every source with its citation and licence, and whether it is synthetic."""

from typing import Any

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class Source(SQLModel, table=True):
    """A data set, a notice or the demo's generator."""

    __tablename__ = "sources"

    id: str = Field(primary_key=True, sa_type=Text)
    title: str = Field(sa_type=Text)
    citation: str = Field(default="", sa_type=Text)
    licence: str = Field(default="", sa_type=Text)
    url: str = Field(default="", sa_type=Text)
    synthetic: bool = False
    unverified: bool = False


class RegisterFact(SQLModel, table=True):
    """One fact about this register itself, such as that it holds the demo."""

    __tablename__ = "register_facts"

    name: str = Field(primary_key=True, sa_type=Text)
    value: Any = Field(sa_type=JSONB)
