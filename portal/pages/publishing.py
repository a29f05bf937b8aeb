"""Preparing publications: the desk, a draft as it would be public, its approvals, and the letters against it."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Final

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.publication_words import law_of
from portal.rendering import render
from portal.security import check_form_token
from portal.signing import errors_of, field, number, step_named, to_sign_in
from portal.viewing import viewing
from registry import clock
from registry.errors import BadInput, Conflict, NotAllowed, NotFound, ThreegatesError
from registry.publishing import desk, hearing, press
from registry.publishing.drafting import correct, draft, drop, revise, submit
from registry.publishing.hearing import Letter
from registry.viewers import Viewer

router = APIRouter()

FIELDS: Final = (
    *("statement", "reason", "decision", "content", "received_on", "file_hash", "sender"),
    *("answer", "outcome", "refusal"),
)
# A reply of 20,000 characters is three times as many bytes, and more when it is sent.
LARGEST_FIELD: Final = 256 * 1024


def _enter(viewer: Viewer) -> None:
    if not viewer.may("internal") or not (viewer.may("publish") or viewer.may("decide") or viewer.may("approve")):
        viewer.require("publish")


@router.get("/publishing")
async def the_desk(request: Request) -> Response:
    """What should be public and is not, what is on its way, which letters wait."""
    return await _desk(request)


async def _desk(request: Request, error: ThreegatesError | None = None) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind != "person":
            return to_sign_in(request)
        _enter(viewer)
        missing = await desk.missing(session, clock.today())
        on_way = await desk.on_their_way(session, clock.today())
        letters = await desk.letters(session)
    _fields, general = errors_of(error, ())
    return render(
        request, "publishing.html", status=error.status if error else 200, missing=missing, on_way=on_way,
        letters=letters, general=general, may_draft=viewer.may("publish") or viewer.may("decide"),
    )  # fmt: skip


@router.post("/publishing")
async def create(request: Request) -> Response:
    """Draft one of those that should be public."""
    form = await _form(request)
    try:
        async with viewing(request) as session:
            viewer: Viewer = request.state.viewer
            if viewer.kind != "person":
                return to_sign_in(request)
            made = await draft(
                session, viewer, field(form, "kind"), field(form, "subject"), field(form, "statement"), clock.now()
            )
    except (BadInput, Conflict, NotAllowed, NotFound) as error:
        return await _desk(request, error)
    return RedirectResponse(f"/publishing/{made}", 303)


@router.get("/publishing/{publication_id:int}")
async def work(request: Request, publication_id: int) -> Response:
    """One publication: the exact page that the public will read, and what may be done with it."""
    return await _work(request, publication_id)


async def _work(
    request: Request, publication_id: int, error: ThreegatesError | None = None, form: FormData | None = None
) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind != "person":
            return to_sign_in(request)
        _enter(viewer)
        file = await desk.work_file(session, publication_id, clock.today())
    errors, general = errors_of(error, FIELDS)
    proposal = file["proposal"]
    hands = {proposal["drafted_by"], proposal["owner_id"], *proposal["drafted_for"]} if proposal else set()
    free = viewer.account_id not in hands and not viewer.acts_for & hands
    return render(
        request, "publishing_work.html", status=error.status if error else 200, law=law_of, errors=errors,
        general=general, values={name: field(form, name) for name in FIELDS} if form else {},
        step=field(form, "step") if form else "", today=clock.today(), **file,
        may_prepare=viewer.may("publish") or viewer.may("decide"),
        may_decide=bool(proposal) and viewer.may("approve") and free, may_answer=viewer.may("approve"),
    )  # fmt: skip


Step = Callable[[AsyncSession, Viewer, int, FormData], Awaitable[object]]


async def _revise(session: AsyncSession, viewer: Viewer, publication: int, form: FormData) -> None:
    seen = number(form, "version") or 0
    await revise(session, viewer, publication, field(form, "statement"), field(form, "reason"), seen, clock.now())


async def _submit(session: AsyncSession, viewer: Viewer, publication: int, form: FormData) -> None:
    await submit(session, viewer, publication, number(form, "version") or 0, clock.now())


async def _drop(session: AsyncSession, viewer: Viewer, publication: int, form: FormData) -> None:
    await drop(session, viewer, publication, clock.now())


async def _correct(session: AsyncSession, viewer: Viewer, publication: int, form: FormData) -> None:
    await correct(session, viewer, publication, field(form, "statement"), field(form, "reason"), clock.now())


async def _ask_withdrawal(session: AsyncSession, viewer: Viewer, publication: int, form: FormData) -> None:
    await press.ask_withdrawal(session, viewer, publication, field(form, "reason"), clock.now())


async def _approve(session: AsyncSession, viewer: Viewer, publication: int, form: FormData) -> None:
    asked, seen = number(form, "proposal") or 0, number(form, "version") or 0
    work = press.approve_withdrawal if field(form, "of") == press.WITHDRAWAL else press.approve
    await work(session, viewer, asked, seen, field(form, "decision"), clock.now())


async def _refuse(session: AsyncSession, viewer: Viewer, publication: int, form: FormData) -> None:
    asked, seen = number(form, "proposal") or 0, number(form, "version") or 0
    work = press.refuse_withdrawal if field(form, "of") == press.WITHDRAWAL else press.refuse
    await work(session, viewer, asked, seen, field(form, "decision"), clock.now())


async def _objection(session: AsyncSession, viewer: Viewer, publication: int, form: FormData) -> None:
    await hearing.receive_objection(session, viewer, publication, _letter(form), field(form, "sender"), clock.now())


async def _reply(session: AsyncSession, viewer: Viewer, publication: int, form: FormData) -> None:
    await hearing.receive_reply(session, viewer, publication, _letter(form), clock.now())


async def _appeal(session: AsyncSession, viewer: Viewer, publication: int, form: FormData) -> None:
    await hearing.receive_appeal(session, viewer, publication, _letter(form), clock.now())


async def _answer_objection(session: AsyncSession, viewer: Viewer, publication: int, form: FormData) -> None:
    letter, upheld = number(form, "letter") or 0, field(form, "outcome") == "upheld"
    await hearing.answer_objection(session, viewer, letter, field(form, "answer"), clock.now(), upheld=upheld)


async def _confirm_reply(session: AsyncSession, viewer: Viewer, publication: int, form: FormData) -> None:
    letter, whole = number(form, "letter") or 0, field(form, "outcome") == "whole"
    await hearing.confirm_reply(session, viewer, letter, clock.now(), whole=whole, refusal=field(form, "refusal"))


async def _answer_appeal(session: AsyncSession, viewer: Viewer, publication: int, form: FormData) -> None:
    letter, outcome = number(form, "letter") or 0, field(form, "outcome")
    await hearing.answer_appeal(session, viewer, letter, field(form, "answer"), outcome, clock.now())


STEPS: Final[dict[str, Step]] = {
    "revise": _revise,
    "submit": _submit,
    "drop": _drop,
    "correct": _correct,
    "ask-withdrawal": _ask_withdrawal,
    "approve": _approve,
    "refuse": _refuse,
    "objection": _objection,
    "reply": _reply,
    "appeal": _appeal,
    "answer-objection": _answer_objection,
    "confirm-reply": _confirm_reply,
    "answer-appeal": _answer_appeal,
}


@router.post("/publishing/{publication_id:int}")
async def act(request: Request, publication_id: int) -> Response:
    """Carry out the step that a form names; a refusal shows the page again with what was typed."""
    form = await _form(request)
    try:
        async with viewing(request) as session:
            viewer: Viewer = request.state.viewer
            if viewer.kind != "person":
                return to_sign_in(request)
            await step_named(STEPS, form)(session, viewer, publication_id, form)
    except (BadInput, Conflict, NotAllowed, NotFound) as error:
        return await _work(request, publication_id, error, form)
    return RedirectResponse(f"/publishing/{publication_id}", 303)


async def _form(request: Request) -> FormData:
    form = await request.form(max_files=0, max_fields=30, max_part_size=LARGEST_FIELD)
    check_form_token(request, form.get("form_token"))
    return form


def _letter(form: FormData) -> Letter:
    try:
        received_on = date.fromisoformat(field(form, "received_on"))
    except ValueError:
        raise BadInput("This is not a date.", where="received_on", remedy="Write it like 2014-06-01.") from None
    return Letter(received_on, field(form, "content"), field(form, "file_hash").lower())
