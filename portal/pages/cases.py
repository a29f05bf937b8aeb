"""Cases for officials: the list, opening one, the file of one with everything that may be done on it."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import case_words
from portal.choosing import sort_out
from portal.pages.review import other_project
from portal.rendering import render
from portal.signing import carry_out, chosen, errors_of, field, number, to_sign_in
from portal.viewing import viewing
from registry import clock
from registry.cases.case_file import CaseDossier, CaseEventLine, case_file, people_of
from registry.cases.case_list import CaseFilter, case_of_alert, list_cases
from registry.cases.opening import NewCase, offices, open_case
from registry.credit_reads import note_credit_read
from registry.errors import ChangedMeanwhile, ThreegatesError
from registry.settings import settings
from registry.viewers import Viewer
from registry.working_days import working_day_after

router = APIRouter()

_FILTERS: Final = ("state", "whose", "path", "province", "late")
_OPENING: Final = ("path", "title", "reason", "project", "suspected", "tip", "region")
# Working days that a task asked by hand is first offered: our own reading, as in stages.yml.
_USUAL_DAYS: Final = 10


@router.get("/cases")
async def cases(request: Request, q: str = "", cursor: str = "") -> Response:
    """The list: those due first first."""
    asked = {name: request.query_params.get(name, "") for name in _FILTERS}
    tables: dict[str, Any] = {
        "state": case_words.options(case_words.STATES),
        "whose": case_words.options(case_words.WHOSE),
        "path": case_words.paths(),
        "province": "province",
        "late": [("yes", "yes")],
    }
    kept, errors = sort_out({name: (value,) for name, value in asked.items() if value}, tables)
    values = {name: found[0] for name, found in kept.items()}
    wanted = CaseFilter(
        state=values.get("state", "open"),
        path=values.get("path"),
        province=values["province"][:2] if "province" in values else None,
        whose=values.get("whose"),
        late="late" in values,
        q=q.replace("\x00", "").strip()[:100] or None,
    )
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind == "public":
            return to_sign_in(request)
        viewer.require("internal")
        page = await list_cases(session, viewer, wanted, clock.today(), cursor=cursor)
    return render(
        request,
        "cases.html",
        page=page,
        wanted=wanted,
        wanted_province=values.get("province", ""),
        errors=errors,
        case_words=case_words,
    )


@router.get("/cases/new")
async def new_case(request: Request) -> Response:
    """An empty form, or one that knows the alerts, findings or project it was opened from."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind == "public":
            return to_sign_in(request)
        viewer.require("decide")
        del session
    asked = request.query_params
    values: dict[str, Any] = {name: asked.get(name, "")[:200] for name in _OPENING}
    values |= {"alerts": asked.getlist("alert")[:200], "findings": asked.getlist("finding")[:200]}
    return render(request, "case_new.html", values=values, errors={}, general=[], case_words=case_words)


@router.post("/cases/new")
async def open_one(request: Request) -> Response:
    """Open a case."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        project = field(form, "project")
        new = NewCase(
            path=field(form, "path"),
            title=field(form, "title"),
            reason=field(form, "reason"),
            alerts=tuple(int(one) for one in chosen(form, "alert") if one.isascii() and one.isdecimal()),
            findings=chosen(form, "finding"),
            project_id=await other_project(session, project) if project else None,
            suspected_id=number(form, "suspected"),
            tip=field(form, "tip"),
            region=field(form, "region"),
        )
        made = await open_case(session, viewer, new, clock.now())
        return RedirectResponse(f"/cases/{made}?saved=1", 303)

    async def again(form: FormData, error: ThreegatesError) -> Response:
        error.where = {"other": "project", "suspected_id": "suspected"}.get(error.where, error.where)
        errors, general = errors_of(error, _OPENING)
        values: dict[str, Any] = {name: field(form, name) for name in _OPENING}
        values |= {"alerts": chosen(form, "alert"), "findings": chosen(form, "finding")}
        return render(
            request,
            "case_new.html",
            status=error.status,
            values=values,
            errors=errors,
            general=general,
            case_words=case_words,
        )

    return await carry_out(request, work, again)


@router.get("/cases/of-alert/{alert_id:int}")
async def of_alert(request: Request, alert_id: int) -> Response:
    """To the case that took an alert over."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind == "public":
            return to_sign_in(request)
        viewer.require("internal")
        found = await case_of_alert(session, alert_id)
    return RedirectResponse(f"/cases/{found}", 302)


@router.get("/cases/{case_number}")
async def one_case(request: Request, case_number: str, saved: str = "") -> Response:
    """The file of one."""
    return await show_case(request, case_number, saved=bool(saved))


async def show_case(
    request: Request,
    case_number: str,
    *,
    saved: bool = False,
    form: FormData | None = None,
    error: ThreegatesError | None = None,
    fields: Sequence[str] = (),
    places: dict[str, str] | None = None,
) -> Response:
    """The page of a case; after a refusal with what was typed, the error at its field and what changed meanwhile."""
    today = clock.today()
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind == "public":
            return to_sign_in(request)
        viewer.require("internal")
        file = await case_file(session, viewer, case_number, today)
        await note_credit_read(session, viewer, "case", case_number, findings=file.findings)
        people = await people_of(session, file.desk_id) if file.works else []
        found = await offices(session) if file.works else []
    if error is not None and places:
        error.where = places.get(error.where, error.where)
    errors, general = errors_of(error, tuple(fields))
    return render(
        request,
        "case.html",
        status=error.status if error else 200,
        file=file,
        saved=saved,
        errors=errors,
        general=general,
        changed=_changed(file, form) if isinstance(error, ChangedMeanwhile) and form is not None else [],
        values={name: value for name, value in form.items() if isinstance(value, str)} if form is not None else {},
        people=[(str(one["id"]), f"{one['name']}（{one['login']}）") for one in people],
        offices=[(one["id"], one["name_zh"]) for one in found],
        default_due=working_day_after(today, _USUAL_DAYS).isoformat(),
        most_megabytes=settings().case_file_megabytes,
        case_words=case_words,
    )


def _changed(file: CaseDossier, form: FormData) -> list[CaseEventLine]:
    """What the trail says since the version that the form was filled with: as many lines as versions went by."""
    seen = number(form, "version") or file.version
    return file.events[-max(file.version - seen, 1) :]
