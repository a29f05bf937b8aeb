"""Agency records: every version with its raw payload."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Identity, Index, LargeBinary, Numeric, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import BigInteger, Field

from registry.acts import FORMALITIES
from registry.history import Instant, Known


class Record(Known, table=True):
    """One version of one record of one feed; the columns are registry.record_fields and what storing adds.

    `record_id` stays the same over the versions of a record.
    """

    __tablename__ = "records"
    __table_args__ = (
        Index("records_current", "feed", "source_key", unique=True, postgresql_where=text("known_to = 'infinity'")),
        Index("records_record", "record_id"),
        # All that facts/formalities.sql reads of a record.
        Index(
            "records_formalities",
            "record_id",
            postgresql_include=["act", "acted_on", "expires", "revoked"],
            postgresql_where=text(f"known_to = 'infinity' AND act IN {FORMALITIES}"),
        ),
        Index("records_lender", "lender_normal", postgresql_where=text("lender_normal IS NOT NULL")),
    )

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    record_id: int = Field(sa_type=BigInteger)
    # Of feeds: storing holds its row locked. A foreign key would look there for every row, at a third of the cost.
    feed: str = Field(sa_type=Text)
    run_id: int | None = Field(default=None, sa_type=BigInteger)
    content_hash: bytes = Field(sa_type=LargeBinary)  # blake2b-128 of raw and the mapping's version
    raw: bytes = Field(sa_type=LargeBinary)
    party_name_normal: str | None = Field(default=None, sa_type=Text)
    project_name_normal: str | None = Field(default=None, sa_type=Text)
    # Of credit: the normal form of who lends, by which a bank's people see their own.
    lender_normal: str | None = Field(default=None, sa_type=Text)

    source_key: str = Field(sa_type=Text)
    source_modified: datetime | None = Field(default=None, sa_type=Instant)
    act: str = Field(sa_type=Text)
    acted_on: date
    number: str | None = Field(default=None, sa_type=Text)
    project_code: str | None = Field(default=None, sa_type=Text)
    project_name: str | None = Field(default=None, sa_type=Text)
    party_name: str | None = Field(default=None, sa_type=Text)
    party_uscc: str | None = Field(default=None, sa_type=Text)
    region: str | None = Field(default=None, sa_type=Text)
    address: str | None = Field(default=None, sa_type=Text)
    industry: str | None = Field(default=None, sa_type=Text)
    industry_edition: str | None = Field(default=None, sa_type=Text)
    kind: str | None = Field(default=None, sa_type=Text)
    authority: str | None = Field(default=None, sa_type=Text)
    amount: Decimal | None = Field(default=None, sa_type=Numeric)
    area_hectares: Decimal | None = Field(default=None, sa_type=Numeric)
    months: int | None = None
    stated_capacity: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB)
    expires: date | None = None
    revoked: date | None = None
    details: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    synthetic: bool = False
