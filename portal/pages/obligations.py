"""Obligations against defaulters: the list with its filters, and one with its clause, evidence and states over time."""

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.choosing import sort_out
from portal.language import current_language
from portal.rendering import render
from portal.signing import carry_out, errors_of, field, to_sign_in
from portal.viewing import viewing
from registry import clock
from registry.errors import NotAllowed, ThreegatesError
from registry.law.measures import allowed_days, measures
from registry.law_in_force import catalogue_in_force
from registry.obligation_evidence import show_done
from registry.obligation_list import ObligationFilter, list_obligations, obligation_file
from registry.viewers import Viewer

router = APIRouter()

FIELDS = ("document", "on", "note")


def measure_choices() -> list[tuple[str, str]]:
    """The measures in the reader's language."""
    chinese = current_language() == "zh"
    return [(one.id, one.title_zh if chinese else one.title_en) for one in measures().all]


def may_see(viewer: Viewer) -> bool:
    """Officials and banks: whoever must act on a default."""
    return viewer.may("internal") or viewer.may("credit_own")


def _admit(viewer: Viewer) -> None:
    if not may_see(viewer):
        raise NotAllowed("Obligations are for officials and banks.")


@router.get("/obligations")
async def obligations(
    request: Request, state: str = "", measure: str = "", province: str = "", cursor: str = ""
) -> Response:
    """The list, longest due first."""
    asked = {"state": state, "measure": measure, "province": province}
    kept, errors = sort_out(
        {name: (value,) for name, value in asked.items() if value},
        {"state": "obligation_state", "measure": measure_choices(), "province": "province"},
    )
    chosen = {name: values[0] for name, values in kept.items()}
    wanted = ObligationFilter(chosen.get("state"), chosen.get("measure"), None, chosen.get("province"))
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind == "public":
            return to_sign_in(request)
        _admit(viewer)
        page = await list_obligations(session, wanted, cursor=cursor)
    return render(
        request, "obligations.html", page=page, wanted=wanted, errors=errors, measure_choices=measure_choices()
    )


@router.get("/obligations/{reference}")
async def obligation(request: Request, reference: str) -> Response:
    """One obligation under its stable address."""
    return await _obligation(request, reference)


async def _obligation(
    request: Request, reference: str, error: ThreegatesError | None = None, form: FormData | None = None
) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind == "public":
            return to_sign_in(request)
        _admit(viewer)
        found = await obligation_file(session, reference)
        days = allowed_days((await catalogue_in_force(session)).law, found.deadline)
    errors, general = errors_of(error, FIELDS)
    return render(
        request,
        "obligation.html",
        status=error.status if error else 200,
        obligation=found,
        allowed_days=days,
        may_show=viewer.may("decide") and viewer.kind == "person" and found.state in ("open", "late"),
        values={name: field(form, name) for name in FIELDS} if form else {},
        errors=errors,
        general=general,
    )


@router.post("/obligations/{reference}")
async def show(request: Request, reference: str) -> Response:
    """Put on record the document that shows the measure to be carried out."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        document, on, note = (field(form, name)[:2000] for name in FIELDS)
        await show_done(session, viewer, reference, document, on, note, clock.now())
        return RedirectResponse(f"/obligations/{reference}", 303)

    return await carry_out(request, work, lambda form, error: _obligation(request, reference, error, form))
