"""What linking leaves to people: scored candidates, what awaits a review, and what reviewers decided."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, Identity, Index, Numeric, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import BigInteger, Field, SQLModel

from registry.history import Instant, Known

_CURRENT = text("known_to = 'infinity'")


class LinkCandidate(Known, table=True):
    """A project that an undecided record may belong to, as the linker saw it; the best first by `score`.

    `explanation` is a list of {feature, value, weight}: what speaks for (weight above 0) and against it, in log odds,
    the strongest first; registry.linking.explaining puts it in words.
    """

    __tablename__ = "link_candidates"
    __table_args__ = (
        Index("link_candidates_current", "record_id", "project_id", unique=True, postgresql_where=_CURRENT),
        Index("link_candidates_project", "project_id", postgresql_where=_CURRENT),
    )

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    record_id: int = Field(sa_type=BigInteger)
    project_id: int = Field(foreign_key="projects.id", sa_type=BigInteger)
    score: float  # how often such a pair is one: 0.95 is right 95 times in 100
    model: str = Field(sa_type=Text)  # version of the weights; '' where exact means found it
    explanation: list[dict[str, Any]] = Field(
        default_factory=list, sa_type=JSONB, sa_column_kwargs={"server_default": text("'[]'")}
    )


class ReviewItem(Known, table=True):
    """A record that awaits a person: one current row a record, closed when it is decided by whomever."""

    __tablename__ = "review_items"
    __table_args__ = (
        Index("review_items_current", "record_id", unique=True, postgresql_where=_CURRENT),
        Index("review_items_queue", "best_score", "record_id", postgresql_where=_CURRENT),
    )

    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    record_id: int = Field(sa_type=BigInteger)
    cause: str = Field(sa_type=Text)  # the method of the record's link: likely_match, several_projects …
    best_score: float = 0
    candidates: int = 0
    # What hangs on it: yuan of a credit, hectares of a land grant; both NULL where the record tells neither.
    amount: Decimal | None = Field(default=None, sa_type=Numeric)
    area_hectares: Decimal | None = Field(default=None, sa_type=Numeric)


class LinkDecision(SQLModel, table=True):
    """What a person said about one record; added, never changed or deleted.

    accept: it belongs to `project_ids`. reject: it belongs to none of `project_ids` (the linker never proposes or links
    them again). new_project: to none that is registered. unsure: somebody else shall look. undo: what `undoes` names no
    longer holds. `seconds` names the decision that this one confirms as a second opinion.
    The present word on a record is its latest decision that no later one undoes.
    """

    __tablename__ = "link_decisions"
    __table_args__ = (
        CheckConstraint("verdict IN ('accept', 'reject', 'new_project', 'unsure', 'undo')", name="link_verdict"),
        Index("link_decisions_record", "record_id", "id"),
        # A decision is taken back once.
        Index("link_decisions_undoes", "undoes", unique=True, postgresql_where=text("undoes IS NOT NULL")),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    record_id: int = Field(sa_type=BigInteger)
    verdict: str = Field(sa_type=Text)
    project_ids: list[int] = Field(default_factory=list, sa_type=ARRAY(BigInteger))
    reason: str = Field(default="", sa_type=Text)
    actor: str = Field(sa_type=Text)  # login, as in links.decided_by
    organisation_id: str | None = Field(default=None, sa_type=Text)
    decided_at: datetime = Field(sa_type=Instant)
    record_version_id: int | None = Field(default=None, sa_type=BigInteger)  # what was on the screen
    # [{project_id, score, model}]: the candidates as they were shown; training reads who was right.
    shown: list[dict[str, Any]] = Field(
        default_factory=list, sa_type=JSONB, sa_column_kwargs={"server_default": text("'[]'")}
    )
    # Above the stake a decision waits, in force false, until another person seconds it.
    in_force: bool = True
    # Who decided, and for whom by delegation: none of them may second it.
    account_id: int | None = Field(default=None, sa_type=BigInteger)
    acts_for: list[int] = Field(default_factory=list, sa_type=ARRAY(BigInteger))
    # What is above the stake: field -> {value, limit}; {} where one person was enough.
    stake: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    # new_project: the suspected project that the record went into.
    suspected_id: int | None = Field(default=None, foreign_key="suspected_projects.id", sa_type=BigInteger)
    seconds: int | None = Field(default=None, foreign_key="link_decisions.id", sa_type=BigInteger)
    undoes: int | None = Field(default=None, foreign_key="link_decisions.id", sa_type=BigInteger)


class LinkModel(SQLModel, table=True):
    """Weights that linking was trained to; the one not retired is in use, without one those of the software are."""

    __tablename__ = "link_models"

    version: str = Field(primary_key=True, sa_type=Text)  # hash of the weights; links and candidates name it
    weights: str = Field(sa_type=Text)  # JSON as registry.linking.model reads it
    trained_by: str = Field(default="", sa_type=Text)
    trained_at: datetime = Field(sa_type=Instant)
    retired_at: datetime | None = Field(default=None, sa_type=Instant)
