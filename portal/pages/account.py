"""One's own account: data, password, one-time codes, recovery codes, sign-ins, delegation to a colleague."""

import io
from datetime import date, timedelta
from typing import Any, Final

import segno
from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.alert_words import MODES, options, problem
from portal.language import _
from portal.people_words import METHODS, ROLES, said
from portal.rendering import render
from portal.signing import carry_out, field, form_page, number, own_path, to_sign_in
from portal.viewing import viewing
from registry import clock
from registry.account_writing import account_of, begin_codes, change_password, confirm_codes, renew_recovery_codes
from registry.accounts import must_set_up
from registry.alerting.wishes import wish_of
from registry.errors import BadInput, NotAllowed, ThreegatesError
from registry.granting import (
    Grant,
    colleagues_of,
    delegate_role,
    delegations_by,
    grants_of,
    revoke_grant,
    roles_today,
)
from registry.one_time_codes import address_of_secret, opened_secret
from registry.passwords import fits
from registry.reading import first, region_names
from registry.settings import settings
from registry.sign_ins import end_sign_in, end_sign_ins, open_sign_ins, say_purpose
from registry.viewers import NATION, Viewer

router = APIRouter()

JUST_NOW: Final = timedelta(minutes=10)
FIELDS: Final = (
    "old_password",
    "new_password",
    "code",
    "colleague",
    "role",
    "held_to",
    "reason",
    "own_password",
    "purpose",
    "mail",
)


@router.get("/account")
async def page(request: Request) -> Response:
    """The page."""
    return await _page(request)


async def again(request: Request, error: ThreegatesError) -> Response:
    """The page once more, with what was refused."""
    return await _page(request, error)


async def _page(request: Request, error: ThreegatesError | None = None) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind != "person":
            return to_sign_in(request)
        values = await _values(session, viewer)
    return form_page(request, "account.html", error, FIELDS, **values)


async def _values(session: AsyncSession, viewer: Viewer) -> dict[str, Any]:
    account = await account_of(session, viewer.account_id or 0)
    today = clock.today()
    grants = await grants_of(session, account["id"])
    roles = roles_today(grants, today)
    sign_ins = await open_sign_ins(session, account["id"], clock.now())
    here = next((one for one in sign_ins if one["id"] == viewer.sign_in_id), None)
    method = here["method"] if here else ""
    pending = account["totp_pending"]
    left = await first(
        session,
        "SELECT count(*) AS number FROM recovery_codes WHERE account_id = :id AND used_at IS NULL",
        id=account["id"],
    )
    own = {g["role"] for g in grants if g["delegated_by"] is None and g["revoked_at"] is None}
    return {
        "account": account,
        "wish": await wish_of(session, viewer),
        "mail_modes": options(MODES),
        "problem": problem,
        "mail_is_on": settings().smtp_host is not None,
        "region": await place_of(session, account["region"]),
        "roles": [(role, said(ROLES, role)) for role in roles],
        "reads_credit": bool(viewer.purpose or viewer.asks_purpose),
        "own_roles": [(role, said(ROLES, role)) for role in roles if role in own],
        "sign_ins": [{**one, "method": said(METHODS, one["method"])} for one in sign_ins],
        "set_up": must_set_up(
            method,
            frozenset(roles),
            must_change=account["must_change_password"],
            without_code=account["totp_sealed"] is None,
        ),
        "secret": opened_secret(bytes(pending), account["id"]) if pending is not None else None,
        "by_password": method == "password",
        "recovery_left": left["number"] if left else 0,
        "colleagues": [(str(one["id"]), one["name"]) for one in await colleagues_of(session, viewer)],
        "delegations": [
            {**one, "role": said(ROLES, one["role"])} for one in await delegations_by(session, viewer, today)
        ],
    }


@router.post("/account/purpose")
async def purpose(request: Request) -> Response:
    """Say what credit is read for during this sign-in, and go on where one was."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        await say_purpose(session, viewer, field(form, "purpose"))
        return RedirectResponse(own_path(field(form, "back")), 303)

    return await carry_out(request, work, lambda _form, error: _page(request, error))


@router.get("/account/codes.svg")
async def picture(request: Request) -> Response:
    """The QR code of the secret that is being set up, for its owner alone."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind != "person":
            return to_sign_in(request)
        account = await account_of(session, viewer.account_id or 0)
        pending = account["totp_pending"]
        secret = opened_secret(bytes(pending), account["id"]) if pending is not None else None
    if secret is None:
        return Response(status_code=404)
    drawn = io.BytesIO()
    segno.make(address_of_secret(secret, account["login"]), error="m").save(drawn, kind="svg", scale=5, light="white")
    return Response(drawn.getvalue(), media_type="image/svg+xml")


def _back(anchor: str = "") -> Response:
    return RedirectResponse(f"/account{anchor}", 303)


@router.post("/account/password")
async def password(request: Request) -> Response:
    """Change the password; every other sign-in ends."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        old, new = form.get("old_password"), form.get("new_password")
        await change_password(
            session,
            viewer,
            old if isinstance(old, str) else "",
            new if isinstance(new, str) else "",
            clock.now(),
            keep=viewer.sign_in_id,
        )
        return _back()

    return await carry_out(request, work, lambda _form, error: _page(request, error))


@router.post("/account/codes/new")
async def new_codes(request: Request) -> Response:
    """Show a new secret; where codes are in use already, only with the password."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        account = await account_of(session, viewer.account_id or 0)
        if account["totp_sealed"] is not None:
            await _prove(session, viewer, form)
        await begin_codes(session, viewer, anew=True)
        return _back("#codes")

    return await carry_out(request, work, lambda _form, error: _page(request, error))


@router.post("/account/codes")
async def codes(request: Request) -> Response:
    """Take the secret into use by its first code; the recovery codes are shown this once."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        shown = await confirm_codes(session, viewer, field(form, "code"), clock.now())
        return render(request, "recovery_codes.html", codes=shown)

    return await carry_out(request, work, lambda _form, error: _page(request, error))


@router.post("/account/recovery-codes")
async def recovery_codes(request: Request) -> Response:
    """New recovery codes in place of the old ones, shown this once."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        await _prove(session, viewer, form)
        return render(request, "recovery_codes.html", codes=await renew_recovery_codes(session, viewer))

    return await carry_out(request, work, lambda _form, error: _page(request, error))


async def _prove(session: AsyncSession, viewer: Viewer, form: FormData) -> None:
    given = form.get("own_password")
    account = await account_of(session, viewer.account_id or 0)
    if not await fits(account["password_hash"], given if isinstance(given, str) else ""):
        raise BadInput("The present password is not right.", where="own_password")


async def _prove_again(session: AsyncSession, viewer: Viewer, form: FormData) -> None:
    """Who signed in by password shows it again; who came through a provider must have come just now."""
    here = await first(session, "SELECT method, began_at FROM sign_ins WHERE id = :id", id=viewer.sign_in_id)
    if here is not None and here["method"] == "password":
        await _prove(session, viewer, form)
    elif here is None or here["began_at"] < clock.now() - JUST_NOW:
        raise NotAllowed(
            "This needs a fresh sign-in.", remedy="Sign out, sign in again, and end the others within ten minutes."
        )


@router.post("/account/sign-ins/end")
async def end(request: Request) -> Response:
    """End one sign-in, or all others."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        own, one = viewer.account_id or 0, number(form, "sign_in")
        await _prove_again(session, viewer, form)
        if one is None:
            await end_sign_ins(session, viewer, own, clock.now(), but=viewer.sign_in_id)
        else:
            await end_sign_in(session, viewer, own, one, clock.now())
        return _back("#sign-ins")

    return await carry_out(request, work, lambda _form, error: _page(request, error))


@router.post("/account/delegate")
async def delegate(request: Request) -> Response:
    """Let a colleague hold one of one's roles until a day."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        grant = Grant(
            number(form, "colleague") or 0,
            field(form, "role"),
            clock.today(),
            day(form, "held_to"),
            field(form, "reason")[:500],
        )
        await delegate_role(session, viewer, grant, clock.now())
        return _back("#delegation")

    return await carry_out(request, work, lambda _form, error: _page(request, error))


@router.post("/account/delegate/end")
async def end_delegation(request: Request) -> Response:
    """Take a delegated role back."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        # Only one's own, whatever else an administrator may revoke.
        own = {one["id"] for one in await delegations_by(session, viewer, clock.today())}
        wanted = number(form, "grant") or 0
        await revoke_grant(session, viewer, wanted if wanted in own else 0, "", clock.now())
        return _back("#delegation")

    return await carry_out(request, work, lambda _form, error: _page(request, error))


async def place_of(session: AsyncSession, region: str) -> str:
    """The name of a person's region with its code."""
    names = {NATION: _("全国"), **await region_names(session, [region])}
    return f"{names[region]} {region}" if region in names else region


def day(form: FormData, name: str) -> date | None:
    """A day of a form; None where it is empty."""
    text = field(form, name)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput("This is not a date.", where=name, remedy="Write it like 2014-06-01.") from None
