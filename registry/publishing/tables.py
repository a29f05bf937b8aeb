"""Publications and their versions, what is said against them, and the chain of everything that became public.

Which version is public is a state that PostgreSQL itself guards: an accusation without two approvers besides its
drafter and without frozen evidence cannot be given a public state, and what is frozen cannot be rewritten.
"""

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ARRAY, CheckConstraint, Identity, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import BigInteger, Field, SQLModel

from registry.history import Instant

KINDS: Final = ("disposition", "rectification", "elimination_list", "replacement_plan", "statistics")
# draft -> submitted (approvals) -> displayed (objection period) -> published -> superseded | withdrawn
STATES: Final = ("draft", "submitted", "displayed", "published", "superseded", "withdrawn", "refused", "dropped")
PUBLIC_STATES: Final = ("displayed", "published", "superseded")
EVENTS: Final = ("displayed", "published", "corrected", "withdrawn", "reply", "answer", "appeal")


def _one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


PUBLIC: Final = _one_of("state", PUBLIC_STATES)
# What is public, or was, has passed its gate; one person never passes two of its doors.
GATE: Final = (
    f"NOT {_one_of('state', (*PUBLIC_STATES, 'withdrawn'))} OR (approved_by IS NOT NULL AND approved_by <> drafted_by "
    "AND content_hash <> '' AND evidence_hash <> '' AND (NOT accuses OR (second_approved_by IS NOT NULL AND "
    "second_approved_by <> drafted_by AND second_approved_by <> approved_by AND evidence <> '[]'::jsonb)))"
)


class Publication(SQLModel, table=True):
    """One matter that is made public; `reference` is what citizens quote."""

    __tablename__ = "publications"
    __table_args__ = (
        CheckConstraint(_one_of("kind", KINDS), name="publication_kind"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_reason = '')", name="publication_withdrawn"),
        Index("publications_public", "public_since", "id"),
        Index("publications_subject", "kind", "subject"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    reference: str = Field(unique=True, sa_type=Text)
    kind: str = Field(sa_type=Text)
    # What it is about, by the register's own reference of that kind: a disposition, a plan, a list, a case, a period.
    subject: str = Field(sa_type=Text)
    organisation_id: str = Field(foreign_key="organisations.id", sa_type=Text)
    region: str = Field(sa_type=Text)
    sector: str | None = Field(default=None, sa_type=Text)
    project_id: int | None = Field(default=None, foreign_key="projects.id", sa_type=BigInteger, index=True)
    enterprise_id: int | None = Field(default=None, foreign_key="enterprises.id", sa_type=BigInteger, index=True)
    synthetic: bool = False
    created_at: datetime = Field(sa_type=Instant)
    # When anything of it first became public; the public sees nothing of it before.
    public_since: datetime | None = Field(default=None, sa_type=Instant)
    # What remains after a withdrawal: the day and the reason.
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)
    withdrawn_reason: str = Field(default="", sa_type=Text)


class PublicationVersion(SQLModel, table=True):
    """One version of a publication; its content is a draft's to change, and frozen from its submission on."""

    __tablename__ = "publication_versions"
    __table_args__ = (
        UniqueConstraint("publication_id", "number"),
        CheckConstraint(_one_of("state", STATES), name="publication_version_state"),
        CheckConstraint(GATE, name="publication_gate"),
        CheckConstraint(
            "(displayed_at IS NULL) = (objections_until IS NULL) AND "
            "(state <> 'displayed' OR displayed_at IS NOT NULL)",
            name="publication_displayed",
        ),
        CheckConstraint(
            "state NOT IN ('published', 'superseded') OR published_at IS NOT NULL", name="publication_published"
        ),
        # One is the text in force, and one more may be on its way.
        Index("publication_in_force", "publication_id", unique=True, postgresql_where=text("state = 'published'")),
        Index(
            "publication_on_its_way",
            "publication_id",
            unique=True,
            postgresql_where=text("state IN ('draft', 'submitted', 'displayed')"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    publication_id: int = Field(foreign_key="publications.id", sa_type=BigInteger)
    number: int
    region: str = Field(sa_type=Text)  # the publication's
    state: str = Field(default="draft", sa_type=Text)
    # It names an enterprise for a breach: two approvers besides the drafter, and frozen evidence.
    accuses: bool
    content: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    content_hash: str = Field(default="", sa_type=Text)
    # What it rests on, each with its hash: [{kind, reference, hash}].
    evidence: list[dict[str, Any]] = Field(
        default_factory=list, sa_type=JSONB, sa_column_kwargs={"server_default": text("'[]'")}
    )
    evidence_hash: str = Field(default="", sa_type=Text)
    # What it is called and whom it names, made of the content by registry.publishing.titles, for search.
    title_zh: str = Field(default="", sa_type=Text)
    title_en: str = Field(default="", sa_type=Text)
    title_normal: str = Field(default="", sa_type=Text)
    title_pinyin: str = Field(default="", sa_type=Text)
    names: list[str] = Field(
        default_factory=list, sa_type=ARRAY(Text()), sa_column_kwargs={"server_default": text("'{}'")}
    )
    names_normal: list[str] = Field(
        default_factory=list, sa_type=ARRAY(Text()), sa_column_kwargs={"server_default": text("'{}'")}
    )
    # Why there is another version; public.
    reason: str = Field(default="", sa_type=Text)
    drafted_by: int = Field(foreign_key="accounts.id", sa_type=BigInteger)
    drafted_at: datetime = Field(sa_type=Instant)
    approved_by: int | None = Field(default=None, foreign_key="accounts.id", sa_type=BigInteger)
    approved_at: datetime | None = Field(default=None, sa_type=Instant)
    second_approved_by: int | None = Field(default=None, foreign_key="accounts.id", sa_type=BigInteger)
    second_approved_at: datetime | None = Field(default=None, sa_type=Instant)
    displayed_at: datetime | None = Field(default=None, sa_type=Instant)
    objections_until: date | None = None  # the last day, included
    published_at: datetime | None = Field(default=None, sa_type=Instant)
    # Superseded, withdrawn, refused or dropped.
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    # Rises with every change: an edit must name the one it saw.
    version: int = 1


class PublicationObjection(SQLModel, table=True):
    """What somebody said against a version while it was displayed; who they are stays in their letter."""

    __tablename__ = "publication_objections"
    __table_args__ = (
        CheckConstraint(_one_of("state", ("open", "upheld", "rejected")), name="publication_objection_state"),
        CheckConstraint("(state = 'open') = (answered_by IS NULL)", name="publication_objection_answered"),
        CheckConstraint("answered_by IS NULL OR answered_by <> received_by", name="publication_objection_two_people"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    publication_id: int = Field(foreign_key="publications.id", sa_type=BigInteger, index=True)
    version_id: int = Field(foreign_key="publication_versions.id", sa_type=BigInteger)
    region: str = Field(sa_type=Text)
    received_on: date
    sender: str = Field(sa_type=Text)  # enterprise, public, agency
    content: str = Field(sa_type=Text)
    file_hash: str = Field(default="", sa_type=Text)
    received_by: int = Field(foreign_key="accounts.id", sa_type=BigInteger)
    received_at: datetime = Field(sa_type=Instant)
    state: str = Field(default="open", sa_type=Text)
    answer: str = Field(default="", sa_type=Text)  # public where `shown`
    answered_by: int | None = Field(default=None, foreign_key="accounts.id", sa_type=BigInteger)
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
    shown: bool = False


class PublicationReply(SQLModel, table=True):
    """What the accused says to it, whole; it stands beside the accusation once a second person confirmed that."""

    __tablename__ = "publication_replies"
    __table_args__ = (
        CheckConstraint(_one_of("state", ("open", "confirmed", "refused")), name="publication_reply_state"),
        CheckConstraint("NOT shown OR state = 'confirmed'", name="publication_reply_shown"),
        CheckConstraint(
            "state = 'open' OR (confirmed_by IS NOT NULL AND confirmed_by <> received_by)",
            name="publication_reply_two_people",
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    publication_id: int = Field(foreign_key="publications.id", sa_type=BigInteger, index=True)
    region: str = Field(sa_type=Text)
    enterprise_name: str = Field(sa_type=Text)
    received_on: date
    content: str = Field(sa_type=Text)
    # How many places of the letter are blacked out because they hold personal data.
    covered: int = 0
    content_hash: str = Field(sa_type=Text)
    file_hash: str = Field(sa_type=Text)  # SHA-256 of the letter as received
    received_by: int = Field(foreign_key="accounts.id", sa_type=BigInteger)
    received_at: datetime = Field(sa_type=Instant)
    state: str = Field(default="open", sa_type=Text)
    confirmed_by: int | None = Field(default=None, foreign_key="accounts.id", sa_type=BigInteger)
    confirmed_at: datetime | None = Field(default=None, sa_type=Instant)
    refusal: str = Field(default="", sa_type=Text)
    shown: bool = False


class PublicationAppeal(SQLModel, table=True):
    """A request to change or withdraw what is public, its answer, and what followed."""

    __tablename__ = "publication_appeals"
    __table_args__ = (
        CheckConstraint(_one_of("state", ("open", "upheld", "rejected")), name="publication_appeal_state"),
        CheckConstraint(_one_of("outcome", ("", "correct", "withdraw")), name="publication_appeal_outcome"),
        CheckConstraint("(state = 'upheld') = (outcome <> '')", name="publication_appeal_follows"),
        CheckConstraint(
            "(state = 'open') = (answered_by IS NULL) AND (answered_by IS NULL OR answered_by <> received_by)",
            name="publication_appeal_two_people",
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    publication_id: int = Field(foreign_key="publications.id", sa_type=BigInteger, index=True)
    region: str = Field(sa_type=Text)
    received_on: date
    grounds: str = Field(sa_type=Text)
    file_hash: str = Field(default="", sa_type=Text)
    received_by: int = Field(foreign_key="accounts.id", sa_type=BigInteger)
    received_at: datetime = Field(sa_type=Instant)
    state: str = Field(default="open", sa_type=Text)
    outcome: str = Field(default="", sa_type=Text)
    answer: str = Field(default="", sa_type=Text)
    content_hash: str = Field(default="", sa_type=Text)
    answered_by: int | None = Field(default=None, foreign_key="accounts.id", sa_type=BigInteger)
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
    shown: bool = False


class PublicationLink(SQLModel, table=True):
    """One public act in the one chain of all of them; it holds hashes and no text, so that it never has to change."""

    __tablename__ = "publication_chain"
    __table_args__ = (
        CheckConstraint(_one_of("event", EVENTS), name="publication_event"),
        Index("publication_chain_publication", "publication_id", "number"),
    )

    number: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    publication_id: int = Field(foreign_key="publications.id", sa_type=BigInteger)
    event: str = Field(sa_type=Text)
    # The number of the version, or the id of the reply, answer or appeal.
    item: int = Field(sa_type=BigInteger)
    at: datetime = Field(sa_type=Instant)
    content_hash: str = Field(sa_type=Text)
    evidence_hash: str = Field(default="", sa_type=Text)
    previous: str = Field(sa_type=Text)
    digest: str = Field(unique=True, sa_type=Text)


# What was submitted says the same for ever; only where it stands changes. A withdrawal is final.
FREEZE: Final = """
CREATE FUNCTION keep_publication_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'versions of publications are never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> 'draft' AND (OLD.content, OLD.content_hash, OLD.evidence, OLD.evidence_hash, OLD.accuses,
        OLD.title_zh, OLD.title_en, OLD.title_normal, OLD.title_pinyin, OLD.names, OLD.names_normal,
        OLD.reason, OLD.drafted_by, OLD.number, OLD.publication_id) IS DISTINCT FROM (NEW.content, NEW.content_hash,
        NEW.evidence, NEW.evidence_hash, NEW.accuses,
        NEW.title_zh, NEW.title_en, NEW.title_normal, NEW.title_pinyin, NEW.names, NEW.names_normal,
        NEW.reason, NEW.drafted_by, NEW.number, NEW.publication_id) THEN
        RAISE EXCEPTION 'a submitted version of a publication is never rewritten' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT (OLD.state = NEW.state OR (OLD.state, NEW.state) IN (('draft', 'submitted'), ('draft', 'dropped'),
        ('submitted', 'dropped'), ('submitted', 'refused'), ('submitted', 'displayed'), ('submitted', 'published'),
        ('displayed', 'published'), ('displayed', 'withdrawn'), ('published', 'superseded'), ('published', 'withdrawn'),
        ('superseded', 'withdrawn'))) THEN
        RAISE EXCEPTION 'a publication does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""
KEEP_CHAIN: Final = """
CREATE FUNCTION keep_publication_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the chain of publications is never changed' USING ERRCODE = 'restrict_violation';
END $$
"""
TRIGGERS: Final = (
    FREEZE,
    "CREATE TRIGGER keep_frozen BEFORE UPDATE OR DELETE ON publication_versions FOR EACH ROW "
    "EXECUTE FUNCTION keep_publication_frozen()",
    KEEP_CHAIN,
    "CREATE TRIGGER keep_chain BEFORE UPDATE OR DELETE ON publication_chain FOR EACH ROW "
    "EXECUTE FUNCTION keep_publication_chain()",
    "CREATE TRIGGER keep_chain_whole BEFORE TRUNCATE ON publication_chain FOR EACH STATEMENT "
    "EXECUTE FUNCTION keep_publication_chain()",
)
