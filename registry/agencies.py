"""Agencies of the state with the days they existed and who took over their duties."""

from datetime import date

from sqlalchemy import Text
from sqlmodel import Field, SQLModel


class Agency(SQLModel, table=True):
    """An authority: MLR until 2018, MNR after it."""

    __tablename__ = "agencies"

    id: str = Field(primary_key=True, sa_type=Text)
    name_zh: str = Field(sa_type=Text)
    name_en: str = Field(sa_type=Text)
    lane: str | None = Field(default=None, sa_type=Text)
    held_from: date | None = None
    held_to: date | None = None


class AgencySuccession(SQLModel, table=True):
    """A duty goes to the successor."""

    __tablename__ = "agency_successions"

    predecessor_id: str = Field(primary_key=True, foreign_key="agencies.id", sa_type=Text)
    successor_id: str = Field(primary_key=True, foreign_key="agencies.id", sa_type=Text)
    on_date: date
