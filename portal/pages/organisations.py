"""The organisations whose people and keys an administrator keeps; those of the nation add new ones."""

from typing import Final

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.people_words import KINDS, LANES, options, said
from portal.rendering import render
from portal.signing import carry_out, chosen, errors_of, field, to_sign_in
from portal.viewing import viewing
from registry import clock
from registry.errors import ThreegatesError
from registry.organising import NewOrganisation, create_organisation, organisations
from registry.viewers import NATION, Viewer

router = APIRouter()

FIELDS: Final = ("id", "kind", "name_zh", "name_en", "region", "agency_id", "uscc", "lender_names")


@router.get("/organisations")
async def page(request: Request) -> Response:
    """The list and, for the nation's administrators, the form."""
    return await _page(request)


async def _page(request: Request, error: ThreegatesError | None = None, form: FormData | None = None) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind != "person":
            return to_sign_in(request)
        found = await organisations(session, viewer)
    errors, general = errors_of(error, FIELDS)
    return render(
        request,
        "organisations.html",
        status=error.status if error else 200,
        organisations=[
            {**one, "kind": said(KINDS, one["kind"]), "lanes": [said(LANES, lane) for lane in one["lanes"]]}
            for one in found
        ],
        may_add=viewer.region == NATION,
        kinds=options(KINDS),
        lanes=options(LANES),
        values={name: field(form, name) for name in FIELDS} if form else {},
        chosen=chosen(form, "lanes") if form else (),
        errors=errors,
        general=general,
    )


@router.post("/organisations")
async def create(request: Request) -> Response:
    """Add one."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        new = NewOrganisation(
            field(form, "id"),
            field(form, "kind"),
            field(form, "name_zh")[:120],
            field(form, "name_en")[:160],
            field(form, "region"),
            field(form, "agency_id") or None,
            chosen(form, "lanes"),
            field(form, "uscc") or None,
            tuple(line.strip() for line in field(form, "lender_names").splitlines() if line.strip()),
        )
        await create_organisation(session, viewer, new, clock.now())
        return RedirectResponse("/organisations", 303)

    return await carry_out(request, work, lambda form, error: _page(request, error, form), permission="accounts")
