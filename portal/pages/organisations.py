"""The organisations whose people and keys an administrator keeps; those of the nation add new ones."""

from typing import Final

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.people_words import KINDS, LANES, options, said
from portal.signing import carry_out, chosen, field, form_page, to_sign_in
from portal.viewing import viewing
from registry import clock
from registry.errors import ThreegatesError
from registry.organising import (
    NewOrganisation,
    change_organisation,
    create_organisation,
    end_organisation,
    is_national,
    organisation_of,
    organisations,
)
from registry.viewers import Viewer

router = APIRouter()

FIELDS: Final = ("id", "kind", "name_zh", "name_en", "region", "agency_id", "uscc", "lender_names", "reason")


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
        may_add = await is_national(session, viewer)
    return form_page(
        request,
        "organisations.html",
        error,
        FIELDS,
        organisations=[
            {**one, "kind": said(KINDS, one["kind"]), "lanes": [said(LANES, lane) for lane in one["lanes"]]}
            for one in found
        ],
        may_add=may_add,
        kinds=options(KINDS),
        lanes=options(LANES),
        values={name: field(form, name) for name in FIELDS} if form else {},
        chosen=chosen(form, "lanes") if form else (),
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
            _lines(form, "lender_names"),
        )
        await create_organisation(session, viewer, new, clock.now())
        return RedirectResponse("/organisations", 303)

    return await carry_out(request, work, lambda form, error: _page(request, error, form), permission="accounts")


def _lines(form: FormData, name: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in field(form, name).splitlines() if line.strip())


@router.get("/organisations/{organisation_id}")
async def organisation(request: Request, organisation_id: str) -> Response:
    """One organisation, to be changed or ended by the nation's administrators."""
    return await _organisation(request, organisation_id)


async def _organisation(
    request: Request, organisation_id: str, error: ThreegatesError | None = None, form: FormData | None = None
) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind != "person":
            return to_sign_in(request)
        found = await organisation_of(session, viewer, organisation_id)
    typed = form is not None and "name_zh" in form
    return form_page(
        request,
        "organisation.html",
        error,
        FIELDS,
        organisation={**found, "kind": said(KINDS, found["kind"])},
        own=organisation_id == viewer.organisation_id,
        lanes=options(LANES),
        values={name: field(form, name) for name in FIELDS}
        if form is not None and typed
        else {**found, "lender_names": "\n".join(found["lender_names"])},
        chosen=chosen(form, "lanes") if form is not None and typed else found["lanes"],
    )


@router.post("/organisations/{organisation_id}")
async def change(request: Request, organisation_id: str) -> Response:
    """Names, lanes and lender names."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        changes = {
            "name_zh": field(form, "name_zh")[:120],
            "name_en": field(form, "name_en")[:160],
            "lanes": list(chosen(form, "lanes")),
            "lender_names": list(_lines(form, "lender_names")),
        }
        await change_organisation(session, viewer, organisation_id, changes)
        return RedirectResponse("/organisations", 303)

    return await carry_out(
        request, work, lambda form, error: _organisation(request, organisation_id, error, form), permission="accounts"
    )


@router.post("/organisations/{organisation_id}/end")
async def end(request: Request, organisation_id: str) -> Response:
    """End one that has no people any more."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        await end_organisation(session, viewer, organisation_id, field(form, "reason")[:500], clock.now())
        return RedirectResponse("/organisations", 303)

    return await carry_out(
        request, work, lambda form, error: _organisation(request, organisation_id, error, form), permission="accounts"
    )
