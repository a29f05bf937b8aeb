"""Reports as they are kept: desks, their public keys, threads by day, sealed parts in chunks; never a word of them.

No column holds a time finer than a day, an address, or anything a reporter wrote. Identities are random, so that they
tell no order within a day.
"""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Identity, Index, LargeBinary, Text, text
from sqlmodel import BigInteger, Field, SQLModel

# How far a desk is with a thread; who may lead it from one to the other: registry.tips on the officers' side.
STATES = ("received", "acknowledged", "examined", "answered", "closed")
_CURRENT = text("until IS NULL")


class TipDesk(SQLModel, table=True):
    """An office that receives reports; one row an organisation."""

    __tablename__ = "tip_desks"

    organisation_id: str = Field(primary_key=True, foreign_key="organisations.id", sa_type=Text)
    # Sealed to group A and then to group B: one person of each must open together.
    two_people: bool = False
    since: date
    until: date | None = None


class TipDeskKey(SQLModel, table=True):
    """A public key of somebody at a desk; the private one is never on the server.

    A key is used from the moment that a second person has confirmed its fingerprint (`confirmed_by`) until it ends.
    """

    __tablename__ = "tip_desk_keys"
    __table_args__ = (
        CheckConstraint("key_group IN ('A', 'B')", name="key_group"),
        CheckConstraint("confirmed_by IS NULL OR confirmed_by <> added_by", name="two_people_vouch"),
        ForeignKeyConstraint(["added_by"], ["accounts.id"]),
        ForeignKeyConstraint(["confirmed_by"], ["accounts.id"]),
        Index("tip_desk_keys_current", "organisation_id", "fingerprint", unique=True, postgresql_where=_CURRENT),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    organisation_id: str = Field(foreign_key="tip_desks.organisation_id", sa_type=Text)
    key_group: str = Field(default="A", sa_type=Text)
    recipient: str = Field(sa_type=Text)  # age1…
    fingerprint: str = Field(sa_type=Text)  # registry.tips.sealing.fingerprint
    # Whose key it is.
    holder_id: int = Field(foreign_key="accounts.id", sa_type=BigInteger)
    added_by: int = Field(sa_type=BigInteger)
    confirmed_by: int | None = Field(default=None, sa_type=BigInteger)
    since: date
    until: date | None = None
    ended_because: str = Field(default="", sa_type=Text)
    # A key of the demo, whose private half everybody has: no real report may be sealed to it.
    demo: bool = False


class TipOuterKey(SQLModel, table=True):
    """What became of a month's outer key; the key itself lies in a folder outside the database and its backups."""

    __tablename__ = "tip_outer_keys"

    month: str = Field(primary_key=True, sa_type=Text)  # 2026-11
    fingerprint: str = Field(sa_type=Text)
    made_on: date
    destroy_on: date
    destroyed_on: date | None = None


class TipThread(SQLModel, table=True):
    """One report with its dialogue: for which desk, since which day, how far the desk is."""

    __tablename__ = "tip_threads"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="tip_state"),
        Index("tip_threads_desk", "organisation_id", "day"),
    )

    id: str = Field(primary_key=True, sa_type=Text)  # random
    organisation_id: str = Field(foreign_key="tip_desks.organisation_id", sa_type=Text)
    day: date
    # HMAC of the receipt's lookup secret with the installation's pepper, which is not in the database.
    lookup_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    # age1…, derived from the receipt: answers are sealed to it.
    recipient: str = Field(sa_type=Text)
    state: str = Field(default="received", sa_type=Text)
    acknowledged_on: date | None = None
    answered_on: date | None = None
    closed_on: date | None = None
    # A word of registry.choices and never a sentence: what may be published without the report.
    outcome: str = Field(default="", sa_type=Text)


class TipPart(SQLModel, table=True):
    """One sealed text or file of a thread; which of both, its name and its length are inside the seal."""

    __tablename__ = "tip_parts"
    __table_args__ = (
        CheckConstraint("direction IN ('in', 'out')", name="tip_direction"),
        CheckConstraint("thread_id IS NOT NULL OR draft_hash IS NOT NULL", name="tip_part_belongs"),
        ForeignKeyConstraint(["thread_id"], ["tip_threads.id"], ondelete="CASCADE"),
        Index("tip_parts_thread", "thread_id", "number"),
        Index("tip_parts_draft", "draft_hash", postgresql_where=text("draft_hash IS NOT NULL")),
        Index("tip_parts_month", "outer_month"),
    )

    id: str = Field(primary_key=True, sa_type=Text)  # random
    thread_id: str | None = Field(default=None, sa_type=Text)
    # Of a file that was added before its report was sent: hash of the draft's secret; NULL afterwards.
    draft_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    number: int = 0  # place in its thread
    direction: str = Field(default="in", sa_type=Text)  # in: from the reporter; out: from the desk
    organisation_id: str = Field(foreign_key="tip_desks.organisation_id", sa_type=Text)  # whose keys it is sealed to
    day: date
    # In bytes after padding; only sizes of registry.tips.sealing.bucket.
    padded_size: int = Field(default=0, sa_type=BigInteger)
    chunks: int = 0
    complete: bool = False
    # The month whose outer key the outermost seal opens with.
    outer_month: str = Field(sa_type=Text)
    # Fingerprints of the keys of both groups that it was sealed to.
    sealed_to: str = Field(default="", sa_type=Text)


class TipChunk(SQLModel, table=True):
    """A piece of a sealed part, in order; nothing of it opens without the whole."""

    __tablename__ = "tip_chunks"
    __table_args__ = (ForeignKeyConstraint(["part_id"], ["tip_parts.id"], ondelete="CASCADE"),)

    part_id: str = Field(primary_key=True, sa_type=Text)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    content: bytes = Field(sa_type=LargeBinary)


class TipLink(SQLModel, table=True):
    """That a thread concerns a project or a case, without a word of what was reported."""

    __tablename__ = "tip_links"
    __table_args__ = (
        CheckConstraint("kind IN ('project', 'finding', 'case', 'enterprise')", name="tip_link_kind"),
        ForeignKeyConstraint(["linked_by"], ["accounts.id"]),
        ForeignKeyConstraint(["thread_id"], ["tip_threads.id"], ondelete="CASCADE"),
    )

    thread_id: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(primary_key=True, sa_type=Text)
    reference: str = Field(primary_key=True, sa_type=Text)  # the number or fingerprint under which it is found
    linked_on: date
    linked_by: int = Field(sa_type=BigInteger)
