"""The desk's reports: a list without content, a report that is opened in the officer's own browser, triage, answers."""

import base64
import binascii
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from portal.rendering import render
from portal.security import check_form_token
from portal.signing import errors_of, field, step_named, to_sign_in
from portal.viewing import viewing
from registry import clock
from registry.errors import BadInput, Conflict, NotAllowed, NotFound, ThreegatesError
from registry.tips import desk_work
from registry.tips.desks import Desk, read_desks
from registry.tips.opening import without_outer_seal
from registry.tips.outer_keys import outer_identity
from registry.viewers import Viewer

router = APIRouter()

FIELDS: Final = ("outcome", "reference", "answer")
# A sealed answer, or the same in base64.
LARGEST_ANSWER: Final = 64 * 1024


@router.get("/tips")
async def the_desk(request: Request) -> Response:
    """What waits at the viewer's desk, and by when; nobody sees here what was reported."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind != "person":
            return to_sign_in(request)
        viewer.require("decide")
        listed = await desk_work.desk_list(session, clock.today(), closed="closed" in request.query_params)
        desk = await _desk(session, viewer)
    return render(request, "tips.html", threads=listed, desk=desk, closed="closed" in request.query_params)


@router.get("/tips/{thread}")
async def report(request: Request, thread: str) -> Response:
    """One report, sealed: the page's script opens it with keys that never leave the browser."""
    return await _report(request, thread)


async def _report(request: Request, thread: str, error: ThreegatesError | None = None) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind != "person":
            return to_sign_in(request)
        viewer.require("decide")
        file = await desk_work.thread_file(session, thread, clock.today())
        desk = await _desk(session, viewer)
    errors, general = errors_of(error, FIELDS)
    return render(
        request, "tip.html", status=error.status if error else 200, tip=file, desk=desk, errors=errors,
        general=general, groups=key_groups(desk),
    )  # fmt: skip


async def _desk(session: AsyncSession, viewer: Viewer) -> Desk | None:
    return next((one for one in await read_desks(session) if one.id == viewer.organisation_id), None)


Step = Callable[[AsyncSession, Viewer, str, FormData], Awaitable[None]]


async def _forward(session: AsyncSession, viewer: Viewer, thread: str, form: FormData) -> None:
    await desk_work.take_step(
        session, viewer, thread, field(form, "step"), clock.today(), outcome=field(form, "outcome")
    )


async def _link(session: AsyncSession, viewer: Viewer, thread: str, form: FormData) -> None:
    await desk_work.link(session, viewer, thread, field(form, "kind"), field(form, "reference"), clock.today())


async def _unlink(session: AsyncSession, viewer: Viewer, thread: str, form: FormData) -> None:
    await desk_work.unlink(session, viewer, thread, field(form, "kind"), field(form, "reference"))


async def _answer(session: AsyncSession, viewer: Viewer, thread: str, form: FormData) -> None:
    upload = form.get("sealed_file")
    sealed = b""
    if isinstance(upload, UploadFile):
        sealed = await upload.read(LARGEST_ANSWER)
    if not sealed:
        try:
            sealed = base64.b64decode(field(form, "sealed"), validate=True)
        except (binascii.Error, ValueError):
            sealed = b""
    await desk_work.keep_answer(session, viewer, thread, sealed, clock.today())


STEPS: Final[dict[str, Step]] = {
    "acknowledge": _forward,
    "examine": _forward,
    "close": _forward,
    "link": _link,
    "unlink": _unlink,
    "answer": _answer,
}


@router.post("/tips/{thread}")
async def act(request: Request, thread: str) -> Response:
    """Carry out the step that a form names; answers come sealed."""
    form = await request.form(max_files=1, max_fields=10, max_part_size=LARGEST_ANSWER)
    check_form_token(request, form.get("form_token"))
    try:
        async with viewing(request) as session:
            viewer: Viewer = request.state.viewer
            if viewer.kind != "person":
                return to_sign_in(request)
            await step_named(STEPS, form)(session, viewer, thread, form)
    except (BadInput, Conflict, NotAllowed, NotFound) as error:
        if isinstance(error, NotFound | NotAllowed):
            raise
        return await _report(request, thread, error)
    return RedirectResponse(f"/tips/{thread}", 303)


@router.get("/tip-parts/{part}")
async def sealed_part(request: Request, part: str) -> Response:
    """A part without the month's seal, still sealed to the desk's people: for the page's script or a download."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind != "person":
            return to_sign_in(request)
        found = await desk_work.part_of(session, viewer, part)

    async def chunks() -> AsyncIterator[bytes]:
        start = 0
        while True:
            # A few at a time: a slow line holds no transaction open.
            async with viewing(request) as session:
                some = await desk_work.some_chunks(session, part, start)
            for one in some:
                yield one
            start += len(some)
            if not some:
                return

    return StreamingResponse(
        without_outer_seal(chunks(), outer_identity(found["outer_month"])),
        media_type="application/octet-stream",
        headers={"content-disposition": f'attachment; filename="{part}.age"'},
    )


@router.post("/tip-parts/{part}")
async def sealed_again(request: Request, part: str) -> Response:
    """Take a part that was sealed again to the desk's present keys: the bytes as they are, the token in a header."""
    check_form_token(request, request.headers.get("x-form-token"))
    async with viewing(request) as session:
        await _resealing_desk(request, session)
    # Read while no transaction is open, by somebody who may send it.
    sealed = await request.body()
    async with viewing(request) as session:
        desk = await _resealing_desk(request, session)
        await desk_work.replace_part(session, request.state.viewer, part, sealed, desk.sealed_to)
    return Response(status_code=204)


async def _resealing_desk(request: Request, session: AsyncSession) -> Desk:
    viewer: Viewer = request.state.viewer
    viewer.require("decide")
    desk = await _desk(session, viewer)
    if desk is None or not desk.can_receive:
        raise Conflict("The desk has no confirmed keys to seal to.", remedy="Have the new key confirmed first.")
    return desk


def key_groups(desk: Desk | None) -> dict[str, Any]:
    """The desk's present keys, as `threegates tips reseal` and the page's script take them."""
    if desk is None:
        return {}
    return {"desk": desk.id, "two_people": desk.two_people, "A": list(desk.group_a), "B": list(desk.group_b)}
