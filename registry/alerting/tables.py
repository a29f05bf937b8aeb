"""Alerts with their findings and trail, silences, announcements, their deliveries, people's wishes, webhooks."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, Identity, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import BigInteger, Field, SQLModel

from registry.history import Instant


class Alert(SQLModel, table=True):
    """One episode of one topic (a project, else what stands for it) under one rule, for one desk; /alerts/{id}.

    `topic` is "project:17", else "suspected:3", else "enterprise:8", else "record:12" (the finding's subject).
    """

    __tablename__ = "alerts"
    __table_args__ = (
        # The one that is not closed: however often the rule is triggered, there is one.
        Index("alerts_standing", "topic", "rule", unique=True, postgresql_where=text("state <> 'closed'")),
        Index("alerts_episode", "topic", "rule", "episode", unique=True),
        Index("alerts_desk", "organisation_id", "state", "opened_at"),
        Index("alerts_project", "project_id"),
        Index("alerts_suspected", "suspected_id"),
        Index("alerts_newest", "opened_at", "id"),
        Index("alerts_escalating", "escalate_at", postgresql_where=text("state = 'open'")),
        CheckConstraint("state IN ('open', 'acknowledged', 'in_case', 'closed')", name="alert_state"),
        CheckConstraint("snoozed_until IS NULL OR snooze_reason <> ''", name="alert_snooze_reason"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    topic: str = Field(sa_type=Text)
    rule: str = Field(sa_type=Text)
    episode: int = 1
    lane: str = Field(sa_type=Text)
    severity: str = Field(sa_type=Text)  # the highest of its findings that hold: violation, warning
    project_id: int | None = Field(default=None, foreign_key="projects.id", sa_type=BigInteger)
    suspected_id: int | None = Field(default=None, foreign_key="suspected_projects.id", sa_type=BigInteger)
    enterprise_id: int | None = Field(default=None, foreign_key="enterprises.id", sa_type=BigInteger)
    sector: str | None = Field(default=None, sa_type=Text)
    region: str | None = Field(default=None, sa_type=Text)
    synthetic: bool = False
    findings_open: int = 0
    findings_total: int = 0
    # Who has the duty (agencies.id of today, who stands for it where it has no offices), and the desk that follows.
    duty_holder: str = Field(default="", sa_type=Text)
    organisation_id: str | None = Field(default=None, foreign_key="organisations.id", sa_type=Text)
    routed_by: str = Field(default="", sa_type=Text)  # region, national, lane, none
    state: str = Field(default="open", sa_type=Text)
    closed_reason: str = Field(default="", sa_type=Text)  # findings-closed, dismissed, moved, case-closed
    opened_at: datetime = Field(sa_type=Instant)
    changed_at: datetime = Field(sa_type=Instant)
    acknowledged_at: datetime | None = Field(default=None, sa_type=Instant)
    acknowledged_by: str = Field(default="", sa_type=Text)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    owner_id: int | None = Field(default=None, foreign_key="accounts.id", sa_type=BigInteger)
    # The case that took it over.
    case_id: int | None = Field(default=None, foreign_key="cases.id", sa_type=BigInteger, index=True)
    snoozed_until: datetime | None = Field(default=None, sa_type=Instant)
    snooze_reason: str = Field(default="", sa_type=Text)
    silence_id: int | None = Field(default=None, foreign_key="alert_silences.id", sa_type=BigInteger)
    # When somebody above is told unless it is acknowledged by then; None: it cannot go higher.
    escalate_at: datetime | None = Field(default=None, sa_type=Instant)
    escalations: int = 0
    escalated_to: str | None = Field(default=None, foreign_key="organisations.id", sa_type=Text)
    version: int = 1


class AlertFinding(SQLModel, table=True):
    """One episode of one finding in the alert that tells of it; a finding is in one at a time."""

    __tablename__ = "alert_findings"
    __table_args__ = (Index("alert_findings_alert", "alert_id"),)

    fingerprint: str = Field(primary_key=True, sa_type=Text)
    episode: int = Field(primary_key=True)
    alert_id: int = Field(foreign_key="alerts.id", sa_type=BigInteger)
    severity: str = Field(sa_type=Text)
    holds: bool = True  # open and not dismissed
    added_at: datetime = Field(sa_type=Instant)


class AlertEvent(SQLModel, table=True):
    """What happened to an alert, in order; nothing is taken out."""

    __tablename__ = "alert_events"
    __table_args__ = (Index("alert_events_alert", "alert_id", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    alert_id: int = Field(foreign_key="alerts.id", sa_type=BigInteger)
    at: datetime = Field(sa_type=Instant)
    kind: str = Field(sa_type=Text)
    actor: str = Field(default="", sa_type=Text)  # empty: the register itself
    organisation_id: str = Field(default="", sa_type=Text)
    reason: str = Field(default="", sa_type=Text)
    content: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)


class AlertSilence(SQLModel, table=True):
    """A topic and rule of which nobody is told until an end: with a reason, for later episodes too."""

    __tablename__ = "alert_silences"
    __table_args__ = (
        Index("alert_silences_topic", "topic", "rule"),
        CheckConstraint("reason <> ''", name="alert_silence_reason"),
        CheckConstraint("ends_at > began_at", name="alert_silence_ends"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    topic: str = Field(sa_type=Text)
    rule: str = Field(sa_type=Text)
    organisation_id: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    began_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    made_by: str = Field(sa_type=Text)
    lifted_at: datetime | None = Field(default=None, sa_type=Instant)
    lifted_by: str = Field(default="", sa_type=Text)


class Announcement(SQLModel, table=True):
    """Something that people are to be told: an event, once; `key` says what makes it the same event."""

    __tablename__ = "announcements"
    __table_args__ = (
        Index("announcements_waiting", "id", postgresql_where=text("spread_at IS NULL")),
        Index("announcements_organisation", "organisation_id", "id"),
        Index("announcements_alert", "alert_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    key: str = Field(unique=True, sa_type=Text)
    kind: str = Field(sa_type=Text)  # alert.opened, case.task.assigned, …: registry/alerting/kinds.yml
    at: datetime = Field(sa_type=Instant)
    # What it is about: kind, name and the page of the portal. Nothing confidential: this goes into mails.
    subject_kind: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    path: str = Field(sa_type=Text)
    # For a desk, for persons, or for both. No foreign key: what happened is not undone by who is to be told.
    organisation_id: str | None = Field(default=None, sa_type=Text)
    account_ids: list[int] = Field(default_factory=list, sa_type=ARRAY(BigInteger))
    alert_id: int | None = Field(default=None, foreign_key="alerts.id", sa_type=BigInteger)
    rule: str = Field(default="", sa_type=Text)
    lane: str = Field(default="", sa_type=Text)
    severity: str = Field(default="", sa_type=Text)
    region: str | None = Field(default=None, sa_type=Text)
    content: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    # When its deliveries were written; until then a job has to.
    spread_at: datetime | None = Field(default=None, sa_type=Instant)


class Delivery(SQLModel, table=True):
    """One announcement to one recipient by one channel; `message_key` is the idempotency key of what is sent.

    Several for one person go as one mail: they share the message key, which stays theirs when it is sent again.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("deliveries_once", "announcement_id", "channel", "recipient", unique=True),
        Index("deliveries_due", "channel", "due_at", "id", postgresql_where=text("state = 'pending'")),
        Index("deliveries_message", "message_key"),
        Index("deliveries_organisation", "organisation_id", "id"),
        CheckConstraint("channel IN ('mail', 'webhook')", name="delivery_channel"),
        CheckConstraint("state IN ('pending', 'sent', 'given_up', 'dropped')", name="delivery_state"),
        CheckConstraint("(channel = 'mail') = (account_id IS NOT NULL)", name="delivery_account"),
        CheckConstraint("(channel = 'webhook') = (webhook_id IS NOT NULL)", name="delivery_webhook"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    announcement_id: int = Field(foreign_key="announcements.id", sa_type=BigInteger)
    channel: str = Field(sa_type=Text)
    recipient: str = Field(sa_type=Text)  # "account:7", "webhook:2": never an address
    account_id: int | None = Field(default=None, foreign_key="accounts.id", sa_type=BigInteger)
    webhook_id: int | None = Field(default=None, foreign_key="webhooks.id", sa_type=BigInteger)
    organisation_id: str = Field(default="", sa_type=Text)  # whose delivery it is
    mode: str = Field(default="immediate", sa_type=Text)  # immediate, hourly, daily
    message_key: str = Field(default="", sa_type=Text)
    state: str = Field(default="pending", sa_type=Text)
    due_at: datetime = Field(sa_type=Instant)
    attempts: int = 0
    problem: str = Field(default="", sa_type=Text)  # a word of registry.alerting.words, why it is not sent
    settled_at: datetime | None = Field(default=None, sa_type=Instant)


class DeliveryAttempt(SQLModel, table=True):
    """One try at one message: what the other side said."""

    __tablename__ = "delivery_attempts"
    __table_args__ = (Index("delivery_attempts_message", "message_key", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    message_key: str = Field(sa_type=Text)
    organisation_id: str = Field(default="", sa_type=Text)
    at: datetime = Field(sa_type=Instant)
    took_ms: int = 0
    outcome: str = Field(sa_type=Text)  # sent, or the word of the problem
    code: int | None = None  # of SMTP or HTTP
    deliveries: int = 1


class NotificationWish(SQLModel, table=True):
    """How one person wants to be told; without a row the defaults of registry.alerting.wishes hold."""

    __tablename__ = "notification_wishes"
    __table_args__ = (CheckConstraint("mail IN ('immediate', 'hourly', 'daily', 'off')", name="wish_mail"),)

    account_id: int = Field(primary_key=True, foreign_key="accounts.id", sa_type=BigInteger)
    mail: str = Field(default="immediate", sa_type=Text)
    warnings: bool = True  # alerts that are warnings only, too
    # The secret address of the person's Atom feed, by its hash; None: there is none.
    feed_hash: bytes | None = Field(default=None, sa_type=LargeBinary, unique=True)
    feed_made_at: datetime | None = Field(default=None, sa_type=Instant)
    # Mail to the account's address comes back: since when, and the word why. Changing the address lifts it.
    bouncing_since: datetime | None = Field(default=None, sa_type=Instant)
    bounce: str = Field(default="", sa_type=Text)
    version: int = 1


class Webhook(SQLModel, table=True):
    """An address of an organisation that is told by signed requests; its secret is sealed and shown once."""

    __tablename__ = "webhooks"
    __table_args__ = (
        Index("webhooks_organisation", "organisation_id"),
        CheckConstraint("state IN ('active', 'paused', 'disabled', 'removed')", name="webhook_state"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    organisation_id: str = Field(foreign_key="organisations.id", sa_type=Text)
    name: str = Field(sa_type=Text)
    url: str = Field(sa_type=Text)
    kinds: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))  # empty: all
    secret_sealed: bytes = Field(sa_type=LargeBinary)
    # The secret before the last change: both sign until its end, so that the receiver can change over.
    previous_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    previous_until: datetime | None = Field(default=None, sa_type=Instant)
    state: str = Field(default="active", sa_type=Text)
    problem: str = Field(default="", sa_type=Text)  # the word of the last failure, while there is one
    failures: int = 0  # failed tries one after the other
    rests_until: datetime | None = Field(default=None, sa_type=Instant)  # after a failure nothing is sent for a while
    succeeded_at: datetime | None = Field(default=None, sa_type=Instant)
    failed_at: datetime | None = Field(default=None, sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
    created_by: str = Field(sa_type=Text)
    version: int = 1
