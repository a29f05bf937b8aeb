"""History: the columns that every historical table shares, and how a row is closed.

Nothing is overwritten (decision 1): a row says when it was so in the world (`held_*`, days, both included) and when the
register knew it (`known_*`, instants, the end excluded). `known_to = 'infinity'` is what the register knows now.
"""

from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import Date, DateTime, Text, TypeDecorator, text
from sqlalchemy.engine import Dialect
from sqlmodel import Field, SQLModel

# asyncpg reads PostgreSQL's 'infinity' as the greatest datetime; both directions use this one value.
FOREVER: Final[datetime] = datetime.max.replace(tzinfo=UTC)


class Instant(TypeDecorator[datetime]):
    """An aware instant that may be 'infinity'."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """asyncpg gives infinity back as a naive or aware maximum: make it the one FOREVER."""
        return FOREVER if value is not None and value.year == FOREVER.year else value


class Known(SQLModel):
    """When the register knew the row."""

    known_from: datetime = Field(sa_type=Instant, nullable=False)
    known_to: datetime = Field(
        default=FOREVER, sa_type=Instant, nullable=False, sa_column_kwargs={"server_default": text("'infinity'")}
    )


class Held(SQLModel):
    """When the fact was so in the world; None is open (unknown start, no end yet)."""

    held_from: date | None = Field(default=None, sa_type=Date)
    held_to: date | None = Field(default=None, sa_type=Date)


class Told(SQLModel):
    """Who said so and why: every correction asks for a reason."""

    source_id: str | None = Field(default=None, foreign_key="sources.id", sa_type=Text)
    reason: str = Field(default="", sa_type=Text)
    actor: str = Field(default="", sa_type=Text)


# Tables whose rows the trigger `refuse_rewrite` protects: only known_to may change, once.
HISTORICAL_TABLES: Final[tuple[str, ...]] = (
    "enterprise_versions",
    "enterprise_names",
    "enterprise_owners",
    "productions",
    "project_versions",
    "project_codes",
    "project_lineage",
    "capacity_lines",
    "approvals",
    "equipment",
    "dispositions",
    "rectifications",
    "replacement_plans",
    "plan_units",
    "eliminations",
    "enterprise_orders",
    "restrictions",
    "records",
    "links",
    "findings",
    "finding_decisions",
    "parameter_values",
    "obligations",
    "link_candidates",
    "review_items",
    "suspected_versions",
    "suspected_members",
    "gate_marks",
)

REFUSE_REWRITE: Final[str] = """
CREATE FUNCTION refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE closed_at timestamptz;
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'history of % is never deleted; close the row by setting known_to', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    closed_at := NEW.known_to;
    NEW.known_to := OLD.known_to;
    IF NEW IS DISTINCT FROM OLD OR OLD.known_to <> 'infinity' THEN
        RAISE EXCEPTION 'history of % is never rewritten; close the row and add a new one', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.known_to := closed_at;
    RETURN NEW;
END $$
"""


def protect(table: str) -> list[str]:
    """The statements that put the trigger on one table (row triggers miss TRUNCATE, so that has its own)."""
    return [
        f"CREATE TRIGGER refuse_rewrite BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_rewrite()",
        f"CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite()",
    ]


def is_current(columns: type[Known]) -> Any:
    """The condition that a row is what the register knows now."""
    return columns.known_to == FOREVER
