"""Searching the audit: by person, action, subject, period and request, newest first, page by page."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.clock import CIVIL_ZONE
from registry.errors import BadInput
from registry.reading import BadCursor, first, number_of_cursor, read_cursor, rows, write_cursor

PAGE: Final = 50


@dataclass(frozen=True)
class AuditFilter:
    """What to look for; empty asks nothing. An action may be a thing ("credit"), its entries all begin with it."""

    actor: str = ""
    action: str = ""
    subject_kind: str = ""
    subject: str = ""
    request_id: str = ""
    from_day: date | None = None
    to_day: date | None = None

    def conditions(self) -> tuple[str, dict[str, Any]]:
        """The WHERE text and its binds."""
        asked: dict[str, tuple[str, Any]] = {
            "actor": ("e.actor = :actor", self.actor),
            "action": ("(e.action = :action OR starts_with(e.action, :action || '.'))", self.action),
            "subject_kind": ("e.subject_kind = :subject_kind", self.subject_kind),
            "subject": ("e.subject = :subject", self.subject),
            "request_id": ("e.request_id = :request_id", self.request_id),
            "since": ("e.at >= :since", _midnight(self.from_day)),
            "until": ("e.at < :until", _midnight(self.to_day, after=1)),
        }
        used = {name: pair for name, pair in asked.items() if pair[1]}
        where = " AND ".join(["true", *(condition for condition, _ in used.values())])
        return where, {name: value for name, (_, value) in used.items()}


class AuditLine(BaseModel):
    """One entry, with the batch that sealed it."""

    id: int
    at: datetime
    actor: str
    actor_kind: str
    organisation_id: str
    organisation_zh: str | None
    organisation_en: str | None
    action: str
    subject_kind: str
    subject: str
    why: str
    before: Any
    after: Any
    request_id: str
    batch: int | None


class AuditPage(BaseModel):
    """One page and the cursor of the next."""

    items: list[AuditLine]
    next_cursor: str | None = None


class ChainState(BaseModel):
    """How far the audit is sealed, anchored and verified, as the register notes it; `audit verify` proves it."""

    sealed_at: datetime | None
    sealed_batch: int | None
    anchored_at: datetime | None
    anchored_batch: int | None
    verified_at: datetime | None
    verified: dict[str, Any] | None


def _midnight(day: date | None, after: int = 0) -> datetime | None:
    if day is None:
        return None
    try:
        return datetime.combine(day + timedelta(days=after), time.min, tzinfo=CIVIL_ZONE)
    except OverflowError:
        raise BadInput("The day is too far away.", where="to", remedy="Choose a day of this century.") from None


async def search_audit(session: AsyncSession, wanted: AuditFilter, *, cursor: str = "", limit: int = PAGE) -> AuditPage:
    """A page of entries, newest first; row-level security withholds those of other organisations."""
    where, binds = wanted.conditions()
    if cursor:
        at, number = read_cursor(cursor, 2)
        try:
            binds |= {"at": datetime.fromisoformat(at), "number": number_of_cursor(number)}
        except (TypeError, ValueError):
            raise BadCursor from None
        where += " AND (e.at, e.id) < (:at, :number)"
    found = await rows(
        session,
        f"""
        SELECT e.*, s.batch, o.name_zh AS organisation_zh, o.name_en AS organisation_en FROM audit_entries AS e
        LEFT JOIN audit_seals AS s ON s.entry_id = e.id LEFT JOIN organisations AS o ON o.id = e.organisation_id
        WHERE {where} ORDER BY e.at DESC, e.id DESC LIMIT {int(limit) + 1}
        """,
        **binds,
    )
    items = [AuditLine(**row) for row in found[:limit]]
    more = len(found) > limit
    return AuditPage(items=items, next_cursor=write_cursor(items[-1].at.isoformat(), items[-1].id) if more else None)


async def chain_state(session: AsyncSession) -> ChainState:
    """How far the chain is."""
    sealed = await first(session, "SELECT number, sealed_at FROM audit_batches ORDER BY number DESC LIMIT 1")
    anchored = await first(session, "SELECT value FROM register_facts WHERE name = 'audit_anchor'")
    verified = await first(session, "SELECT value FROM register_facts WHERE name = 'audit_verified'")
    return ChainState(
        sealed_at=sealed and sealed["sealed_at"],
        sealed_batch=sealed and sealed["number"],
        anchored_at=anchored and datetime.fromisoformat(anchored["value"]["at"]),
        anchored_batch=anchored and anchored["value"]["batch"],
        verified_at=verified and datetime.fromisoformat(verified["value"]["at"]),
        verified=verified and verified["value"],
    )
