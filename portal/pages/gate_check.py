"""Asking at the gate by hand: the form, the answer as a page and as a letter, one's own checks, notices and marks."""

import secrets
from datetime import datetime
from io import BytesIO
from typing import Any, Final

import orjson
import segno
from fastapi import APIRouter
from markupsafe import Markup
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.choosing import sort_out
from portal.csv_tables import MOST_EXPORTED, csv_table
from portal.gate_desk import desk
from portal.language import current_language
from portal.rendering import render
from portal.signing import errors_of, person_form, to_sign_in
from portal.viewing import viewing
from portal.words import choices
from registry.credit_reads import note_credit_read
from registry.errors import BadInput, Conflict, ThreegatesError
from registry.gate.check_list import ReceiptFile, list_checks, receipt_at
from registry.gate.checks import Ask, ask_again
from registry.gate.marks import MarkedAct, MarkPage, list_marks
from registry.gate.questions import GATE_ACTS, Question
from registry.gate.signing import published_keys
from registry.gate.watch import list_notices
from registry.identifiers import BadIdentifier, uscc
from registry.import_problems import ItemsRejected, read_items
from registry.reading import region_names
from registry.viewers import Viewer

router = APIRouter()

FIELDS: Final = (
    *("act", "code", "name", "place", "product", "party", "kind"),
    *("amount", "area", "capacity", "months", "on", "reference"),
)
KINDS: Final = ("construction", "working_capital", "merger", "refinancing")
# The field of the form behind each path of a question.
PLACES: Final = {
    "project": "code",
    "project.code": "code",
    "project.name": "name",
    "project.place": "place",
    "project.product": "product",
    "party": "party",
    "party.uscc": "party",
    "party.name": "party",
    "area_hectares": "area",
    "capacities.0.amount": "capacity",
    "capacities.0.product": "product",
    "lane": "act",
}


async def gate_viewer(request: Request) -> Viewer | None:
    """The viewer who may ask; None where somebody has to sign in first; raises NotAllowed."""
    async with viewing(request):
        viewer: Viewer = request.state.viewer
    if viewer.kind == "public":
        return None
    viewer.require("gate")
    return viewer


@router.get("/gate-check")
async def form(request: Request) -> Response:
    """The form; what an answer suggested is filled in."""
    if await gate_viewer(request) is None:
        return to_sign_in(request)
    given = {name: request.query_params.get(name, "") for name in FIELDS}
    return _form(request, given, {}, [])


def _form(
    request: Request, values: dict[str, str], errors: dict[str, str], general: list[str], status: int = 200
) -> Response:
    return render(
        request,
        "gate_check.html",
        status=status,
        values=values,
        errors=errors,
        general=general,
        acts=[(code, word) for code, word in choices("act") if code in GATE_ACTS],
        kinds=[(code, word) for code, word in choices("record_kind") if code in KINDS],
        # The same form sent twice is one question.
        once=secrets.token_urlsafe(16),
    )


@router.post("/gate-check")
async def ask(request: Request) -> Response:
    """Ask what the form says."""
    sent = await person_form(request)
    viewer = await gate_viewer(request)
    if viewer is None:
        return to_sign_in(request)
    values = {name: str(sent.get(name, "")).strip() for name in FIELDS}
    once = str(sent.get("once", ""))[:64]
    try:
        questions, _rows, problems = read_items(Question, [_question(values)])
        if problems:
            raise ItemsRejected(problems)
        asked = Ask(questions[0], viewer, f"form:{once}" if len(once) >= 16 else None)
        given = await desk(request).ask(asked)
    except (BadInput, Conflict) as error:
        errors, general = _at_fields(error)
        return _form(request, values, errors, general, error.status)
    return RedirectResponse(f"/gate-check/receipts/{orjson.loads(given.receipt)['id']}", 303)


def _question(values: dict[str, str]) -> dict[str, Any]:
    """A question from the fields of the form; an empty field says nothing."""
    party = values["party"]
    project = {"code": values["code"], "name": values["name"], "place": values["place"], "product": values["product"]}
    question: dict[str, Any] = {
        "act": values["act"],
        "project": {name: value for name, value in project.items() if value},
        "party": {"uscc" if _is_code(party) else "name": party} if party else None,
        "kind": values["kind"] if values["act"] == "loan" else "",
        "amount": values["amount"].replace(",", "").replace("，", ""),
        "area_hectares": values["area"],
        "months": values["months"],
        "on": values["on"],
        "reference": values["reference"],
    }
    if values["capacity"]:
        capacity = {"amount": values["capacity"].replace(",", ""), "unit": "t/a"}
        question["capacities"] = [capacity | ({"product": values["product"]} if values["product"] else {})]
    return {name: value for name, value in question.items() if value or name == "project"}


def _is_code(party: str) -> bool:
    try:
        uscc.parse(party)
    except BadIdentifier:
        return party.isascii()
    return True


def _at_fields(error: ThreegatesError) -> tuple[dict[str, str], list[str]]:
    if not isinstance(error, ItemsRejected):
        return errors_of(error, FIELDS)
    errors: dict[str, str] = {}
    for one in error.problems:
        place = PLACES.get(one.column, one.column)
        errors.setdefault(place if place in FIELDS else "act", one.say(current_language()))
    return errors, []


@router.get("/gate-check/receipts/{address}")
async def answer(request: Request, address: str) -> Response:
    """The answer, for whoever has its address."""
    file, document, regions = await _receipt(request, address)
    own = file.is_of(request.state.viewer)
    return render(request, "gate_answer.html", file=file, receipt=document, regions=regions, own=own)


@router.get("/gate-check/receipts/{address}/letter")
async def letter(request: Request, address: str) -> Response:
    """The answer as a letter that quotes the articles in Chinese, to be printed."""
    file, document, regions = await _receipt(request, address)
    link = f"{request.url.scheme}://{request.url.netloc}{document['address']}"
    return render(
        request,
        "gate_letter.html",
        file=file,
        receipt=document,
        regions=regions,
        written_on=datetime.fromisoformat(document["asked_at"]),
        link=link,
        picture=_picture(link),
    )


@router.get("/gate-check/receipts/{address}/receipt.json")
async def download(request: Request, address: str) -> Response:
    """The signed document itself."""
    async with viewing(request) as session:
        file = await receipt_at(session, address)
    headers = {"content-disposition": f'attachment; filename="gate-check-{address[:8]}.json"'}
    return Response(file.receipt, media_type="application/json", headers=headers)


async def _receipt(request: Request, address: str) -> tuple[ReceiptFile, dict[str, Any], dict[str, str]]:
    async with viewing(request) as session:
        file = await receipt_at(session, address)
        document: dict[str, Any] = orjson.loads(file.receipt)
        regions = await _regions(session, document)
    return file, document, regions


async def _regions(session: AsyncSession, document: dict[str, Any]) -> dict[str, str]:
    named = [document["project"], *document["candidates"]]
    return await region_names(session, [one.get("region") for one in named if one])


def _picture(link: str) -> Markup:
    """The address as a QR code."""
    stream = BytesIO()
    segno.make(link, error="m").save(
        stream, kind="svg", scale=3, border=2, xmldecl=False, svgns=True, title=link, svgclass=None, lineclass=None
    )
    return Markup(stream.getvalue().decode())  # noqa: S704  # made here from an address of our own


@router.post("/gate-check/receipts/{address}/re-check")
async def again(request: Request, address: str) -> Response:
    """Ask again, by what is known today."""
    await person_form(request)
    viewer = await gate_viewer(request)
    if viewer is None:
        return to_sign_in(request)
    async with viewing(request) as session:
        asked = await ask_again(session, viewer, address)
    given = await desk(request).ask(asked)
    return RedirectResponse(f"/gate-check/receipts/{orjson.loads(given.receipt)['id']}", 303)


@router.get("/gate-check/mine")
async def mine(request: Request, answer: str = "", lane: str = "", cursor: str = "") -> Response:
    """The checks of one's organisation, newest first."""
    viewer = await gate_viewer(request)
    if viewer is None:
        return to_sign_in(request)
    chosen, errors = _chosen({"answer": answer, "lane": lane})
    async with viewing(request) as session:
        page = await list_checks(session, viewer, answer=chosen.get("answer"), lane=chosen.get("lane"), cursor=cursor)
    return render(request, "gate_mine.html", page=page, wanted=chosen, errors=errors)


def _chosen(asked: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    kept, errors = sort_out({name: (value,) for name, value in asked.items() if value}, {name: name for name in asked})
    return {name: values[0] for name, values in kept.items()}, errors


@router.get("/gate-check/notices")
async def notices(request: Request, cursor: str = "") -> Response:
    """What became of projects that one was allowed to serve."""
    viewer = await gate_viewer(request)
    if viewer is None:
        return to_sign_in(request)
    async with viewing(request) as session:
        page = await list_notices(session, viewer, cursor=cursor)
    return render(request, "gate_notices.html", page=page)


@router.get("/gate-check/marks")
async def marks(
    request: Request, mark: str = "", lane: str = "", province: str = "", project: int | None = None, cursor: str = ""
) -> Response:
    """Acts without a gate check or against one, of all projects or of one."""
    viewer = await gate_viewer(request)
    if viewer is None:
        return to_sign_in(request)
    chosen, errors = _chosen({"mark": mark, "lane": lane, "province": province})
    page = await _marked(request, chosen, project, cursor=cursor)
    return render(request, "gate_marks.html", page=page, wanted=chosen, errors=errors)


@router.get("/gate-check/marks.csv")
async def marks_table(
    request: Request, mark: str = "", lane: str = "", province: str = "", project: int | None = None
) -> Response:
    """The same acts as a table, latest first."""
    if await gate_viewer(request) is None:
        return to_sign_in(request)
    chosen, _errors = _chosen({"mark": mark, "lane": lane, "province": province})
    page = await _marked(request, chosen, project, limit=MOST_EXPORTED)
    return csv_table("gate-marks.csv", tuple(MarkedAct.model_fields), page.items)


async def _marked(
    request: Request, chosen: dict[str, str], project: int | None, *, cursor: str = "", limit: int = 25
) -> MarkPage:
    async with viewing(request) as session:
        page = await list_marks(
            session,
            mark=chosen.get("mark"),
            lane=chosen.get("lane"),
            province=chosen.get("province"),
            project=project,
            cursor=cursor,
            limit=limit,
        )
        await note_credit_read(session, request.state.viewer, "record", "", records=page.items)
        return page


@router.get("/gate-check/keys.json")
async def keys(request: Request) -> Response:
    """The published keys, as `threegates gate verify --keys` reads them."""
    async with viewing(request) as session:
        found = await published_keys(session)
    return Response(orjson.dumps({"keys": found}, option=orjson.OPT_INDENT_2), media_type="application/json")
