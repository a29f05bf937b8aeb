"""Organisations, people, their roles, sign-ins and proposals: who may see and do what (docs/decisions/0004)."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, Date, ForeignKeyConstraint, Identity, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import BigInteger, Field, SQLModel

from registry.history import Instant


class Organisation(SQLModel, table=True):
    """An agency's office of one region, or a bank; people and keys belong to one."""

    __tablename__ = "organisations"
    __table_args__ = (CheckConstraint("kind IN ('agency', 'bank')", name="organisation_kind"),)

    id: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(sa_type=Text)
    name_zh: str = Field(sa_type=Text)
    name_en: str = Field(sa_type=Text)
    # Of an agency: which agency of the state it is an office of; its lanes follow from that and may be more.
    agency_id: str | None = Field(default=None, foreign_key="agencies.id", sa_type=Text)
    lanes: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    # Six digits; 000000 is the nation.
    region: str = Field(sa_type=Text)
    # Of a bank: its USCC and the normal forms of the names under which it lends.
    uscc: str | None = Field(default=None, sa_type=Text)
    lender_names: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    invented: bool = False
    created_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class Account(SQLModel, table=True):
    """A person of an organisation; signs in with a password and a one-time code, or through an identity provider."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("state IN ('invited', 'active', 'ended')", name="account_state"),
        Index("accounts_identity", "identity_issuer", "identity_subject", unique=True),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    login: str = Field(sa_type=Text, unique=True)
    name: str = Field(sa_type=Text)
    email: str = Field(default="", sa_type=Text)
    organisation_id: str = Field(foreign_key="organisations.id", sa_type=Text)
    # At most the organisation's region; six digits.
    region: str = Field(sa_type=Text)
    language: str = Field(default="zh", sa_type=Text)
    state: str = Field(default="invited", sa_type=Text)
    # argon2id with its parameters; empty when this person signs in through a provider only.
    password_hash: str = Field(default="", sa_type=Text)
    password_set_at: datetime | None = Field(default=None, sa_type=Instant)
    must_change_password: bool = False
    # The secret of the one-time codes, sealed with the installation's key; none until it is set up.
    totp_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    # A secret that was shown and is not confirmed by a code yet.
    totp_pending: bytes | None = Field(default=None, sa_type=LargeBinary)
    # The step of the last code that was taken: none is taken twice.
    totp_last_step: int = Field(default=0, sa_type=BigInteger)
    identity_issuer: str | None = Field(default=None, sa_type=Text)
    identity_subject: str | None = Field(default=None, sa_type=Text)
    # A one-time invitation to link this account with an identity of the provider, by its hash.
    invitation_hash: bytes | None = Field(default=None, sa_type=LargeBinary, unique=True)
    invitation_ends: datetime | None = Field(default=None, sa_type=Instant)
    failures: int = 0
    locked_until: datetime | None = Field(default=None, sa_type=Instant)
    invented: bool = False
    created_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    # Who took over what was open when this person left.
    successor_id: int | None = Field(default=None, foreign_key="accounts.id", sa_type=BigInteger)
    # Rises with every change: an edit must name the one it saw.
    version: int = 1


class RoleGrant(SQLModel, table=True):
    """One role of one person for a time; a delegation is a grant of another person's role, always with an end."""

    __tablename__ = "role_grants"
    __table_args__ = (
        CheckConstraint("delegated_by IS NULL OR held_to IS NOT NULL", name="delegation_ends"),
        CheckConstraint("delegated_by IS NULL OR delegated_by <> account_id", name="delegation_to_another"),
        Index("role_grants_account", "account_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    account_id: int = Field(foreign_key="accounts.id", sa_type=BigInteger)
    role: str = Field(sa_type=Text)
    # Both days included, in China; the last may be open.
    held_from: date = Field(sa_type=Date)
    held_to: date | None = Field(default=None, sa_type=Date)
    delegated_by: int | None = Field(default=None, foreign_key="accounts.id", sa_type=BigInteger)
    granted_by: str = Field(sa_type=Text)
    reason: str = Field(default="", sa_type=Text)
    granted_at: datetime = Field(sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_by: str = Field(default="", sa_type=Text)


class SignIn(SQLModel, table=True):
    """A session of a browser: known by the hash of its secret, short, revocable."""

    __tablename__ = "sign_ins"
    __table_args__ = (Index("sign_ins_account", "account_id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    account_id: int = Field(foreign_key="accounts.id", sa_type=BigInteger)
    secret_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    method: str = Field(sa_type=Text)
    # "Firefox, Linux": enough to recognise one's own in a list.
    device: str = Field(default="", sa_type=Text)
    began_at: datetime = Field(sa_type=Instant)
    seen_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_by: str = Field(default="", sa_type=Text)
    # What credit in detail is read for during it, in its owner's words: none is shown before that is said.
    purpose: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": text("''")})


class RecoveryCode(SQLModel, table=True):
    """A code that replaces the one-time code once; kept as a hash."""

    __tablename__ = "recovery_codes"
    __table_args__ = (Index("recovery_codes_account", "account_id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    account_id: int = Field(foreign_key="accounts.id", sa_type=BigInteger)
    code_hash: str = Field(sa_type=Text)
    used_at: datetime | None = Field(default=None, sa_type=Instant)


class Proposal(SQLModel, table=True):
    """Something drafted by one person that another must approve: a rule, a publication, a merge."""

    __tablename__ = "proposals"
    __table_args__ = (
        ForeignKeyConstraint(["drafted_by"], ["accounts.id"]),
        ForeignKeyConstraint(["decided_by"], ["accounts.id"]),
        CheckConstraint("decided_by IS NULL OR decided_by <> drafted_by", name="two_people"),
        CheckConstraint("state IN ('open', 'approved', 'refused', 'withdrawn')", name="proposal_state"),
        CheckConstraint("(state IN ('approved', 'refused')) = (decided_by IS NOT NULL)", name="proposal_decided"),
        # Whoever took the work over, or acts for the drafter, or for whom the drafter acted, is no second person.
        CheckConstraint("decided_by IS NULL OR decided_by <> owner_id", name="owner_is_not_second"),
        CheckConstraint("NOT drafted_by = ANY(decided_for)", name="not_acting_for_drafter"),
        CheckConstraint("decided_by IS NULL OR NOT decided_by = ANY(drafted_for)", name="not_drafted_for_second"),
        Index("proposals_open", "kind", postgresql_where=text("state = 'open'")),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    kind: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    content: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    reason: str = Field(sa_type=Text)
    drafted_by: int = Field(sa_type=BigInteger)
    drafted_at: datetime = Field(sa_type=Instant)
    # Whose work it is now: the drafter's, until it is handed over.
    owner_id: int = Field(foreign_key="accounts.id", sa_type=BigInteger)
    state: str = Field(default="open", sa_type=Text)
    decided_by: int | None = Field(default=None, sa_type=BigInteger)
    # For whom they acted by delegation at that moment.
    drafted_for: list[int] = Field(default_factory=list, sa_type=ARRAY(BigInteger))
    decided_for: list[int] = Field(default_factory=list, sa_type=ARRAY(BigInteger))
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    decision: str = Field(default="", sa_type=Text)
    version: int = 1
