"""The audit: entries written with each change and confidential read; seals that chain them afterwards."""

from datetime import datetime
from typing import Any

from sqlalchemy import Identity, Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import BigInteger, Field, SQLModel

from registry.history import Instant


class AuditEntry(SQLModel, table=True):
    """Who did or read what, when and why; written in the transaction of the act itself, never changed."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("audit_entries_at", "at"),
        Index("audit_entries_actor", "actor", "at"),
        Index("audit_entries_subject", "subject_kind", "subject", "at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    at: datetime = Field(sa_type=Instant)
    # A login name, the name of a key, or the name of a command or job.
    actor: str = Field(sa_type=Text)
    actor_kind: str = Field(sa_type=Text)
    organisation_id: str = Field(default="", sa_type=Text)
    # A verb with its thing: project.correct, credit.read, account.create, sign_in.refuse
    action: str = Field(sa_type=Text)
    subject_kind: str = Field(default="", sa_type=Text)
    subject: str = Field(default="", sa_type=Text)
    why: str = Field(default="", sa_type=Text)
    before: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    after: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    request_id: str = Field(default="", sa_type=Text)


class AuditBatch(SQLModel, table=True):
    """A link of the chain: the digest of a batch of entries over the digest of the batch before."""

    __tablename__ = "audit_batches"

    number: int = Field(primary_key=True, sa_type=BigInteger)
    sealed_at: datetime = Field(sa_type=Instant)
    entries: int
    previous: bytes = Field(sa_type=LargeBinary)
    digest: bytes = Field(sa_type=LargeBinary)


class AuditSeal(SQLModel, table=True):
    """Which batch an entry is in, at which place, and its own digest."""

    __tablename__ = "audit_seals"
    __table_args__ = (Index("audit_seals_batch", "batch", "place", unique=True),)

    entry_id: int = Field(primary_key=True, sa_type=BigInteger)
    batch: int = Field(foreign_key="audit_batches.number", sa_type=BigInteger)
    place: int
    digest: bytes = Field(sa_type=LargeBinary)
