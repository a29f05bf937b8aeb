"""Approvals by hand: adding one late, correcting it, its expiry and revocation; each with a reason."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.forms import errors_at_fields, optional, read_form, require_editor, seen_version, telling, texts
from portal.language import _
from portal.rendering import render
from portal.viewing import viewing
from registry import clock
from registry.audit_changes import audit_told
from registry.errors import BadInput, Conflict, NotFound
from registry.project_file import ApprovalLine, ProjectFile, project_file
from registry.registering import correct_approval, correct_project

router = APIRouter()

FIELDS: Final = ("kind", "number", "authority", "issued", "expires", "revoked", "revoked_reason")
PLACES: Final = {name: name for name in (*FIELDS, "reason")} | {f"approvals.0.{name}": name for name in FIELDS}
# Fields that are empty text and not unknown when nothing is written.
_TEXTS: Final = ("number", "authority", "revoked_reason")


@router.get("/projects/{project_id:int}/approvals/new")
async def new(request: Request, project_id: int) -> Response:
    """An empty form."""
    await require_editor(request)
    return _form(request, await _file(request, project_id), None, {}, {}, [])


@router.post("/projects/{project_id:int}/approvals/new")
async def add(request: Request, project_id: int) -> Response:
    """Add an approval to the project."""
    values = texts(await read_form(request))
    file = await _file(request, project_id)
    item = {name: value for name, value in optional(values, FIELDS).items() if value is not None}
    item["reference"] = f"hand:{project_id}:{clock.now():%Y%m%d%H%M%S%f}"
    try:
        async with viewing(request) as session:
            told = telling(request, values)
            await correct_project(session, project_id, {"approvals": [item]}, told)
            await audit_told(session, request.state.viewer, told)
    except (BadInput, Conflict) as error:
        errors, general = errors_at_fields(error, PLACES)
        return _form(request, file, None, values, errors, general, error.status)
    return RedirectResponse(f"/projects/{project_id}?saved=1#approvals", 303)


@router.get("/projects/{project_id:int}/approvals/{approval_id:int}/edit")
async def edit(request: Request, project_id: int, approval_id: int) -> Response:
    """The form with what the register holds."""
    await require_editor(request)
    file = await _file(request, project_id)
    approval = _approval(file, approval_id)
    values = {name: getattr(approval, name) for name in FIELDS} | {"version": str(approval.version_id)}
    return _form(request, file, approval, values, {}, [])


@router.post("/projects/{project_id:int}/approvals/{approval_id:int}/edit")
async def correct(request: Request, project_id: int, approval_id: int) -> Response:
    """Correct what differs."""
    values = texts(await read_form(request))
    file = await _file(request, project_id)
    approval = _approval(file, approval_id)
    changes: dict[str, Any] = {
        name: value if value is not None or name not in _TEXTS else ""
        for name, value in optional(values, FIELDS).items()
    }
    version = seen_version(values)
    try:
        async with viewing(request) as session:
            told = telling(request, values)
            changed = await correct_approval(
                session,
                approval_id,
                changes,
                told,
                expected_version=int(version) if version.isdecimal() else 0,
            )
            await audit_told(session, request.state.viewer, told)
        if not changed:
            raise BadInput("Nothing was changed.", remedy="Change at least one field.")
    except (BadInput, Conflict) as error:
        errors, general = errors_at_fields(error, PLACES)
        return _form(request, file, approval, values, errors, general, error.status)
    return RedirectResponse(f"/projects/{project_id}?saved=1#approvals", 303)


def _approval(file: ProjectFile, approval_id: int) -> ApprovalLine:
    found = next((one for one in file.approvals if one.approval_id == approval_id), None)
    if found is None:
        raise NotFound("There is no such approval.", where="approval")
    return found


async def _file(request: Request, project_id: int) -> ProjectFile:
    async with viewing(request) as session:
        return await project_file(session, project_id, request.state.viewer.audience)


def _form(
    request: Request,
    file: ProjectFile,
    approval: ApprovalLine | None,
    values: dict[str, Any],
    errors: dict[str, str],
    general: list[str],
    status: int = 200,
) -> Response:
    return render(
        request,
        "approval_edit.html",
        status=status,
        file=file,
        approval=approval,
        values=values,
        errors=errors,
        general=general,
        title=_("更正批准文件") if approval else _("补录批准文件"),
    )
