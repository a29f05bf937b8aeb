"""Gate checks as they are kept: questions with their signed answers, notices of lost standing, marks, batches, keys."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, Identity, Index, LargeBinary, Numeric, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import BigInteger, Field, SQLModel

from registry.history import Instant, Known

_CURRENT = text("known_to = 'infinity'")


class GateKey(SQLModel, table=True):
    """A public key with which receipts were signed; the private one lies outside the database."""

    __tablename__ = "gate_keys"

    id: str = Field(primary_key=True, sa_type=Text)  # the first 16 hexadecimal digits of the key's SHA-256
    public_key: bytes = Field(sa_type=LargeBinary)  # 32 bytes, Ed25519
    since: datetime = Field(sa_type=Instant)


class GateBatch(SQLModel, table=True):
    """A file of questions; how far it is follows from the checks that bear its number."""

    __tablename__ = "gate_batches"
    __table_args__ = (Index("gate_batches_organisation", "organisation_id", "asked_at"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    address: str = Field(unique=True, sa_type=Text)
    asked_at: datetime = Field(sa_type=Instant)
    asker: str = Field(sa_type=Text)
    asker_kind: str = Field(default="", sa_type=Text)
    organisation_id: str = Field(default="", sa_type=Text)
    organisation_name: str = Field(default="", sa_type=Text)
    finance: bool = False  # the asker may learn that credit is flagged
    name: str = Field(sa_type=Text)
    total: int
    questions: list[dict[str, Any]] = Field(sa_type=JSONB)  # each with the row of the file that it stands in


class GateCheck(SQLModel, table=True):
    """One question and its answer, as signed; never changed and never deleted."""

    __tablename__ = "gate_checks"
    __table_args__ = (
        Index("gate_checks_organisation", "organisation_id", "id"),
        Index("gate_checks_project", "project_id", "act", "asked_at"),
        # Most checks are none of these: their indexes stay small, and a check is kept faster.
        Index("gate_checks_recheck", "recheck_of", postgresql_where=text("recheck_of IS NOT NULL")),
        Index("gate_checks_batch", "batch_id", "batch_row", unique=True, postgresql_where=text("batch_id IS NOT NULL")),
        Index(
            "gate_checks_idempotency",
            "asker",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    address: str = Field(unique=True, sa_type=Text)
    asked_at: datetime = Field(sa_type=Instant)
    asker: str = Field(sa_type=Text)
    asker_kind: str = Field(default="", sa_type=Text)
    organisation_id: str = Field(default="", sa_type=Text)
    finance: bool = False
    lane: str = Field(sa_type=Text)
    act: str = Field(sa_type=Text)
    acted_on: date
    project_id: int | None = Field(default=None, foreign_key="projects.id", sa_type=BigInteger)
    enterprise_id: int | None = Field(default=None, foreign_key="enterprises.id", sa_type=BigInteger)
    answer: str = Field(sa_type=Text)  # allow, refuse, refer
    reasons: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    holds_until: date | None = None
    amount: Decimal | None = Field(default=None, sa_type=Numeric)
    question: dict[str, Any] = Field(sa_type=JSONB)
    receipt: bytes = Field(sa_type=LargeBinary)  # the signed document, as it was given
    recheck_of: int | None = Field(default=None, foreign_key="gate_checks.id", sa_type=BigInteger)
    batch_id: int | None = Field(default=None, foreign_key="gate_batches.id", sa_type=BigInteger)
    batch_row: int | None = None
    idempotency_key: str | None = Field(default=None, sa_type=Text)
    question_hash: bytes = Field(sa_type=LargeBinary)


class GateNotice(SQLModel, table=True):
    """What whoever was allowed is told: the project lost its standing, or has it again."""

    __tablename__ = "gate_notices"
    __table_args__ = (
        Index("gate_notices_check", "check_id", "id"),
        Index("gate_notices_organisation", "organisation_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    check_id: int = Field(foreign_key="gate_checks.id", sa_type=BigInteger)
    organisation_id: str = Field(default="", sa_type=Text)
    asker: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=Instant)
    answer: str = Field(sa_type=Text)  # what the answer would be now
    content: dict[str, Any] = Field(sa_type=JSONB)  # reasons and what is missing, as a receipt has them


class GateMark(Known, table=True):
    """An act that was done without a gate check, against one, or after it had lapsed."""

    __tablename__ = "gate_marks"
    __table_args__ = (
        Index("gate_marks_current", "record_id", "project_id", unique=True, postgresql_where=_CURRENT),
        Index("gate_marks_project", "project_id", postgresql_where=_CURRENT),
    )

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    record_id: int = Field(sa_type=BigInteger)
    project_id: int = Field(foreign_key="projects.id", sa_type=BigInteger)
    mark: str = Field(sa_type=Text)  # without, against, lapsed
    check_id: int | None = Field(default=None, foreign_key="gate_checks.id", sa_type=BigInteger)
