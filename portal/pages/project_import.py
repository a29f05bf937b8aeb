"""Projects from a file: a dry run shows what would change and every problem; only a confirmed file is written."""

import asyncio
import base64
import hashlib
import tempfile
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from portal.error_words import in_reader_language
from portal.forms import read_form, require_editor, telling, texts
from portal.language import _, current_language
from portal.rendering import render
from portal.viewing import viewing
from registry.audit_changes import audit_told
from registry.errors import BadInput
from registry.outcomes import Outcome
from registry.project_files import ProjectsFile, read_projects
from registry.registering import ItemsRejected, register_projects

router = APIRouter()

LARGEST_FILE: Final = 4 * 1024 * 1024
KINDS: Final = (".csv", ".xlsx", ".jsonl")
PROBLEMS_SHOWN: Final = 200


class _OnlyTried(Exception):
    """Rolls back a dry run after everything was checked as if it were written."""


@router.get("/projects/import")
async def form(request: Request) -> Response:
    """The form to choose a file."""
    await require_editor(request)
    return render(request, "project_import.html", errors={}, tried=None, done=None)


@router.post("/projects/import")
async def send(request: Request) -> Response:
    """Try a file, or write one that was tried."""
    given = await read_form(request)
    values = texts(given)
    try:
        name, content = await _content(given.get("file"), values)
        read = await asyncio.to_thread(_read, name, content)
    except BadInput as error:
        message = f"{in_reader_language(error.message)} {in_reader_language(error.remedy)}".strip()
        return render(request, "project_import.html", status=422, errors={"file": message}, tried=None, done=None)
    confirmed = "confirm" in values
    if confirmed and not values.get("reason"):
        problem: dict[str, str] = {"reason": _("请写明登记的依据。")}
    else:
        problem = {}
    write = confirmed and not problem
    outcome, problems = await _register(request, read, values.get("reason") or _("试导入"), write=write)
    view: dict[str, Any] = {
        "name": name,
        "content": base64.b64encode(content).decode(),
        "digest": hashlib.sha256(content).hexdigest(),
        "outcome": outcome,
        "problems": [
            {"row": one.row, "column": one.column, "value": one.value, "text": one.say(current_language())}
            for one in problems[:PROBLEMS_SHOWN]
        ],
        "problems_total": len(problems),
        "warnings": [
            {"row": one.row, "column": one.column, "value": one.value, "text": one.say(current_language())}
            for one in outcome.warnings[:PROBLEMS_SHOWN]
        ],
        "notes": [zh if current_language() == "zh" else en for zh, en in read.notes],
        "reason": values.get("reason", ""),
    }
    return render(
        request,
        "project_import.html",
        status=422 if problem else 200,
        errors=problem,
        tried=None if write else view,
        done=view if write else None,
    )


async def _content(upload: Any, values: dict[str, str]) -> tuple[str, bytes]:
    """The file's name and bytes: from the upload, or carried along by the page that showed the dry run."""
    if isinstance(upload, UploadFile) and upload.filename:
        name, content = Path(upload.filename).name, await upload.read(LARGEST_FILE + 1)
        await upload.close()
    elif values.get("content"):
        try:
            name, content = Path(values.get("name", "")).name, base64.b64decode(values["content"], validate=True)
        except ValueError:
            raise BadInput("The file did not arrive whole.", remedy="Choose it again.") from None
        if hashlib.sha256(content).hexdigest() != values.get("digest"):
            raise BadInput("The file did not arrive whole.", remedy="Choose it again.")
    else:
        raise BadInput("No file was chosen.", remedy="Choose a CSV, XLSX or JSONL file.")
    if Path(name).suffix.lower() not in KINDS:
        raise BadInput("Files of this kind are not read.", remedy="Choose a CSV, XLSX or JSONL file.")
    if len(content) > LARGEST_FILE:
        raise BadInput(
            "The file is larger than 4 MB.", remedy="Split it, or use `threegates projects import` on the server."
        )
    return name, content


def _read(name: str, content: bytes) -> ProjectsFile:
    with tempfile.TemporaryDirectory(prefix="threegates-import-") as folder:
        path = Path(folder) / f"projects{Path(name).suffix.lower()}"
        path.write_bytes(content)
        return read_projects(path)


async def _register(request: Request, read: ProjectsFile, reason: str, *, write: bool) -> tuple[Outcome, list[Any]]:
    """Register the valid items, or do so and take it back; the outcome and every problem with its row and column."""
    outcome = Outcome()
    try:
        async with viewing(request) as session:
            told = telling(request, {"reason": reason})
            outcome = await register_projects(session, read.items, told, rows=read.rows, valid_only=True)
            await audit_told(session, request.state.viewer, told)
            if not write:
                raise _OnlyTried
    except _OnlyTried:
        pass
    except ItemsRejected as error:
        outcome.rejected = list(error.problems)
    return outcome, [*read.problems, *(read.locate(one) for one in outcome.rejected)]
