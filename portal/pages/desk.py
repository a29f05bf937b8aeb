"""My desk: what is due today, overdue, new and waited for; choosing several and giving them to somebody."""

from typing import Final

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import case_words
from portal.language import _
from portal.rendering import render
from portal.signing import carry_out, chosen, errors_of, field, number, to_sign_in
from portal.viewing import viewing
from registry import clock
from registry.cases.arranging import assign, assign_task
from registry.cases.case_file import people_of
from registry.cases.desk import DeskPart, Whose, desk
from registry.errors import BadInput, NotAllowed, ThreegatesError
from registry.viewers import Viewer

router = APIRouter()

_KINDS: Final = ("case", "task", "opinion")


@router.get("/desk")
async def my_desk(request: Request, whose: str = "mine", kind: str = "", saved: str = "") -> Response:
    """The desk of the person, or of their whole office."""
    return await _page(request, whose, kind, saved=bool(saved))


async def _page(
    request: Request, whose: str, kind: str, *, saved: bool = False, error: ThreegatesError | None = None
) -> Response:
    shown: Whose = "desk" if whose == "desk" else "mine"
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind == "public":
            return to_sign_in(request)
        viewer.require("internal")
        if viewer.kind != "person":
            raise NotAllowed("Only a person has a desk.")
        found = await desk(session, viewer, shown, clock.today())
        people = await people_of(session, viewer.organisation_id)
    errors, general = errors_of(error, ("account",))
    parts = [
        ("overdue", _("已逾期"), _of_kind(found.overdue, kind)),
        ("due-today", _("今天到期"), _of_kind(found.due_today, kind)),
        ("new", _("新到"), _of_kind(found.new, kind)),
        ("others", _("其余在办"), _of_kind(found.others, kind)),
        ("waiting", _("等待他人"), _of_kind(found.waiting, kind)),
    ]
    return render(
        request,
        "desk.html",
        status=error.status if error else 200,
        desk=found,
        parts=parts,
        kind=kind if kind in _KINDS else "",
        people=[(str(one["id"]), f"{one['name']}（{one['login']}）") for one in people],
        saved=saved,
        errors=errors,
        general=general,
        case_words=case_words,
    )


def _of_kind(part: DeskPart, kind: str) -> DeskPart:
    """What of a part is of the kind asked for; all where none is."""
    if kind not in _KINDS:
        return part
    cases = part.cases if kind == "case" else []
    tasks = [one for one in part.tasks if one.kind == kind]
    return DeskPart(count=len(cases) + len(tasks), cases=cases, tasks=tasks)


@router.post("/desk/assign")
async def assign_chosen(request: Request) -> Response:
    """Give the chosen cases and tasks to one person of the office, all of them or none."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        cases, account = chosen(form, "case"), number(form, "account")
        tasks = [int(one) for one in chosen(form, "task") if one.isascii() and one.isdecimal()]
        if not cases and not tasks:
            raise BadInput("Nothing was chosen.", where="account", remedy="Tick cases or tasks first.")
        if cases:
            await assign(session, viewer, cases, account, clock.now())
        if tasks:
            await assign_task(session, viewer, tasks, account, clock.now())
        whose = "desk" if field(form, "whose") == "desk" else "mine"
        return RedirectResponse(f"/desk?whose={whose}&saved=1", 303)

    return await carry_out(request, work, lambda form, error: _page(request, field(form, "whose"), "", error=error))
