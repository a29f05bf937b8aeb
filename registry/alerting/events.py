"""Announcing: one call in the transaction of what happened; a job tells the people it is for, by their channels."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.kinds import KINDS
from registry.database import json_text

# Naming the key at ON CONFLICT would ask to read the row, and what is for another desk its announcer does not see.
_ANNOUNCE: Final = text(
    """
    INSERT INTO announcements (key, kind, at, subject_kind, subject, path, organisation_id, account_ids, rule, lane,
        severity, region, content)
    VALUES (:key, :kind, :at, :subject_kind, :subject, :path, :organisation, :accounts, :rule, :lane, :severity,
        :region, CAST(CAST(:content AS text) AS jsonb))
    ON CONFLICT DO NOTHING
    """
).bindparams(bindparam("accounts", type_=ARRAY(BigInteger)))


@dataclass(frozen=True, slots=True)
class Happened:
    """An event for a desk (`organisation_id`), for persons (`account_ids`), or for both.

    `key` says what makes it the same event ("case.task.overdue:17:2026-11-21"): it is told once.
    `path` is the page of the portal that shows it. `zh` and `en` say in one line what it is; they go into mails,
    so they hold nothing confidential: no amount, no lender, no person.
    """

    kind: str
    key: str
    subject_kind: str
    subject: str
    path: str
    zh: str
    en: str
    organisation_id: str | None = None
    account_ids: tuple[int, ...] = ()
    region: str | None = None
    rule: str = ""
    lane: str = ""
    severity: str = ""
    content: dict[str, Any] = field(default_factory=dict)


async def announce(session: AsyncSession, happened: Happened, at: datetime) -> None:
    """Let people be told of something, once; commits with the caller's transaction or not at all."""
    if happened.kind not in KINDS:
        raise ValueError(f"registry.alerting.kinds does not know {happened.kind!r}")
    if not happened.organisation_id and not happened.account_ids:
        raise ValueError(f"nobody is to be told of {happened.key!r}")
    await (await session.connection()).execute(
        _ANNOUNCE,
        {
            "key": happened.key,
            "kind": happened.kind,
            "at": at,
            "subject_kind": happened.subject_kind,
            "subject": happened.subject,
            "path": happened.path,
            "organisation": happened.organisation_id,
            "accounts": sorted(set(happened.account_ids)),
            "rule": happened.rule,
            "lane": happened.lane,
            "severity": happened.severity,
            "region": happened.region,
            "content": json_text({**happened.content, "zh": happened.zh, "en": happened.en}),
        },
    )
