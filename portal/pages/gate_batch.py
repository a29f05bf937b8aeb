"""A file of questions at the gate: the upload, its progress, the answers and the exposure of each group."""

import csv
import io
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.choosing import sort_out
from portal.error_words import in_reader_language
from portal.gate_batches import set_going
from portal.gate_files import LARGEST_FILE, read_upload
from portal.language import current_language
from portal.pages.gate_check import gate_viewer
from portal.rendering import render
from portal.security import check_form_token
from portal.signing import to_sign_in
from portal.viewing import viewing
from portal.words import choices
from registry import clock
from registry.errors import BadInput
from registry.gate.batches import batch_file, batch_lines, open_batch
from registry.gate.files import COLUMNS
from registry.gate.questions import GATE_ACTS
from registry.import_problems import Problem

router = APIRouter()

PROBLEMS_SHOWN: Final = 200
LINES_SHOWN: Final = 100
GROUPS_SHOWN: Final = 50


@router.get("/gate-check/batch")
async def form(request: Request) -> Response:
    """The form to choose a file."""
    if await gate_viewer(request) is None:
        return to_sign_in(request)
    return _form(request, {}, [])


def _form(request: Request, errors: dict[str, str], problems: list[Problem], status: int = 200) -> Response:
    return render(
        request,
        "gate_batch_form.html",
        status=status,
        errors=errors,
        acts=[(code, word) for code, word in choices("act") if code in GATE_ACTS],
        problems=[
            {"row": one.row, "column": one.column, "value": one.value, "text": one.say(current_language())}
            for one in problems[:PROBLEMS_SHOWN]
        ],
        problems_total=len(problems),
    )


@router.post("/gate-check/batch")
async def send(request: Request) -> Response:
    """Read the file; without a problem its questions are kept and answered beside."""
    viewer = await gate_viewer(request)
    if viewer is None:
        return to_sign_in(request)
    try:
        async with request.form(max_files=1, max_fields=10, max_part_size=LARGEST_FILE) as given:
            check_form_token(request, given.get("form_token"))
            upload, act = given.get("file"), str(given.get("act", ""))
            if not isinstance(upload, UploadFile) or not upload.filename:
                raise BadInput("No file was chosen.", where="file", remedy="Choose a CSV, XLSX or JSONL file.")
            name = Path(upload.filename).name
            read = await read_upload(upload, {"act": act} if act in GATE_ACTS else {})
        if not read.problems and not read.questions:
            raise BadInput(
                "The file holds no question.", where="file", remedy="Fill in the template, one question a row."
            )
    except BadInput as error:
        said = f"{in_reader_language(error.message)} {in_reader_language(error.remedy)}".strip()
        return _form(request, {"file": said}, [], error.status)
    if read.problems:
        return _form(request, {}, read.problems, 422)
    async with viewing(request) as session:
        address = await open_batch(session, viewer, name, read.questions, read.rows, clock.now())
    set_going(address)
    return RedirectResponse(f"/gate-check/batch/{address}", 303)


@router.get("/gate-check/batch/template.csv")
async def template(request: Request) -> Response:
    """The columns of a file, as Excel opens it."""
    stream = io.StringIO()
    named = 1 if current_language() == "en" else 0
    csv.writer(stream).writerow([headings[named] for headings in COLUMNS.values()])
    headers = {"content-disposition": 'attachment; filename="gate-check.csv"'}
    return Response(stream.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/gate-check/batch/{address}")
async def batch(request: Request, address: str, answer: str = "", cursor: str = "") -> Response:
    """A batch as it stands; the page loads itself again while it is worked on."""
    viewer = await gate_viewer(request)
    if viewer is None:
        return to_sign_in(request)
    kept, errors = sort_out({"answer": (answer,)} if answer else {}, {"answer": "answer"})
    chosen = kept["answer"][0] if "answer" in kept else None
    async with viewing(request) as session:
        found = await batch_file(session, viewer, address)
        page = await batch_lines(session, viewer, address, answer=chosen, cursor=cursor, limit=LINES_SHOWN)
    if found.done < found.total:
        set_going(address)
    return render(
        request,
        "gate_batch.html",
        batch=found,
        lines=page.items,
        chosen=chosen,
        errors=errors,
        groups=found.exposure[:GROUPS_SHOWN],
        next_cursor=page.next_cursor,
    )
