"""Reading credit in detail leaves an entry in the audit: who saw which records and findings, where, and why."""

from collections.abc import Iterable
from typing import Any, Final, Protocol

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.audience import CREDIT, CREDIT_ACTS, CREDIT_LANE
from registry.auditing import audit
from registry.viewers import Viewer

# A list longer than this is told by its number and its first ones; a page has fewer.
MOST_NAMED: Final = 1000


class ReadRecord(Protocol):
    """A record as a reading shows it."""

    @property
    def record_id(self) -> int: ...
    @property
    def act(self) -> str: ...


class ReadFinding(Protocol):
    """A finding as a reading shows it."""

    @property
    def fingerprint(self) -> str: ...
    @property
    def lane(self) -> str: ...
    @property
    def withheld(self) -> bool: ...


async def note_credit_read(
    session: AsyncSession,
    viewer: Viewer,
    subject_kind: str,
    subject: str,
    *,
    records: Iterable[ReadRecord] = (),
    findings: Iterable[ReadFinding] = (),
) -> None:
    """Enter that the viewer is shown credit, in the transaction that read it; nothing where none of it is credit."""
    seen: dict[str, list[Any]] = {
        "records": [one.record_id for one in records if one.act in CREDIT_ACTS],
        "findings": [
            one.fingerprint
            for one in findings
            if one.lane == CREDIT_LANE and not one.withheld and viewer.audience in CREDIT
        ],
    }
    shown: dict[str, Any] = {name: those[:MOST_NAMED] for name, those in seen.items() if those}
    shown |= {f"{name}_in_all": len(those) for name, those in seen.items() if len(those) > MOST_NAMED}
    if shown:
        await audit(session, viewer, "credit.read", subject_kind, subject, why=viewer.purpose, after=shown)
