"""The audit for auditors: who did or read what, when and why; the state of its chain; a table to take along."""

from datetime import date
from typing import Any, Final

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from portal.audit_words import action_words, differences, thing_words
from portal.csv_tables import csv_table
from portal.language import _, current_language
from portal.rendering import render
from portal.viewing import viewing
from registry.audit_digests import COLUMNS
from registry.audit_search import AuditFilter, AuditLine, chain_state, search_audit
from registry.auditing import audit
from registry.errors import BadInput

router = APIRouter()

# Whoever needs more asks for a shorter period.
MOST_EXPORTED: Final = 20_000
EXPORTED: Final = (*COLUMNS, "batch")


def _day(text: str, name: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput("This is not a date.", where=name, remedy="Write it as 2026-03-01.") from None


def _wanted(request: Request) -> AuditFilter:
    asked = {name: value.strip() for name, value in request.query_params.items() if "\x00" not in value}
    return AuditFilter(
        actor=asked.get("actor", ""),
        action=asked.get("action", ""),
        subject_kind=asked.get("subject_kind", ""),
        subject=asked.get("subject", ""),
        request_id=asked.get("request_id", ""),
        from_day=_day(asked.get("from", ""), "from"),
        to_day=_day(asked.get("to", ""), "to"),
    )


def _asked(wanted: AuditFilter) -> dict[str, Any]:
    values = {name: getattr(wanted, name) for name in wanted.__dataclass_fields__}
    return {name: str(value) for name, value in values.items() if value}


async def _note(session: AsyncSession, request: Request, action: str, wanted: AuditFilter, shown: int) -> None:
    await audit(session, request.state.viewer, action, "audit", after={**_asked(wanted), "shown": shown})


@router.get("/audit")
async def audit_page(request: Request, cursor: str = "") -> Response:
    """The list, newest first; that it was read is an entry of its own."""
    async with viewing(request) as session:
        request.state.viewer.require("audit")
        wanted = _wanted(request)
        page = await search_audit(session, wanted, cursor=cursor)
        chain = await chain_state(session)
        await _note(session, request, "audit.read", wanted, len(page.items))
    return render(
        request,
        "audit.html",
        page=page,
        wanted=wanted,
        chain=chain,
        action_words=action_words,
        thing_words=thing_words,
        differences=differences,
        verified_words=_verified_words(chain.verified),
    )


@router.get("/audit.csv")
async def audit_table(request: Request) -> Response:
    """The same entries as a table; texts that a spreadsheet would take for formulas are marked as texts."""
    lines: list[AuditLine] = []
    async with viewing(request) as session:
        request.state.viewer.require("audit")
        wanted = _wanted(request)
        page = await search_audit(session, wanted, limit=MOST_EXPORTED)
        lines = page.items
        if page.next_cursor:
            raise BadInput(
                "These are more entries than one table takes.",
                where="from",
                remedy=f"Choose a shorter period; up to {MOST_EXPORTED} entries are exported at once.",
            )
        await _note(session, request, "audit.export", wanted, len(lines))
    return csv_table("audit.csv", EXPORTED, lines)


def _verified_words(said: dict[str, Any] | None) -> str:
    if said is None:
        return ""
    if said["holds"]:
        return _("完好：{entries} 条记录，{anchors} 个锚定", entries=said["entries"], anchors=said["anchors"])
    message = said["breach"]["message_zh" if current_language() == "zh" else "message"]
    return _("被篡改：批次 {batch}。{said}", batch=said["breach"]["batch"], said=message)
