"""Keys of the desk: a key made in the browser or by the command is added, confirmed by a second person, ended."""

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from portal.pages.tips import key_groups
from portal.rendering import render
from portal.signing import carry_out, errors_of, field, step_named, to_sign_in
from portal.viewing import viewing
from registry import clock
from registry.errors import NotFound, ThreegatesError
from registry.reading import first
from registry.tips.desk_keys import add_key, confirm_key, end_key, open_desk, read_keys
from registry.tips.desks import read_desks
from registry.viewers import Viewer

router = APIRouter()

FIELDS: Final = ("recipient", "group", "fingerprint", "why")


@router.get("/tip-keys")
async def keys(request: Request) -> Response:
    """The keys of the viewer's desk."""
    return await _page(request)


async def _page(request: Request, error: ThreegatesError | None = None) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind != "person":
            return to_sign_in(request)
        if not viewer.may("decide"):
            viewer.require("accounts")
        desk = await first(
            session, "SELECT two_people, until FROM tip_desks WHERE organisation_id = :id", id=viewer.organisation_id
        )
        found = await read_keys(session, viewer.organisation_id)
    errors, general = errors_of(error, FIELDS)
    return render(
        request, "tip_keys.html", status=error.status if error else 200, desk=desk, keys=found, errors=errors,
        general=general,
    )  # fmt: skip


@router.get("/tip-keys/{organisation_id}.json")
async def groups(request: Request, organisation_id: str) -> Response:
    """A desk's present public keys, for `threegates tips reseal` and `answer`; public."""
    async with viewing(request) as session:
        desk = next((one for one in await read_desks(session) if one.id == organisation_id), None)
    if desk is None:
        raise NotFound("There is no such desk.", where=organisation_id)
    return JSONResponse(key_groups(desk))


Step = Callable[[AsyncSession, Viewer, FormData], Awaitable[object]]


async def _open(session: AsyncSession, viewer: Viewer, form: FormData) -> None:
    two = field(form, "people") == "two"
    await open_desk(session, viewer, viewer.organisation_id, clock.today(), two_people=two)


async def _add(session: AsyncSession, viewer: Viewer, form: FormData) -> None:
    viewer.require("decide")
    key = (viewer.organisation_id, field(form, "group") or "A", field(form, "recipient"), viewer.account_id or 0)
    await add_key(session, viewer, key, clock.today())


async def _confirm(session: AsyncSession, viewer: Viewer, form: FormData) -> None:
    viewer.require("decide")
    await confirm_key(session, viewer, viewer.organisation_id, field(form, "fingerprint"))


async def _end(session: AsyncSession, viewer: Viewer, form: FormData) -> None:
    viewer.require("decide")
    await end_key(
        session, viewer, viewer.organisation_id, field(form, "fingerprint"), field(form, "why"), clock.today()
    )


STEPS: Final[dict[str, Step]] = {"open": _open, "add": _add, "confirm": _confirm, "end": _end}


@router.post("/tip-keys")
async def act(request: Request) -> Response:
    """Carry out the step that a form names."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        await step_named(STEPS, form)(session, viewer, form)
        return RedirectResponse("/tip-keys", 303)

    return await carry_out(request, work, lambda _form, error: _page(request, error), "decide")
