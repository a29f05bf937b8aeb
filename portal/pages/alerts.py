"""The inbox of alerts with its filters and counts, acknowledging several at once, and one alert's page."""

from datetime import date, datetime, time
from typing import Any, Final, cast

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import alert_words
from portal.choosing import sort_out
from portal.rendering import render
from portal.signing import carry_out, chosen, errors_of, field, number, own_path, to_sign_in
from portal.viewing import viewing
from portal.words import choices, rule_choices
from registry import clock
from registry.alerting.acting import ACTS, Acting, act_on
from registry.alerting.alert_list import AlertFilter, alert_file, list_alerts
from registry.clock import CIVIL_ZONE
from registry.credit_reads import note_credit_read
from registry.errors import BadInput, ThreegatesError
from registry.viewers import Viewer

router = APIRouter()

FIELDS: Final = ("act", "until", "reason", "alert")
MOST_AT_ONCE: Final = 50


@router.get("/alerts")
async def alerts(
    request: Request,
    desk: str = "mine",
    state: str = "open",
    asleep: str = "no",
    lane: str = "",
    severity: str = "",
    rule: str = "",
    province: str = "",
    cursor: str = "",
    done: int = 0,
) -> Response:
    """The inbox: what lies on the viewer's desk, newest first."""
    asked = {"desk": desk, "state": state, "asleep": asleep, "lane": lane}
    asked |= {"severity": severity, "rule": rule, "province": province}
    return await _inbox(request, asked, cursor=cursor, done=done)


async def _inbox(
    request: Request,
    asked: dict[str, str],
    *,
    cursor: str = "",
    done: int = 0,
    error: ThreegatesError | None = None,
    form: FormData | None = None,
) -> Response:
    every = [("any", "")]
    tables = {
        "desk": alert_words.options(alert_words.DESKS),
        "state": [*alert_words.options(alert_words.STATES), *every],
        "asleep": [*alert_words.options(alert_words.ASLEEP), *every],
        "severity": alert_words.options(alert_words.SEVERITIES),
        "lane": choices("lane"),
        "rule": rule_choices(),
        "province": choices("province"),
    }
    kept, unknown = sort_out({name: (value,) for name, value in asked.items() if value}, tables)
    said = {name: values[0] for name, values in kept.items()}
    wanted = AlertFilter(
        desk=cast("Any", said.get("desk", "mine")),
        state=cast("Any", None if said.get("state") == "any" else said.get("state", "open")),
        asleep=cast("Any", None if said.get("asleep") == "any" else said.get("asleep", "no")),
        lane=said.get("lane"),
        severity=said.get("severity"),
        rule=said.get("rule"),
        province=said.get("province"),
    )
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind == "public":
            return to_sign_in(request)
        page = await list_alerts(session, viewer, wanted, clock.now(), cursor=cursor)
    errors, general = errors_of(error, FIELDS)
    return render(
        request,
        "alerts.html",
        status=error.status if error else 200,
        page=page,
        wanted=wanted,
        errors=unknown | errors,
        general=general,
        done=done,
        words_of=alert_words,
        marked=set(chosen(form, "alert")) if form else set(),
        values={name: field(form, name) for name in FIELDS} if form else {},
        may_act=viewer.may("decide") and viewer.kind == "person",
    )


@router.post("/alerts")
async def act_on_several(request: Request) -> Response:
    """Acknowledge or snooze those that are ticked; all or, where one cannot be, none."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        ticked = [int(one) for one in chosen(form, "alert") if one.isascii() and one.isdecimal() and len(one) < 19]
        if not ticked:
            raise BadInput("Tick at least one alert.", where="alert")
        if len(ticked) > MOST_AT_ONCE:
            raise BadInput("At most 50 alerts at once.", where="alert")
        acting = _acting(form)
        # One order for everybody, so that two never wait for each other.
        for alert in sorted(set(ticked)):
            await act_on(session, viewer, alert, acting, clock.now())
        back = own_path(field(form, "back") or "/alerts")
        joined = "&" if "?" in back else "?"
        return RedirectResponse(f"{back}{joined}done={len(set(ticked))}", 303)

    async def again(form: FormData, error: ThreegatesError) -> Response:
        return await _inbox(request, {"desk": "mine"}, error=error, form=form)

    return await carry_out(request, work, again)


@router.get("/alerts/{alert_id:int}")
async def alert(request: Request, alert_id: int) -> Response:
    """One alert under its stable address."""
    return await _alert(request, alert_id)


async def _alert(
    request: Request, alert_id: int, error: ThreegatesError | None = None, form: FormData | None = None
) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind == "public":
            return to_sign_in(request)
        found = await alert_file(session, viewer, alert_id)
        await note_credit_read(session, viewer, "alert", str(alert_id), findings=found.findings)
    errors, general = errors_of(error, FIELDS)
    return render(
        request,
        "alert.html",
        status=error.status if error else 200,
        alert=found,
        words_of=alert_words,
        errors=errors,
        general=general,
        values={name: field(form, name) for name in FIELDS} if form else {},
        may_act=viewer.may("decide") and viewer.kind == "person" and found.state != "closed",
        asleep=found.silenced or (found.snoozed_until is not None and found.snoozed_until > clock.now()),
    )


@router.post("/alerts/{alert_id:int}")
async def act(request: Request, alert_id: int) -> Response:
    """Acknowledge it, let it sleep, or wake it."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        await act_on(session, viewer, alert_id, _acting(form, number(form, "version")), clock.now())
        return RedirectResponse(f"/alerts/{alert_id}", 303)

    return await carry_out(request, work, lambda form, error: _alert(request, alert_id, error, form))


def _acting(form: FormData, seen: int | None = None) -> Acting:
    act = field(form, "act")
    if act not in ACTS:
        raise BadInput("There is no such act.", where="act")
    until = field(form, "until") if act in ("snooze", "silence") else ""
    return Acting(act, field(form, "reason"), end_of(until) if until else None, seen)


def end_of(said: str) -> datetime:
    """The end of a day that a form names."""
    try:
        day = date.fromisoformat(said)
    except ValueError:
        raise BadInput("This is not a date.", where="until", remedy="Write it like 2014-06-01.") from None
    return datetime.combine(day, time(23, 59, 59), tzinfo=CIVIL_ZONE)
