"""Values of parameters of the law that two people put in force here, and the backtests they were shown before."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import BigInteger, Field, SQLModel

from registry.history import Instant, Known


class ParameterValue(Known, table=True):
    """A dated value with its citation, beside those that are shipped; `known_from` is when it was activated."""

    __tablename__ = "parameter_values"
    __table_args__ = (
        Index(
            "parameter_values_current",
            "parameter",
            "region",
            "since",
            unique=True,
            postgresql_where=text("known_to = 'infinity'"),
        ),
        CheckConstraint("drafted_by <> activated_by", name="parameter_two_people"),
    )

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    parameter: str = Field(sa_type=Text)
    region: str = Field(default="", sa_type=Text)  # empty: the nation
    since: date
    content: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)  # {value, reference, note}, as in the YAML
    proposal_id: int = Field(foreign_key="proposals.id", sa_type=BigInteger)
    drafted_by: int = Field(foreign_key="accounts.id", sa_type=BigInteger)
    activated_by: int = Field(foreign_key="accounts.id", sa_type=BigInteger)


class Backtest(SQLModel, table=True):
    """What a drafted value would change in the findings; a job fills it in."""

    __tablename__ = "backtests"
    __table_args__ = (Index("backtests_proposal", "proposal_id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    proposal_id: int = Field(foreign_key="proposals.id", sa_type=BigInteger)
    asked_at: datetime = Field(sa_type=Instant)
    ran_at: datetime | None = Field(default=None, sa_type=Instant)
    as_of: date | None = None
    # What law stood when it ran: a backtest of another law does not count.
    law_digest: str = Field(default="", sa_type=Text)
    result: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    problem: str = Field(default="", sa_type=Text)
