"""Writing to the audit: one call in the transaction of the act."""

from contextvars import ContextVar
from typing import Any, Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import clock
from registry.database import json_text
from registry.viewers import Viewer

# Set around a request, so that all entries of one request can be found together.
REQUEST_ID: Final[ContextVar[str]] = ContextVar("threegates_request_id", default="")

_WRITE: Final = text(
    """
    INSERT INTO audit_entries (at, actor, actor_kind, organisation_id, action, subject_kind, subject, why,
        before, after, request_id)
    VALUES (:at, :actor, :actor_kind, :organisation, :action, :subject_kind, :subject, :why,
        CAST(CAST(:before AS text) AS jsonb), CAST(CAST(:after AS text) AS jsonb), :request_id)
    """
)


async def audit(
    session: AsyncSession,
    viewer: Viewer,
    action: str,
    subject_kind: str = "",
    subject: str = "",
    *,
    why: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Add an entry: `action` is a verb with its thing ("project.correct", "credit.read"); no secret goes into it."""
    await (await session.connection()).execute(
        _WRITE,
        {
            "at": clock.now(),
            "actor": viewer.actor,
            "actor_kind": viewer.kind,
            "organisation": viewer.organisation_id,
            "action": action,
            "subject_kind": subject_kind,
            "subject": subject,
            "why": why,
            "before": None if before is None else json_text(before),
            "after": None if after is None else json_text(after),
            "request_id": REQUEST_ID.get(),
        },
    )
