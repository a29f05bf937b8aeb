"""Regions of GB/T 2260 with the days they existed, their succession, and which region contains which."""

from datetime import date

from sqlalchemy import Text
from sqlmodel import Field, SQLModel


class Region(SQLModel, table=True):
    """One code under one name for one period; a renamed or re-established code has several rows."""

    __tablename__ = "regions"

    code: str = Field(primary_key=True, sa_type=Text)
    held_from: date = Field(primary_key=True)
    held_to: date | None = None
    name: str = Field(sa_type=Text)
    level: int  # 1 province, 2 city, 3 county
    parent_code: str | None = Field(default=None, sa_type=Text)
    longitude: float | None = None
    latitude: float | None = None
    source_id: str | None = Field(default=None, foreign_key="sources.id", sa_type=Text)


class RegionSuccession(SQLModel, table=True):
    """The code that took over from an abolished, merged or renamed one."""

    __tablename__ = "region_successions"

    old_code: str = Field(primary_key=True, sa_type=Text)
    new_code: str = Field(primary_key=True, sa_type=Text)
    on_date: date | None = None
    basis: str = Field(default="", sa_type=Text)  # same name | hand-made, with its source


class RegionWithin(SQLModel, table=True):
    """Every pair (outer, inner) where outer equals or contains inner, successions included (RULES.md, Region).

    Two regions match when either order stands here.
    """

    __tablename__ = "region_within"

    outer_code: str = Field(primary_key=True, sa_type=Text)
    inner_code: str = Field(primary_key=True, sa_type=Text, index=True)
