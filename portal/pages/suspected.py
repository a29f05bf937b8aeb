"""Suspected projects for officials: the list, and the file of one with what people draft and approve about it."""

from typing import Any, Final

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import review_words
from portal.choosing import sort_out
from portal.pages.review import other_project, region_of
from portal.rendering import render
from portal.signing import carry_out, chosen, errors_of, field, number, to_sign_in
from portal.viewing import viewing
from registry import clock
from registry.credit_reads import note_credit_read
from registry.errors import BadInput, ThreegatesError
from registry.suspect_file import SuspectFilter, list_suspects, suspect_file
from registry.suspect_writing import ACTIONS, draft_change, settle_change
from registry.viewers import Viewer

router = APIRouter()

FIELDS: Final = ("action", "target", "records", "other", "reason", "decision")
_FILTERS: Final = ("state", "sector", "province", "lanes")
_GATES: Final = ("1", "2", "3")
LONGEST_QUERY: Final = 100


@router.get("/suspected")
async def suspects(request: Request, q: str = "", cursor: str = "") -> Response:
    """The list: those that most gates show first."""
    asked = {name: request.query_params.get(name, "") for name in _FILTERS}
    states = [*review_words.options(review_words.SUSPECT_STATES), ("all", "")]
    tables: dict[str, Any] = {"sector": "sector", "province": "province", "state": states}
    tables["lanes"] = [(count, count) for count in _GATES]
    kept, errors = sort_out({name: (value,) for name, value in asked.items() if value}, tables)
    values = {name: found[0] for name, found in kept.items()}
    state = values.get("state", "open")
    within = region_of(request.query_params.get("region", ""), errors)
    q = q.replace("\x00", "").strip()[:LONGEST_QUERY]
    wanted = SuspectFilter(
        state=None if state == "all" else state,
        sector=values.get("sector"),
        province=values["province"][:2] if "province" in values else None,
        region=within,
        lanes=int(values["lanes"]) if "lanes" in values else None,
        q=q or None,
    )
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind == "public":
            return to_sign_in(request)
        page = await list_suspects(session, viewer, wanted, cursor=cursor)
    return render(
        request,
        "suspected_list.html",
        page=page,
        wanted=wanted,
        errors=errors,
        said=review_words.said,
        words_of=review_words,
    )


@router.get("/suspected/{suspected_id:int}")
async def suspected(request: Request, suspected_id: int, saved: str = "") -> Response:
    """The file of one."""
    return await _file(request, suspected_id, saved=bool(saved))


async def _file(
    request: Request,
    suspected_id: int,
    *,
    saved: bool = False,
    form: FormData | None = None,
    error: ThreegatesError | None = None,
) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind == "public":
            return to_sign_in(request)
        file = await suspect_file(session, viewer, suspected_id)
        await note_credit_read(session, viewer, "suspected", str(suspected_id), records=file.records_of)
    errors, general = errors_of(error, FIELDS)
    return render(
        request,
        "suspected.html",
        status=error.status if error else 200,
        file=file,
        saved=saved,
        errors=errors,
        general=general,
        values={name: field(form, name) for name in FIELDS} | {"records": chosen(form, "records")} if form else {},
        waiting=next((one for one in file.proposals if one.state == "open"), None),
        said=review_words.said,
        words_of=review_words,
    )


@router.post("/suspected/{suspected_id:int}/draft")
async def propose(request: Request, suspected_id: int) -> Response:
    """Draft a merger, a split, a registration or a dismissal for another person to approve."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        action = next((one for one in ACTIONS if one == field(form, "action")), None)
        if action is None:
            raise BadInput("No decision was chosen.", where="action", remedy="Choose one of those offered.")
        target = number(form, "target")
        if action == "register":
            target = await other_project(session, field(form, "other"))
        apart = [int(one) for one in chosen(form, "records") if one.isascii() and one.isdecimal() and len(one) < 19]
        await draft_change(
            session, viewer, suspected_id, action, target, field(form, "reason"), clock.now(), records=apart
        )
        return RedirectResponse(f"/suspected/{suspected_id}?saved=1", 303)

    return await carry_out(request, work, lambda form, error: _file(request, suspected_id, form=form, error=error))


@router.post("/suspected/{suspected_id:int}/settle")
async def settle(request: Request, suspected_id: int) -> Response:
    """Approve or refuse as the second person, or take one's own proposal back."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        asked = field(form, "verdict")
        if asked not in ("approve", "refuse", "withdraw"):
            raise BadInput("No decision was chosen.", where="decision", remedy="Choose one of those offered.")
        version = number(form, "version") or 0
        proposal_id = number(form, "proposal") or 0
        decision = field(form, "decision")
        if asked == "approve":
            await settle_change(session, viewer, proposal_id, version, "approve", decision, clock.now())
        elif asked == "refuse":
            await settle_change(session, viewer, proposal_id, version, "refuse", decision, clock.now())
        else:
            await settle_change(session, viewer, proposal_id, version, "withdraw", decision, clock.now())
        return RedirectResponse(f"/suspected/{suspected_id}?saved=1", 303)

    return await carry_out(request, work, lambda form, error: _file(request, suspected_id, form=form, error=error))
