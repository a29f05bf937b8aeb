"""Files of a case: sending one in, reading one, and the whole case as PDF."""

import asyncio
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.case_pdf import case_pdf
from portal.language import current_language, speaking
from portal.pages.cases import show_case
from portal.security import check_form_token
from portal.signing import field, to_sign_in
from portal.viewing import viewing
from registry import clock
from registry.auditing import audit
from registry.cases.case_file import case_file
from registry.cases.files import NewFile, add_file, look_into, read_file
from registry.credit_reads import note_credit_read
from registry.errors import BadFile, BadInput, Conflict, NotAllowed
from registry.settings import settings
from registry.viewers import Viewer

router = APIRouter()

_LARGEST_TEXT: Final = 8 * 1024


class _InMemory(MultiPartParser):
    """Parts stay in memory, where the body's limit keeps them small: nothing of a case lies in a temporary folder."""

    spool_max_size = 128 * 2**20


@router.post("/case-files/{case_number}")
async def send(request: Request, case_number: str) -> Response:
    """Attach a file; what it is was told from its bytes before anything is kept."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind != "person":
            return to_sign_in(request)
        if not (viewer.may("register") or viewer.may("decide")):
            viewer.require("register")
        # Before the body is read: whoever does not read the case sends nothing to it.
        await case_file(session, viewer, case_number, clock.today())
    try:
        form = await _InMemory(
            request.headers, request.stream(), max_files=1, max_fields=20, max_part_size=_LARGEST_TEXT
        ).parse()
    except (MultiPartException, KeyError):
        raise BadInput("The file did not arrive whole.", remedy="Choose it again.") from None
    check_form_token(request, form.get("form_token"))
    upload = form.get("file")
    try:
        if not isinstance(upload, UploadFile) or not upload.filename:
            raise BadFile("No file was chosen.", where="file")
        content = await upload.read()
        await upload.close()
        most = settings().case_file_megabytes * 2**20
        # A damaged or hostile file takes time to look into: others are answered meanwhile.
        looked = await asyncio.to_thread(look_into, upload.filename, content, most_bytes=most)
        new = NewFile(upload.filename, content, field(form, "file_kind"), credit=field(form, "credit") == "yes")
        async with viewing(request) as session:
            await add_file(session, request.state.viewer, case_number, new, looked, clock.now())
    except (BadInput, Conflict, NotAllowed) as error:
        error.where = "file"
        return await show_case(request, case_number, form=form, error=error, fields=("file",))
    return RedirectResponse(f"/cases/{case_number}?saved=1#files", 303)


@router.get("/cases/{case_number}/files/{file_id:int}")
async def read_one(request: Request, case_number: str, file_id: int) -> Response:
    """A file to keep, never shown in the page's own place."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind == "public":
            return to_sign_in(request)
        viewer.require("internal")
        found = await read_file(session, viewer, case_number, file_id)
    return _attachment(bytes(found["content"]), found["media_type"], found["name"])


@router.get("/cases/{case_number}/file.pdf")
async def as_pdf(request: Request, case_number: str) -> Response:
    """The case with evidence, articles and digests on paper."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind == "public":
            return to_sign_in(request)
        viewer.require("internal")
        file = await case_file(session, viewer, case_number, clock.today())
        await note_credit_read(session, viewer, "case", case_number, findings=file.findings)
        await audit(session, viewer, "case.print", "case", case_number, after={"version": file.version})
    language, printed_by, at = current_language(), viewer.actor, clock.now()

    def made() -> bytes:
        with speaking(language):
            return case_pdf(file, printed_by, at)

    return _attachment(await asyncio.to_thread(made), "application/pdf", f"{case_number}.pdf")


def _attachment(content: bytes, media_type: str, name: str) -> Response:
    return Response(
        content,
        media_type=media_type,
        headers={
            "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "x-content-type-options": "nosniff",
            # Even were it opened in the browser, nothing in it runs.
            "content-security-policy": "default-src 'none'; sandbox",
        },
    )
