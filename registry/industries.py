"""Industries of GB/T 4754 by edition, with their succession and the overcapacity sector a class belongs to."""

from sqlalchemy import Text
from sqlmodel import Field, SQLModel


class Industry(SQLModel, table=True):
    """One code in one edition."""

    __tablename__ = "industries"

    code: str = Field(primary_key=True, sa_type=Text)
    edition: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    name_en: str = Field(default="", sa_type=Text)
    level: int  # 1 section, 2 division, 3 group, 4 class
    parent_code: str | None = Field(default=None, sa_type=Text)
    sector: str | None = Field(default=None, sa_type=Text)
    # 3216 holds more than electrolytic aluminium: such a class decides no sector by itself (RULES.md, Words)
    decides_sector: bool = True


class IndustrySuccession(SQLModel, table=True):
    """The code of the next edition that holds the same trade."""

    __tablename__ = "industry_successions"

    old_code: str = Field(primary_key=True, sa_type=Text)
    old_edition: str = Field(primary_key=True, sa_type=Text)
    new_code: str = Field(primary_key=True, sa_type=Text)
    new_edition: str = Field(primary_key=True, sa_type=Text)
