"""Keys of the programming interface: made by administrators, shown once, rotated, revoked."""

from datetime import timedelta
from typing import Final

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.pages.account import day
from portal.people_words import SCOPES, options, said
from portal.rendering import render
from portal.signing import carry_out, chosen, field, form_page, number, to_sign_in
from portal.viewing import viewing
from registry import clock
from registry.errors import BadInput, ThreegatesError
from registry.key_writing import NewKey, create_key, keys, revoke_key, rotate_key
from registry.organising import organisations
from registry.reading import end_of_day
from registry.viewers import Viewer

router = APIRouter()

FIELDS: Final = ("name", "organisation_id", "expires", "rate")


@router.get("/keys")
async def page(request: Request) -> Response:
    """The list and the form."""
    return await _page(request)


async def _page(request: Request, error: ThreegatesError | None = None, form: FormData | None = None) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind != "person":
            return to_sign_in(request)
        found = await keys(session, viewer)
        offices = await organisations(session, viewer)
    return form_page(
        request,
        "keys.html",
        error,
        FIELDS,
        keys=[
            {
                **one,
                "scopes": [said(SCOPES, scope) for scope in one["scopes"]],
                "ended": one["expires_at"] is not None and one["expires_at"] <= clock.now(),
            }
            for one in found
        ],
        organisations=[(one["id"], one["name_zh"]) for one in offices],
        scopes=options(SCOPES),
        values={name: field(form, name) for name in FIELDS}
        if form
        else {"rate": "600", "expires": (clock.today() + timedelta(days=180)).isoformat()},
        chosen=chosen(form, "scopes") if form else ("read",),
    )


@router.post("/keys")
async def create(request: Request) -> Response:
    """A new key, shown this once."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        last_day = day(form, "expires")
        if last_day is None:
            raise BadInput("A key ends within a year.", where="expires")
        new = NewKey(
            field(form, "name"),
            field(form, "organisation_id"),
            chosen(form, "scopes"),
            end_of_day(last_day),
            number(form, "rate") or 0,
        )
        key = await create_key(session, viewer, new, clock.now())
        return render(request, "shown_once.html", key=key, go_on="/keys")

    return await carry_out(request, work, lambda form, error: _page(request, error, form), permission="accounts")


@router.post("/keys/rotate")
async def rotate(request: Request) -> Response:
    """A new secret, shown this once; the old one holds for a day more."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        key = await rotate_key(session, viewer, number(form, "key") or 0, clock.now())
        return render(request, "shown_once.html", key=key, go_on="/keys")

    return await carry_out(request, work, lambda form, error: _page(request, error, form), permission="accounts")


@router.post("/keys/revoke")
async def revoke(request: Request) -> Response:
    """End a key now."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        await revoke_key(session, viewer, number(form, "key") or 0, clock.now())
        return RedirectResponse("/keys", 303)

    return await carry_out(request, work, lambda form, error: _page(request, error, form), permission="accounts")
