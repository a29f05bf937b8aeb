"""Feeds and their syncs: runs with slot, lease and fencing token; audit rows; quarantine; dirty marks."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, Identity, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import BigInteger, Field, SQLModel

from registry.history import Instant


class Feed(SQLModel, table=True):
    """One agency's feed as its agency.yml declares it, and how far it has been read."""

    __tablename__ = "feeds"

    id: str = Field(primary_key=True, sa_type=Text)  # the name of the agency's folder
    agency_id: str | None = Field(default=None, sa_type=Text)
    name_zh: str = Field(default="", sa_type=Text)
    name_en: str = Field(default="", sa_type=Text)
    lanes: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    declaration: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)  # schedule, bounds; no secrets
    watermark: datetime | None = Field(default=None, sa_type=Instant)
    last_complete_day: date | None = None
    last_token: int = Field(default=0, sa_type=BigInteger)  # the greatest fencing token handed out


class SyncRun(SQLModel, table=True):
    """One run of one feed for one slot of its schedule; whoever holds the greatest token may write."""

    __tablename__ = "sync_runs"
    __table_args__ = (UniqueConstraint("feed", "slot"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    feed: str = Field(foreign_key="feeds.id", sa_type=Text, index=True)
    slot: datetime = Field(sa_type=Instant)
    state: str = Field(default="queued", sa_type=Text)  # queued, running, done, held, failed, released
    worker: str = Field(default="", sa_type=Text)
    token: int = Field(default=0, sa_type=BigInteger)
    lease_until: datetime | None = Field(default=None, sa_type=Instant)
    attempts: int = 0
    started_at: datetime | None = Field(default=None, sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    watermark_from: datetime | None = Field(default=None, sa_type=Instant)
    watermark_to: datetime | None = Field(default=None, sa_type=Instant)
    checkpoint: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    pages: int = 0
    received: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    stale: int = 0  # older versions than the one held
    quarantined: int = 0
    received_bytes: int = Field(default=0, sa_type=BigInteger)
    held_reason: str = Field(default="", sa_type=Text)
    error: str = Field(default="", sa_type=Text)
    retry_at: datetime | None = Field(default=None, sa_type=Instant)  # of a queued run that broke off: the next try


class SyncPage(SQLModel, table=True):
    """The audit row of one stored page."""

    __tablename__ = "sync_pages"

    run_id: int = Field(primary_key=True, foreign_key="sync_runs.id", sa_type=BigInteger)
    number: int = Field(primary_key=True)
    label: str = Field(sa_type=Text)
    stored_at: datetime = Field(sa_type=Instant)
    received: int
    added: int
    changed: int
    unchanged: int
    stale: int
    quarantined: int
    received_bytes: int = Field(sa_type=BigInteger)
    digest: bytes = Field(sa_type=LargeBinary)  # of the page's content hashes, in order
    notes: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))


class Quarantined(SQLModel, table=True):
    """A record that could not be read: its raw bytes, and why. Raw bytes, because what cannot be read fits no type."""

    __tablename__ = "quarantine"
    __table_args__ = (Index("quarantine_open", "feed", postgresql_where=text("resolved_at IS NULL")),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    feed: str = Field(foreign_key="feeds.id", sa_type=Text)
    run_id: int = Field(foreign_key="sync_runs.id", sa_type=BigInteger, index=True)
    page_label: str = Field(sa_type=Text)
    position: int
    source_key: str | None = Field(default=None, sa_type=Text)
    field_name: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    raw: bytes = Field(sa_type=LargeBinary)
    raw_hash: bytes = Field(sa_type=LargeBinary)
    received_at: datetime = Field(sa_type=Instant)
    resolved_at: datetime | None = Field(default=None, sa_type=Instant)


class DirtyMark(SQLModel, table=True):
    """Something changed and awaits linking, judging or indexing (decision 6).

    Marks of a run that is under way or held are not claimed: a held feed raises and clears no flag.
    """

    __tablename__ = "dirty_marks"
    __table_args__ = (Index("dirty_marks_turn", "purpose", "run_id", "mark"),)

    purpose: str = Field(primary_key=True, sa_type=Text)  # link, judge, index
    kind: str = Field(primary_key=True, sa_type=Text)  # registry.dirty.KINDS
    id: int = Field(primary_key=True, sa_type=BigInteger)
    mark: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("nextval('dirty_mark_sequence')")})
    run_id: int | None = Field(default=None, sa_type=BigInteger)
