"""Webhooks of the organisations that an administrator runs: add, test, renew the secret, pause, enable, remove."""

from typing import Any, Final

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from jobs.requesting import ping
from portal import alert_words
from portal.rendering import render
from portal.signing import carry_out, chosen, errors_of, field, number, to_sign_in
from portal.viewing import viewing
from registry import clock
from registry.alerting.webhooks import NewWebhook, add_webhook, renew_secret, set_state, webhook_of, webhooks
from registry.auditing import audit
from registry.errors import BadInput, ThreegatesError
from registry.organising import organisations
from registry.viewers import Viewer

router = APIRouter()

FIELDS: Final = ("name", "organisation_id", "url", "kinds")
# The button of a form -> the state that it leads to.
STATE_OF: Final = {"enable": "active", "pause": "paused", "remove": "removed"}


@router.get("/webhooks")
async def page(request: Request) -> Response:
    """The page."""
    return await _page(request)


async def _page(
    request: Request, error: ThreegatesError | None = None, form: FormData | None = None, tried: Any = None
) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind != "person":
            return to_sign_in(request)
        viewer.require("accounts")
        found = await webhooks(session)
        offered = await organisations(session, viewer)
    errors, general = errors_of(error, FIELDS)
    return render(
        request,
        "webhooks.html",
        status=error.status if error else 200,
        webhooks=found,
        organisations=[(row["id"], row["name_zh"]) for row in offered],
        words_of=alert_words,
        values={name: field(form, name) for name in FIELDS} if form else {},
        ticked=chosen(form, "kinds") if form else (),
        errors=errors,
        general=general,
        tried=tried,
    )


@router.post("/webhooks")
async def add(request: Request) -> Response:
    """A new webhook; its secret is shown this once."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        new = NewWebhook(field(form, "organisation_id"), field(form, "name"), field(form, "url"), chosen(form, "kinds"))
        _number, secret = await add_webhook(session, viewer, new, clock.now())
        return render(request, "shown_once.html", key=secret, go_on="/webhooks")

    return await carry_out(request, work, lambda form, error: _page(request, error, form), permission="accounts")


@router.post("/webhooks/{webhook_id:int}")
async def change(request: Request, webhook_id: int) -> Response:
    """Renew its secret, pause, enable or remove it."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        act = field(form, "act")
        if act == "renew":
            secret = await renew_secret(session, viewer, webhook_id, clock.now())
            return render(request, "shown_once.html", key=secret, go_on="/webhooks")
        if act not in STATE_OF:
            raise BadInput("There is no such act.", where="act")
        await set_state(session, viewer, webhook_id, STATE_OF[act], clock.now(), seen=number(form, "version"))
        return RedirectResponse("/webhooks", 303)

    return await carry_out(request, work, lambda form, error: _page(request, error, form), permission="accounts")


@router.post("/webhooks/{webhook_id:int}/test")
async def test(request: Request, webhook_id: int) -> Response:
    """Send a test and show what the receiver says."""
    tried: dict[str, Any] = {}

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        found = await webhook_of(session, viewer, webhook_id)
        outcome = await ping(found, clock.now())
        await audit(
            session, viewer, "webhook.try", "webhook", str(webhook_id),
            after={"outcome": outcome.problem or "sent", "code": outcome.code},
        )  # fmt: skip
        tried.update(id=webhook_id, name=found["name"], outcome=outcome)
        return Response()

    answer = await carry_out(request, work, lambda form, error: _page(request, error, form), permission="accounts")
    return await _page(request, tried=tried) if tried else answer
