"""Working on a case: taking a step, asking and answering, notes, assigning, merging, splitting, handing on."""

from datetime import date
from typing import Final

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.pages.cases import show_case
from portal.pages.review import other_project
from portal.signing import carry_out, chosen, field, number
from registry import clock
from registry.cases.arranging import Splitting, add_note, assign, hand_on, merge, name_project, split
from registry.cases.asking import Answer, Asked, answer, ask, move_deadline, put_off, withdraw
from registry.cases.moving import Step, take_step
from registry.errors import BadInput, ThreegatesError, VersionNeeded
from registry.viewers import Viewer

router = APIRouter()

_STEP: Final = ("step", "reason", "number", "authority", "decided", "outcome", "due")
_ASK: Final = ("kind", "template", "title", "body", "organisation", "task_due")
_ARRANGE: Final = ("account", "project", "into", "desk", "subjects", "new_title", "arrange_reason", "stage_due")


@router.post("/cases/{case_number}/step")
async def step(request: Request, case_number: str) -> Response:
    """Take a step."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        if not field(form, "step"):
            raise BadInput("No decision was chosen.", where="step", remedy="Choose one of those offered.")
        taken = Step(
            field(form, "step"),
            field(form, "reason"),
            field(form, "number"),
            field(form, "authority"),
            _day(form, "decided"),
            field(form, "outcome"),
            _day(form, "due"),
        )
        await take_step(session, viewer, case_number, _version(form), taken, clock.now())
        return _to(case_number)

    return await carry_out(
        request, work, lambda form, error: show_case(request, case_number, form=form, error=error, fields=_STEP)
    )


@router.post("/cases/{case_number}/ask")
async def ask_one(request: Request, case_number: str) -> Response:
    """Give a task to an office or ask its opinion."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        due = _day(form, "task_due")
        if due is None:
            raise BadInput("This must be filled in.", where="task_due")
        asked = Asked(
            field(form, "kind"),
            field(form, "title"),
            field(form, "organisation"),
            due,
            field(form, "body"),
            field(form, "template"),
            credit=field(form, "credit") == "yes",
        )
        await ask(session, viewer, case_number, _version(form), asked, clock.now())
        return _to(case_number, "#tasks")

    return await carry_out(
        request,
        work,
        lambda form, error: show_case(
            request, case_number, form=form, error=error, fields=_ASK, places={"due": "task_due"}
        ),
    )


@router.post("/cases/{case_number}/task")
async def task(request: Request, case_number: str) -> Response:
    """Answer or decline a task; put it off or take it back."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        one, version, act = number(form, "task") or 0, number(form, "task_version"), field(form, "act")
        if version is None:
            raise VersionNeeded("The form does not say which version it was made on.", remedy="Open the page again.")
        why = field(form, f"why-{one}")
        if act in ("answer", "decline"):
            said = Answer(field(form, f"answer-{one}"), field(form, f"position-{one}"), declined=act == "decline")
            await answer(session, viewer, one, version, said, clock.now())
        elif act == "put_off":
            due = _day(form, f"due-{one}")
            if due is None:
                raise BadInput("This must be filled in.", where="due")
            await put_off(session, viewer, one, version, due, why, clock.now())
        elif act == "withdraw":
            await withdraw(session, viewer, one, version, why, clock.now())
        else:
            raise BadInput("No decision was chosen.", remedy="Choose one of those offered.")
        return _to(case_number, f"#task-{one}")

    async def again(form: FormData, error: ThreegatesError) -> Response:
        one = number(form, "task") or 0
        names = {"text": f"answer-{one}", "position": f"position-{one}", "reason": f"why-{one}", "due": f"due-{one}"}
        return await show_case(request, case_number, form=form, error=error, fields=tuple(names.values()), places=names)

    return await carry_out(request, work, again)


@router.post("/cases/{case_number}/note")
async def note(request: Request, case_number: str) -> Response:
    """Add a note."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        credit = field(form, "credit") == "yes"
        await add_note(session, viewer, case_number, field(form, "note"), clock.now(), credit=credit)
        return _to(case_number, "#notes")

    return await carry_out(
        request,
        work,
        lambda form, error: show_case(
            request, case_number, form=form, error=error, fields=("note",), places={"body": "note"}
        ),
    )


@router.post("/cases/{case_number}/arrange")
async def arrange(request: Request, case_number: str) -> Response:
    """Assign a case, name its project, set another deadline, merge, split or hand it on."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        version, reason, now = _version(form), field(form, "arrange_reason"), clock.now()
        to = case_number
        match field(form, "act"):
            case "assign":
                await assign(session, viewer, [case_number], number(form, "account"), now, version=version)
            case "project":
                project = await other_project(session, field(form, "project"))
                await name_project(session, viewer, case_number, version, project, now)
            case "deadline":
                due = _day(form, "stage_due")
                if due is None:
                    raise BadInput("This must be filled in.", where="due")
                await move_deadline(session, viewer, case_number, version, due, reason, now)
            case "merge":
                to = field(form, "into")
                await merge(session, viewer, case_number, to, reason, now, version=version)
            case "split":
                subjects = tuple(int(one) for one in chosen(form, "subject") if one.isascii() and one.isdecimal())
                splitting = Splitting(subjects, field(form, "new_title"), reason)
                to = await split(session, viewer, case_number, version, splitting, now)
            case "hand_on":
                await hand_on(session, viewer, case_number, version, field(form, "desk"), reason, now)
            case _:
                raise BadInput("No decision was chosen.", remedy="Choose one of those offered.")
        return _to(to)

    places = {"reason": "arrange_reason", "title": "new_title", "due": "stage_due", "other": "project"}
    return await carry_out(
        request,
        work,
        lambda form, error: show_case(
            request,
            case_number,
            form=form,
            error=error,
            fields=_ARRANGE,
            places=places | {"project_id": "project", "number": "into"},
        ),
    )


def _to(case_number: str, anchor: str = "") -> Response:
    return RedirectResponse(f"/cases/{case_number}?saved=1{anchor}", 303)


def _version(form: FormData) -> int:
    """The version that the form was filled with; a form without it could overwrite what nobody saw."""
    version = number(form, "version")
    if version is None:
        raise VersionNeeded("The form does not say which version it was made on.", remedy="Open the page again.")
    return version


def _day(form: FormData, name: str) -> date | None:
    text = field(form, name)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        place = name.partition("-")[0]
        raise BadInput("This is not a date.", where=place, remedy="Write it like 2014-06-01.") from None
