"""Alerts over the API: the inbox, one alert, acknowledging and snoozing; acting is for people who sign in."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from portal.api._idempotency import IdempotencyKey, answer_once
from portal.api._operations import Operation, needs
from portal.api._preconditions import IfMatch, seen_versions
from portal.viewing import viewing
from registry import clock
from registry.alerting.acting import LONGEST_REASON, Acting, act_on
from registry.alerting.alert_list import AlertFile, AlertFilter, AlertPage, Asleep, Desk, State, alert_file
from registry.alerting.alert_list import list_alerts as list_them
from registry.choices import check_choice
from registry.credit_reads import note_credit_read
from registry.viewers import Viewer

router = APIRouter(tags=["alerts"], route_class=Operation)

SNOOZE: Final[dict[str, Any]] = {"until": "2026-12-01T18:00:00+08:00", "reason": "等待地方补充材料"}


class Acknowledging(BaseModel):
    """That the desk has seen it; a word may be added."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "已派人核实"}]})

    reason: str = Field(default="", max_length=LONGEST_REASON)


class Snoozing(BaseModel):
    """Until when nobody is told, a month at most, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [SNOOZE]})

    until: datetime = Field(description="an instant with its zone")
    reason: str = Field(min_length=1, max_length=LONGEST_REASON)


class Acted(BaseModel):
    """The alert and its new version."""

    id: int
    version: int


@router.get("/alerts", summary="警报 · Alerts", openapi_extra=needs("read"))
async def alerts(
    request: Request,
    desk: Annotated[Desk, Query(description="mine: of the caller's organisation; none: without a desk")] = "mine",
    state: State | None = None,
    asleep: Annotated[Asleep | None, Query(description="snoozed or silenced")] = None,
    lane: str | None = None,
    severity: Annotated[str | None, Query(pattern=r"^(violation|warning)$")] = None,
    rule: str | None = None,
    province: Annotated[str | None, Query(pattern=r"^\d{2}$")] = None,
    project: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> AlertPage:
    """Alerts that the caller sees, newest first: of credit for finance alone."""
    async with viewing(request) as session:
        for name, value in (("lane", lane), ("province", province)):
            check_choice(name, value)
        wanted = AlertFilter(desk, state, lane, severity, rule, province, asleep, project)
        return await list_them(session, request.state.viewer, wanted, clock.now(), cursor=cursor, limit=limit)


@router.get("/alerts/{alert_id}", summary="一条警报 · An alert", openapi_extra=needs("read"))
async def alert(request: Request, alert_id: int) -> AlertFile:
    """One alert with findings, trail and deliveries; its ETag is wanted when acting on it."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        file = await alert_file(session, viewer, alert_id)
        await note_credit_read(session, viewer, "alert", str(alert_id), findings=file.findings)
    request.state.project_state = str(file.version)
    return file


@router.post(
    "/alerts/{alert_id}/acknowledge",
    summary="签收 · Acknowledge",
    response_model=Acted,
    openapi_extra=needs("read"),
)
async def acknowledge(
    request: Request,
    alert_id: int,
    body: Annotated[Acknowledging, Body()],
    idempotency_key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Say that the desk has seen it; it is not escalated any more."""
    return await _act(request, alert_id, body, Acting("acknowledge", body.reason), idempotency_key, if_match)


@router.post(
    "/alerts/{alert_id}/snooze",
    summary="搁置 · Snooze",
    response_model=Acted,
    openapi_extra=needs("read"),
)
async def snooze(
    request: Request,
    alert_id: int,
    body: Annotated[Snoozing, Body()],
    idempotency_key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Let nobody be told until an instant, with a reason."""
    until = body.until if body.until.tzinfo else body.until.replace(tzinfo=clock.CIVIL_ZONE)
    return await _act(request, alert_id, body, Acting("snooze", body.reason, until), idempotency_key, if_match)


async def _act(
    request: Request, alert_id: int, body: BaseModel, acting: Acting, key: str, if_match: str | None
) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        seen = seen_versions(if_match)[0]
        version = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 10 else 0
        whole = Acting(acting.act, acting.reason, acting.until, None if seen == "*" else version)

        async def work() -> Acted:
            return Acted(id=alert_id, version=await act_on(session, viewer, alert_id, whole, clock.now()))

        return await answer_once(session, viewer, f"POST /alerts/{alert_id}/{acting.act}", key, body, work)
