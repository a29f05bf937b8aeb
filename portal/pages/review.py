"""The review queue: records that await a person, each beside the projects it may belong to; made for the keyboard."""

from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import review_words
from portal.choosing import sort_out
from portal.error_words import in_reader_language
from portal.language import current_language
from portal.rendering import render
from portal.signing import carry_out, chosen, errors_of, field, number, to_sign_in
from portal.viewing import viewing
from registry import clock
from registry.acts import OVERCAPACITY_SECTORS
from registry.choices import region_asked
from registry.credit_reads import note_credit_read
from registry.errors import BadInput, NotFound, ThreegatesError
from registry.identifiers import BadIdentifier, project_code
from registry.project_file import project_by_code
from registry.reading import first, rows
from registry.review_file import ReviewFile, review_file
from registry.review_queue import ReviewFilter, list_reviews, next_review, review_progress
from registry.reviewing import VERDICTS, Saying, decide, undo
from registry.viewers import Viewer

router = APIRouter()

FIELDS: Final = ("reason", "project_ids", "other", "sector", "verdict")
_FILTERS: Final = ("state", "agency", "province", "sector", "lane", "band", "stake")


async def _agencies(session: AsyncSession) -> list[tuple[str, str]]:
    name = "name_zh" if current_language() == "zh" else "name_en"
    found = await rows(
        session,
        f"SELECT a.id, a.{name} AS name FROM agencies AS a WHERE a.id IN (SELECT agency_id FROM feeds) ORDER BY a.id",
    )
    return [(row["id"], row["name"] or row["id"]) for row in found]


def _wanted(asked: dict[str, str], agencies: list[tuple[str, str]]) -> tuple[ReviewFilter, dict[str, str]]:
    """The filter as far as its values are known, and a message for each of the others."""
    tables: dict[str, Any] = {name: name for name in ("sector", "lane", "province")}
    words = {"state": review_words.STATES, "band": review_words.BANDS, "stake": review_words.STAKES}
    tables |= {name: review_words.options(table) for name, table in words.items()} | {"agency": agencies}
    kept, errors = sort_out({name: (asked[name],) for name in _FILTERS if asked.get(name)}, tables)
    values: dict[str, Any] = {name: found[0] for name, found in kept.items()}
    if "province" in values:
        values["province"] = values["province"][:2]
    if "stake" in values:
        values["stake"] = values["stake"] == "yes"
    return ReviewFilter(region=region_of(asked.get("region", ""), errors), **values), errors


def region_of(asked: str, errors: dict[str, str]) -> str | None:
    """The code of the region that a filter names; what there is not is said among the errors."""
    try:
        return region_asked(asked.replace("\x00", "")[:60])
    except BadInput as unknown:
        errors["region"] = f"{in_reader_language(unknown.message)}{in_reader_language(unknown.remedy)}"
        return None


def _query(wanted: ReviewFilter, **more: object) -> str:
    asked = wanted.asked()
    if "stake" in asked:
        asked["stake"] = "yes" if wanted.stake else "no"
    values = {**asked, **{name: str(value) for name, value in more.items() if value}}
    return f"?{urlencode(values)}" if values else ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _asked(request: Request) -> dict[str, str]:
    return {name: value for name, value in request.query_params.items() if "\x00" not in value}


@router.get("/review")
async def queue(request: Request, cursor: str = "", done: str = "") -> Response:
    """The queue with its filters."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind == "public":
            return to_sign_in(request)
        agencies = await _agencies(session)
        wanted, errors = _wanted(_asked(request), agencies)
        page = await list_reviews(session, viewer, wanted, clock.now(), cursor=cursor)
        await note_credit_read(session, viewer, "review", "", records=page.items)
        progress = await review_progress(session, viewer, clock.now())
        told = await _told(session, viewer, done)
    return render(
        request,
        "review_queue.html",
        page=page,
        wanted=wanted,
        query=_query(wanted),
        errors=errors,
        progress=progress,
        agencies=agencies,
        done=told,
        said=review_words.said,
        words_of=review_words,
    )


async def _told(session: AsyncSession, viewer: Viewer, done: str) -> dict[str, Any] | None:
    """The decision that was just made, to say so and to offer its undoing; only one's own."""
    if not _is_number(done):
        return None
    return await first(
        session,
        "SELECT d.id, d.record_id, d.verdict, d.in_force, d.suspected_id, u.record_id AS undone_record "
        "FROM link_decisions AS d LEFT JOIN link_decisions AS u ON u.id = d.undoes "
        "WHERE d.id = :id AND d.account_id = :account "
        "AND NOT EXISTS (SELECT FROM link_decisions AS later WHERE later.undoes = d.id)",
        id=int(done),
        account=viewer.account_id,
    )


@router.get("/review/next")
async def go_on(request: Request, after: str = "", done: str = "") -> Response:
    """To the next record of the same filter; back to the queue when there is none."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind == "public":
            return to_sign_in(request)
        wanted, _errors = _wanted(_asked(request), await _agencies(session))
        skipped = int(after) if _is_number(after) else None
        found = await next_review(session, viewer, wanted, clock.now(), after=skipped)
    place = f"/review/{found}" if found is not None else "/review"
    return RedirectResponse(place + _query(wanted, done=done), 303)


@router.get("/review/{record_id:int}")
async def item(request: Request, record_id: int, done: str = "") -> Response:
    """One record beside its candidates."""
    return await _item(request, record_id, done=done)


async def _item(
    request: Request,
    record_id: int,
    *,
    done: str = "",
    form: FormData | None = None,
    error: ThreegatesError | None = None,
) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind == "public":
            return to_sign_in(request)
        wanted, _errors = _wanted(_asked(request), await _agencies(session))
        file = await review_file(session, viewer, record_id, clock.now())
        await note_credit_read(session, viewer, "record", str(record_id), records=[file])
        progress = await review_progress(session, viewer, clock.now())
        told = await _told(session, viewer, done)
    errors, general = errors_of(error, FIELDS)
    return render(
        request,
        "review.html",
        status=error.status if error else 200,
        file=file,
        progress=progress,
        query=_query(wanted),
        done=told,
        errors=errors,
        general=general,
        values=_values(file, form),
        sectors=OVERCAPACITY_SECTORS,
        said=review_words.said,
        words_of=review_words,
        strongest=max((abs(one.weight) for card in file.candidates for one in card.explanation), default=1.0) or 1.0,
    )


def _values(file: ReviewFile, form: FormData | None) -> dict[str, Any]:
    """What the form shows: what was typed, else what the first opinion said, else the likeliest candidate."""
    if form is not None:
        return {
            "verdict": field(form, "verdict"),
            "project_ids": [int(one) for one in chosen(form, "project_ids") if _is_number(one)],
            "other": field(form, "other"),
            "reason": field(form, "reason"),
            "usual": field(form, "usual"),
            "suspected": field(form, "suspected"),
            "sector": field(form, "sector"),
        }
    best = file.candidates[0] if file.candidates else None
    likely = best is not None and best.score is not None and best.score >= 0.5 and not best.rejected
    return {"project_ids": [best.project_id] if best is not None and likely else [], "sector": file.sector or ""}


@router.post("/review/undo")
async def take_back(request: Request) -> Response:
    """Undo one's own latest decision, then see its record again."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        reason = field(form, "reason") or review_words.reasons("undo")[0]
        decided = await undo(session, viewer, number(form, "decision") or 0, reason, clock.now())
        return RedirectResponse(f"/review/{decided.record_id}{_again(request, done=decided.decision_id)}", 303)

    async def refused(form: FormData, error: ThreegatesError) -> Response:
        raise error

    return await carry_out(request, work, refused)


def _again(request: Request, **more: object) -> str:
    """The same filter in the next address."""
    kept = {name: value for name, value in _asked(request).items() if name in _FILTERS}
    values = {**kept, **{name: str(value) for name, value in more.items() if value}}
    return f"?{urlencode(values)}" if values else ""


@router.post("/review/{record_id:int}")
async def say(request: Request, record_id: int) -> Response:
    """Decide, then on to the next."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        verdict = next((one for one in VERDICTS if one == field(form, "verdict")), None)
        if verdict is None:
            raise BadInput("No decision was chosen.", where="verdict", remedy="Choose one of those offered.")
        projects = {int(one) for one in chosen(form, "project_ids") if _is_number(one)}
        if verdict == "accept" and field(form, "other"):
            projects.add(await other_project(session, field(form, "other")))
        reason = "；".join(part for part in (field(form, "usual"), field(form, "reason")) if part)
        saying = Saying(
            record_id,
            verdict,
            reason or review_words.reasons(verdict)[0],
            # Rejecting means all that were offered, whichever are ticked.
            tuple(projects) if verdict == "accept" else (),
            suspected_id=number(form, "suspected"),
            apart=field(form, "suspected") == "new",
            sector=field(form, "sector") or None,
            seen=field(form, "seen") or None,
        )
        decided = await decide(session, viewer, saying, clock.now())
        after = record_id if verdict == "unsure" or not decided.in_force else ""
        return RedirectResponse(f"/review/next{_again(request, done=decided.decision_id, after=after)}", 303)

    return await carry_out(
        request, work, lambda form, error: _item(request, record_id, form=form, error=error), permission="decide"
    )


async def other_project(session: AsyncSession, text: str) -> int:
    """A project by its code, or by its number in the register as its address has it."""
    if _is_number(text):
        found = await first(session, "SELECT id FROM projects WHERE id = :id", id=int(text))
        if found is not None:
            return int(found["id"])
    try:
        return await project_by_code(session, project_code.parse(text).value)
    except (BadIdentifier, NotFound):
        raise BadInput(
            "No registered project has this code or number.", where="other", remedy="Copy it from the project's page."
        ) from None
