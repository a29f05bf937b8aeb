"""Cases as they are kept: the case, what it is about, tasks and opinions, decisions, notes, files and its trail."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, Identity, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import BigInteger, Field, SQLModel

from registry.history import Instant


class Case(SQLModel, table=True):
    """One case; its number (2026-130000-0007) is the stable address /cases/{number}."""

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint("path IN ('plain', '3-1', '3-2')", name="case_path"),
        CheckConstraint("state IN ('open', 'closed', 'merged')", name="case_state"),
        CheckConstraint("origin IN ('alert', 'tip', 'suspected', 'hand', 'split')", name="case_origin"),
        Index("cases_desk", "desk_id", "state", "due"),
        Index("cases_region", "region", "state"),
        Index("cases_project", "project_id"),
        Index("cases_suspected", "suspected_id"),
        Index("cases_organisations", "organisations", postgresql_using="gin"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    number: str = Field(unique=True, sa_type=Text)
    # 3-1: under construction against the rules (G41 3(1)); 3-2: built capacity (G41 3(2)); plain: anything else.
    path: str = Field(sa_type=Text)
    title: str = Field(sa_type=Text)
    desk_id: str = Field(foreign_key="organisations.id", sa_type=Text)
    region: str = Field(sa_type=Text)  # where the thing is; six digits
    # Every organisation that was given a task: its people read the case wherever they are.
    organisations: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    origin: str = Field(sa_type=Text)
    # A tip's word, never who sent it.
    origin_reference: str | None = Field(default=None, sa_type=Text)
    project_id: int | None = Field(default=None, foreign_key="projects.id", sa_type=BigInteger)
    suspected_id: int | None = Field(default=None, foreign_key="suspected_projects.id", sa_type=BigInteger)
    enterprise_id: int | None = Field(default=None, foreign_key="enterprises.id", sa_type=BigInteger)
    stage: str = Field(sa_type=Text)  # of stages.yml
    stage_since: datetime = Field(sa_type=Instant)
    due: date | None = None  # by when the stage is to be over; None: no deadline
    state: str = Field(default="open", sa_type=Text)
    outcome: str = Field(default="", sa_type=Text)  # of a closed case: a word of stages.yml
    owner_id: int | None = Field(default=None, foreign_key="accounts.id", sa_type=BigInteger)
    merged_into: int | None = Field(default=None, foreign_key="cases.id", sa_type=BigInteger)
    split_from: int | None = Field(default=None, foreign_key="cases.id", sa_type=BigInteger)
    # The whole case tells of credit: for who may see credit alone.
    credit: bool = False
    synthetic: bool = False
    opened_at: datetime = Field(sa_type=Instant)
    opened_by: str = Field(default="", sa_type=Text)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    # Up to which level somebody was told that the stage is late, and of which deadline: nobody is told twice.
    told: int = 0
    told_of: date | None = None
    # Rises with every change: an edit must name the one it saw.
    version: int = 1


class CaseSerial(SQLModel, table=True):
    """The last number given in a year and region: two who open cases at once get two numbers."""

    __tablename__ = "case_serials"

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    region: str = Field(primary_key=True, sa_type=Text)
    last: int = 0


class CaseSubject(SQLModel, table=True):
    """An alert or one episode of a finding that a case deals with; each is dealt with in one case at a time."""

    __tablename__ = "case_subjects"
    __table_args__ = (
        CheckConstraint("kind IN ('alert', 'finding')", name="case_subject_kind"),
        Index(
            "case_subjects_current",
            "kind",
            "reference",
            "episode",
            unique=True,
            postgresql_where=text("left_at IS NULL"),
        ),
        Index("case_subjects_case", "case_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    case_id: int = Field(foreign_key="cases.id", sa_type=BigInteger)
    kind: str = Field(sa_type=Text)
    reference: str = Field(sa_type=Text)  # an alert's number, a finding's fingerprint
    episode: int = 0  # of a finding
    credit: bool = False
    added_at: datetime = Field(sa_type=Instant)
    added_by: str = Field(default="", sa_type=Text)
    left_at: datetime | None = Field(default=None, sa_type=Instant)  # split off, or merged into another case


class CaseTask(SQLModel, table=True):
    """Something that an organisation is to do for a case by a day, or is asked its opinion on."""

    __tablename__ = "case_tasks"
    __table_args__ = (
        CheckConstraint("kind IN ('task', 'opinion')", name="case_task_kind"),
        CheckConstraint("state IN ('open', 'done', 'declined', 'withdrawn')", name="case_task_state"),
        Index("case_tasks_case", "case_id"),
        Index("case_tasks_desk", "organisation_id", "state", "due"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    case_id: int = Field(foreign_key="cases.id", sa_type=BigInteger)
    kind: str = Field(sa_type=Text)
    template: str = Field(default="", sa_type=Text)  # of stages.yml; empty: asked by hand
    title: str = Field(sa_type=Text)
    body: str = Field(default="", sa_type=Text)
    organisation_id: str = Field(foreign_key="organisations.id", sa_type=Text)
    assignee_id: int | None = Field(default=None, foreign_key="accounts.id", sa_type=BigInteger)
    asked_by: str = Field(default="", sa_type=Text)
    asked_for: str = Field(foreign_key="organisations.id", sa_type=Text)  # the desk that asked
    asked_at: datetime = Field(sa_type=Instant)
    due: date
    state: str = Field(default="open", sa_type=Text)
    position: str = Field(default="", sa_type=Text)  # of an opinion: agree, conditions, disagree
    answer: str = Field(default="", sa_type=Text)
    answered_by: str = Field(default="", sa_type=Text)
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
    credit: bool = False
    told: int = 0
    told_of: date | None = None
    version: int = 1


class CaseDecision(SQLModel, table=True):
    """What was decided in a case and written into the register as a fact, by the fact's reference."""

    __tablename__ = "case_decisions"
    __table_args__ = (Index("case_decisions_case", "case_id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    case_id: int = Field(foreign_key="cases.id", sa_type=BigInteger)
    step: str = Field(sa_type=Text)  # the transition of stages.yml by which it was decided
    fact: str = Field(sa_type=Text)  # dispositions, rectifications
    reference: str = Field(sa_type=Text)  # of the fact
    kind: str = Field(default="", sa_type=Text)  # of a disposition: halt, recognise, …
    decided: date
    number: str = Field(default="", sa_type=Text)
    authority: str = Field(default="", sa_type=Text)
    reason: str = Field(default="", sa_type=Text)
    decided_by: str = Field(default="", sa_type=Text)
    organisation_id: str = Field(default="", sa_type=Text)
    at: datetime = Field(sa_type=Instant)


class CaseNote(SQLModel, table=True):
    """A note to a case; what was noted stays."""

    __tablename__ = "case_notes"
    __table_args__ = (Index("case_notes_case", "case_id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    case_id: int = Field(foreign_key="cases.id", sa_type=BigInteger)
    body: str = Field(sa_type=Text)
    credit: bool = False
    actor: str = Field(default="", sa_type=Text)
    organisation_id: str = Field(default="", sa_type=Text)
    at: datetime = Field(sa_type=Instant)


class CaseFile(SQLModel, table=True):
    """A file of a case: what it is was told from its bytes, and what it says of its maker is kept beside it."""

    __tablename__ = "case_files"
    __table_args__ = (Index("case_files_case", "case_id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    case_id: int = Field(foreign_key="cases.id", sa_type=BigInteger)
    task_id: int | None = Field(default=None, foreign_key="case_tasks.id", sa_type=BigInteger)
    kind: str = Field(default="", sa_type=Text)  # of stages.yml: application, assessment, …; empty: anything
    name: str = Field(sa_type=Text)
    media_type: str = Field(sa_type=Text)
    size: int = Field(sa_type=BigInteger)
    sha256: str = Field(sa_type=Text)
    # What the file tells of its making: {"author": …, "place": …}
    told_within: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    credit: bool = False
    actor: str = Field(default="", sa_type=Text)
    organisation_id: str = Field(default="", sa_type=Text)
    at: datetime = Field(sa_type=Instant)


class CaseFileContent(SQLModel, table=True):
    """The bytes of a file, apart, so that lists of files never read them."""

    __tablename__ = "case_file_contents"

    file_id: int = Field(
        primary_key=True, foreign_key="case_files.id", sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    content: bytes = Field(sa_type=LargeBinary)


class CaseEvent(SQLModel, table=True):
    """One line of a case's trail: never changed, never removed."""

    __tablename__ = "case_events"
    __table_args__ = (Index("case_events_case", "case_id", "at"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    case_id: int = Field(foreign_key="cases.id", sa_type=BigInteger)
    kind: str = Field(sa_type=Text)  # opened, moved, task, answer, note, file, merged, split, …
    content: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    credit: bool = False
    actor: str = Field(default="", sa_type=Text)
    organisation_id: str = Field(default="", sa_type=Text)
    at: datetime = Field(sa_type=Instant)
