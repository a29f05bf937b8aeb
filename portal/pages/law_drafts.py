"""Drafted values of the law: drafted by one official, tried by a backtest, put in force or refused by a second."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.language import current_language
from portal.rendering import render
from portal.signing import carry_out, errors_of, field, number, to_sign_in
from portal.viewing import viewing
from registry import clock
from registry.errors import NotAllowed, NotFound, ThreegatesError
from registry.law_drafting import DraftValue, activate, ask_backtest, draft_value, drafts, newest_backtest
from registry.law_in_force import catalogue_in_force
from registry.proposals import refuse, withdraw
from registry.reading import region_names
from registry.viewers import Viewer

router = APIRouter()

FIELDS: Final = ("parameter", "region", "since", "value", "article", "quote_zh", "quote_en", "note", "reason")


@router.get("/rules/drafts")
async def all_drafts(request: Request) -> Response:
    """The drafts and the form of a new one."""
    return await _drafts(request)


async def _drafts(request: Request, error: ThreegatesError | None = None, form: FormData | None = None) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind != "person":
            return to_sign_in(request)
        viewer.require("internal")
        found = await drafts(session)
        law = (await catalogue_in_force(session)).law
    chinese = current_language() == "zh"
    parameters = sorted((name, one.title_zh if chinese else one.title_en) for name, one in law.parameters.items())
    articles = [
        (one.id, f"{one.title_zh}{one.clause_zh}" if chinese else f"{one.title_en}, {one.clause_en}")
        for one in law.articles.values()
    ]
    errors, general = errors_of(error, FIELDS)
    return render(
        request,
        "law_drafts.html",
        status=error.status if error else 200,
        drafts=found,
        titles=dict(parameters),
        parameters=parameters,
        articles=articles,
        may_draft=viewer.may("decide"),
        values={name: field(form, name) for name in FIELDS} if form else {},
        errors=errors,
        general=general,
    )


@router.post("/rules/drafts")
async def create(request: Request) -> Response:
    """Draft a value; its backtest is run by a job."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        value = DraftValue(*(field(form, name)[:4000] for name in FIELDS[:-1]))
        draft = await draft_value(session, viewer, value, field(form, "reason")[:2000], clock.now())
        return RedirectResponse(f"/rules/drafts/{draft}", 303)

    return await carry_out(request, work, lambda form, error: _drafts(request, error, form))


@router.get("/rules/drafts/{draft_id:int}")
async def one_draft(request: Request, draft_id: int) -> Response:
    """One draft with what it would change."""
    return await _draft(request, draft_id)


async def _draft(request: Request, draft_id: int, error: ThreegatesError | None = None) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind != "person":
            return to_sign_in(request)
        viewer.require("internal")
        found = next((one for one in await drafts(session) if one["id"] == draft_id), None)
        if found is None:
            raise NotFound("There is no such proposal.")
        current = await catalogue_in_force(session)
        ran = await newest_backtest(session, draft_id)
        result: dict[str, Any] = ran["result"] if ran else {}
        names = await region_names(session, [f"{code}0000" for code in result.get("by_province", {}) if code])
        region = found["content"]["region"]
        names |= await region_names(session, [region])
    parameter = current.law.parameters.get(found["subject"])
    article = current.law.articles.get(found["content"]["reference"]["article"])
    before = None
    if parameter is not None:
        held = dict(parameter.regions).get(region, parameter.values) if region else parameter.values
        before = next((one for one in reversed(held) if one.since.isoformat() <= found["content"]["since"]), None)
    _errors, general = errors_of(error, ())
    open_ = found["state"] == "open"
    stale = bool(open_ and ran and ran["ran_at"] and ran["law_digest"] != current.digest)
    return render(
        request,
        "law_draft.html",
        status=error.status if error else 200,
        draft=found,
        parameter=parameter,
        article=article,
        before=before,
        region_name=names.get(region, ""),
        backtest=ran,
        result=result,
        names=names,
        stale=stale,
        mine=viewer.account_id == found["owner_id"],
        may_decide=open_ and viewer.may("approve") and viewer.account_id != found["owner_id"],
        may_withdraw=open_ and viewer.account_id == found["owner_id"],
        may_ask=open_ and viewer.may("decide"),
        general=general,
    )


Step = Callable[[AsyncSession, Viewer, FormData], Awaitable[None]]


async def _step(request: Request, draft_id: int, step: Step) -> Response:
    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        await step(session, viewer, form)
        return RedirectResponse(f"/rules/drafts/{draft_id}", 303)

    return await carry_out(request, work, lambda form, error: _draft(request, draft_id, error))


@router.post("/rules/drafts/{draft_id:int}/activate")
async def put_in_force(request: Request, draft_id: int) -> Response:
    """Put it in force, as the second person."""

    async def step(session: AsyncSession, viewer: Viewer, form: FormData) -> None:
        version = number(form, "version") or 0
        await activate(session, viewer, draft_id, version, field(form, "decision")[:2000], clock.now())

    return await _step(request, draft_id, step)


@router.post("/rules/drafts/{draft_id:int}/refuse")
async def turn_down(request: Request, draft_id: int) -> Response:
    """Refuse it, as the second person, saying why."""

    async def step(session: AsyncSession, viewer: Viewer, form: FormData) -> None:
        version = number(form, "version") or 0
        await refuse(session, viewer, draft_id, version, field(form, "decision")[:2000], clock.now())

    return await _step(request, draft_id, step)


@router.post("/rules/drafts/{draft_id:int}/withdraw")
async def take_back(request: Request, draft_id: int) -> Response:
    """Take one's own draft back."""

    async def step(session: AsyncSession, viewer: Viewer, form: FormData) -> None:
        await withdraw(session, viewer, draft_id, number(form, "version") or 0, clock.now())

    return await _step(request, draft_id, step)


@router.post("/rules/drafts/{draft_id:int}/backtest")
async def try_again(request: Request, draft_id: int) -> Response:
    """Ask for the backtest again."""

    async def step(session: AsyncSession, viewer: Viewer, form: FormData) -> None:
        if not viewer.may("decide"):
            raise NotAllowed("Your roles do not allow this.", where="decide")
        await ask_backtest(session, draft_id, clock.now())

    return await _step(request, draft_id, step)
