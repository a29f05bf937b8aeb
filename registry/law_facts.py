"""What authorities decided under the two documents: dispositions, plans, eliminations, orders, restrictions."""

from datetime import date
from decimal import Decimal

from sqlalchemy import Identity, Index, Numeric, Text, text
from sqlmodel import BigInteger, Field

from registry.history import Known, Told


def _current(table: str, key: str) -> Index:
    return Index(f"{table}_current", key, unique=True, postgresql_where=text("known_to = 'infinity'"))


class Disposition(Known, Told, table=True):
    """What became of a project that broke the rules (G41 3(1)): one decision as the register knew it."""

    __tablename__ = "dispositions"
    __table_args__ = (_current("dispositions", "disposition_id"),)

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    disposition_id: int = Field(sa_type=BigInteger)
    reference: str = Field(sa_type=Text, index=True)
    project_id: int = Field(foreign_key="projects.id", sa_type=BigInteger, index=True)
    kind: str = Field(sa_type=Text)  # forbid_start, halt, recognise, not_recognise, concealed
    decided: date | None = None
    published: date | None = None
    number: str = Field(default="", sa_type=Text)
    authority: str = Field(default="", sa_type=Text)
    synthetic: bool = False


class Rectification(Known, Told, table=True):
    """A province's plan for capacity built against the rules (G41 3(2)): published first, then filed."""

    __tablename__ = "rectifications"
    __table_args__ = (_current("rectifications", "rectification_id"),)

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    rectification_id: int = Field(sa_type=BigInteger)
    reference: str = Field(sa_type=Text, index=True)
    # A plan may be that of one project, or of a whole region.
    project_id: int | None = Field(default=None, foreign_key="projects.id", sa_type=BigInteger, index=True)
    region: str | None = Field(default=None, sa_type=Text)
    decided: date | None = None  # the day it was drawn up
    published: date | None = None
    filed: date | None = None
    number: str = Field(default="", sa_type=Text)
    authority: str = Field(default="", sa_type=Text)
    synthetic: bool = False


class ReplacementPlan(Known, Told, table=True):
    """A plan by which retired capacity makes room for a project's new capacity (G41 3(3))."""

    __tablename__ = "replacement_plans"
    __table_args__ = (_current("replacement_plans", "plan_id"),)

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    plan_id: int = Field(sa_type=BigInteger)
    reference: str = Field(sa_type=Text, index=True)
    project_id: int = Field(foreign_key="projects.id", sa_type=BigInteger, index=True)
    published: date | None = None  # by the province
    confirmed: date | None = None  # by the industry authority
    announced: date | None = None
    listed: date | None = None  # the day its units were put on the elimination list
    number: str = Field(default="", sa_type=Text)
    authority: str = Field(default="", sa_type=Text)
    synthetic: bool = False


class PlanUnit(Known, Told, table=True):
    """One unit that a replacement plan retires; its reference is that of the equipment where the register has it."""

    __tablename__ = "plan_units"

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    plan_id: int = Field(sa_type=BigInteger, index=True)
    reference: str = Field(sa_type=Text, index=True)
    product: str | None = Field(default=None, sa_type=Text)
    amount: Decimal | None = Field(default=None, sa_type=Numeric)
    unit: str = Field(default="", sa_type=Text)  # of the amount
    retired: date | None = None
    synthetic: bool = False


class Elimination(Known, Told, table=True):
    """An enterprise's duty to eliminate, with its deadline, as an elimination list has it (G7 3(2))."""

    __tablename__ = "eliminations"
    __table_args__ = (_current("eliminations", "elimination_id"),)

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    elimination_id: int = Field(sa_type=BigInteger)
    reference: str = Field(sa_type=Text, index=True)
    enterprise_id: int | None = Field(default=None, foreign_key="enterprises.id", sa_type=BigInteger, index=True)
    equipment_reference: str | None = Field(default=None, sa_type=Text, index=True)
    deadline: date | None = None
    cured: date | None = None  # the day on which the duty was found fulfilled
    number: str = Field(default="", sa_type=Text)  # of the list
    authority: str = Field(default="", sa_type=Text)
    synthetic: bool = False


class EnterpriseOrder(Known, Told, table=True):
    """An order to an enterprise: to close (G7 4(3)), or to stop for pollution (G41 5(2))."""

    __tablename__ = "enterprise_orders"
    __table_args__ = (_current("enterprise_orders", "order_id"),)

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    order_id: int = Field(sa_type=BigInteger)
    reference: str = Field(sa_type=Text, index=True)
    enterprise_id: int = Field(foreign_key="enterprises.id", sa_type=BigInteger, index=True)
    equipment_reference: str | None = Field(default=None, sa_type=Text)  # None: the whole enterprise
    kind: str = Field(sa_type=Text)  # close, stop
    ordered: date | None = None
    due: date | None = None  # close: the business licence is to be deregistered by then
    ended: date | None = None  # close: deregistered; stop: the order was lifted
    last_ran: date | None = None  # the last day on which it is known to have produced
    number: str = Field(default="", sa_type=Text)
    authority: str = Field(default="", sa_type=Text)
    synthetic: bool = False


class Restriction(Known, Told, table=True):
    """Days on which a region, with all regions below it, may be given no EIA and no approval (G7 4(3))."""

    __tablename__ = "restrictions"
    __table_args__ = (_current("restrictions", "restriction_id"),)

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    restriction_id: int = Field(sa_type=BigInteger)
    reference: str = Field(sa_type=Text, index=True)
    region: str = Field(sa_type=Text)
    since: date | None = None  # None: not begun
    until: date | None = None  # the last day; None: still
    number: str = Field(default="", sa_type=Text)
    authority: str = Field(default="", sa_type=Text)
    synthetic: bool = False
