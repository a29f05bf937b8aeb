"""Registering and correcting a project by hand: every correction asks for a reason, nothing is overwritten."""

from datetime import date
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.forms import (
    blank_lines,
    capacity_lines,
    errors_at_fields,
    optional,
    read_form,
    require_editor,
    seen_version,
    telling,
    texts,
)
from portal.language import _
from portal.rendering import render
from portal.units import number
from portal.viewing import viewing
from registry import clock
from registry.audit_changes import audit_told
from registry.errors import BadInput, Conflict
from registry.import_items import ProjectItem
from registry.import_problems import ItemsRejected, read_items
from registry.project_file import ProjectFile, project_file
from registry.registering import correct_project, register_projects

router = APIRouter()

FIELDS: Final = (
    "code",
    "name",
    "name_en",
    "sector",
    "industry",
    "industry_edition",
    "region",
    "address",
    "nature",
    "stage",
)
PLACES: Final = {name: name for name in (*FIELDS, "owner_name", "owner_uscc", "held_from", "reason", "asks_land")} | {
    "owner": "owner_name",
    "reference": "code",
}


@router.get("/projects/new")
async def new(request: Request) -> Response:
    """An empty form."""
    await require_editor(request)
    return _form(request, {}, [], {}, [])


@router.post("/projects/new")
async def create(request: Request) -> Response:
    """Register what the form says."""
    values = texts(await read_form(request))
    lines, places = capacity_lines(values)
    item = _item(values) | {"capacities": lines or None}
    item = {name: value for name, value in item.items() if value is not None}
    item.setdefault("reference", "" if values.get("code") else f"hand:{clock.now():%Y%m%d%H%M%S%f}")
    try:
        items, _kept, problems = read_items(ProjectItem, [item])
        if problems:
            raise ItemsRejected(problems)
        if not values.get("reason"):
            raise BadInput("A registration needs a reason.", where="reason")
        async with viewing(request) as session:
            told = telling(request, values)
            outcome = await register_projects(session, items, told)
            await audit_told(session, request.state.viewer, told)
        if not outcome.new:
            raise Conflict("This project is registered already.", remedy="Correct it on its own page.")
    except (BadInput, Conflict) as error:
        errors, general = errors_at_fields(error, PLACES | places)
        return _form(request, values, lines, errors, general, status=error.status)
    return RedirectResponse(f"/projects/{next(iter(outcome.ids.values()))}?saved=1", 303)


@router.get("/projects/{project_id:int}/edit")
async def edit(request: Request, project_id: int) -> Response:
    """The form with what the register holds."""
    await require_editor(request)
    file = await _file(request, project_id)
    lines = [
        {
            "product": one.product,
            "amount": number(one.amount).replace(",", ""),
            "unit": one.unit,
            "process": one.process,
        }
        for one in file.capacities
    ]
    return _form(request, _values(file), lines, {}, [], file=file)


@router.post("/projects/{project_id:int}/edit")
async def correct(request: Request, project_id: int) -> Response:
    """Correct what differs from the register."""
    values = texts(await read_form(request))
    file = await _file(request, project_id)
    lines, places = capacity_lines(values)
    changes: dict[str, Any] = {
        name: value for name, value in _item(values).items() if (value or "") != (_values(file).get(name) or "")
    }
    if "owner_name" in changes or "owner_uscc" in changes:
        changes["owner"] = None
    held = [(one.product, one.process, one.amount, one.unit) for one in file.capacities]
    if [_line(line) for line in lines] != [
        (product, process, number(amount), unit) for product, process, amount, unit in held
    ]:
        changes["capacities"] = lines
    changes = {
        name: "" if value is None and name in ("name_en", "address") else value for name, value in changes.items()
    }
    changes.pop("held_from", None)
    try:
        if not changes:
            raise BadInput("Nothing was changed.", remedy="Change at least one field.")
        async with viewing(request) as session:
            told = telling(request, values)
            await correct_project(
                session,
                project_id,
                changes,
                told,
                held_from=_day(values),
                expected_state=seen_version(values),
            )
            await audit_told(session, request.state.viewer, told)
    except (BadInput, Conflict) as error:
        errors, general = errors_at_fields(error, PLACES | places)
        return _form(request, values, lines, errors, general, file=file, status=error.status)
    return RedirectResponse(f"/projects/{project_id}?saved=1", 303)


def _day(values: dict[str, str]) -> date | None:
    if not values.get("held_from"):
        return None
    try:
        return date.fromisoformat(values["held_from"])
    except ValueError:
        raise BadInput("This is not a date.", where="held_from") from None


def _line(line: dict[str, str]) -> tuple[str, str, str, str]:
    try:
        amount = number(line.get("amount", ""))
    except ArithmeticError:
        amount = line.get("amount", "")
    return line.get("product", ""), line.get("process", ""), amount, line.get("unit", "")


def _item(values: dict[str, str]) -> dict[str, Any]:
    item: dict[str, Any] = optional(values, (*FIELDS, "owner_name", "owner_uscc", "held_from"))
    asks = values.get("asks_land", "")
    return item | {"asks_land": {"yes": True, "no": False}.get(asks)}


def _values(file: ProjectFile) -> dict[str, Any]:
    d = file.description
    return {
        **{name: getattr(d, name) for name in FIELDS},
        "owner_name": d.owner_name,
        "owner_uscc": d.owner_uscc,
        "asks_land": d.asks_land,
        "version": file.state,
    }


async def _file(request: Request, project_id: int) -> ProjectFile:
    async with viewing(request) as session:
        return await project_file(session, project_id, request.state.viewer.audience)


def _form(
    request: Request,
    values: dict[str, Any],
    lines: list[dict[str, str]],
    errors: dict[str, str],
    general: list[str],
    *,
    file: ProjectFile | None = None,
    status: int = 200,
) -> Response:
    asks = values.get("asks_land")
    return render(
        request,
        "project_edit.html",
        status=status,
        file=file,
        values={**values, "asks_land": {True: "yes", False: "no"}.get(asks, asks) if isinstance(asks, bool) else asks},
        lines=blank_lines(lines),
        errors=errors,
        general=general,
        title=_("更正项目") if file else _("登记项目"),
    )
