"""Reviews over the API: the queue, one record beside its candidates, deciding and undoing; for people who sign in."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Header, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from portal.api._idempotency import answer_once
from portal.api._versions import etag, refuse_foreign_pages, version_of
from portal.viewing import KeyNeeded, viewing
from registry import clock
from registry.choices import check_choice
from registry.review_file import ReviewFile, review_file
from registry.review_queue import Band, ReviewFilter, ReviewPage, ReviewProgress, State, review_progress
from registry.review_queue import list_reviews as list_them
from registry.reviewing import LONGEST_REASON, MOST_PROJECTS, Decided, Saying, Verdict, decide
from registry.reviewing import undo as take_back
from registry.viewers import Viewer

router = APIRouter(tags=["reviews"])

EXAMPLE: Final[dict[str, Any]] = {"verdict": "accept", "project_ids": [1024], "reason": "名称、单位和地点相符"}
IdempotencyKey = Annotated[str, Header(min_length=8, max_length=200, description="The same key, the same answer")]


class Decision(BaseModel):
    """What a person says about a record, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    verdict: Verdict = Field(
        description="accept: it belongs to project_ids; reject: to none of them (default: of all candidates); "
        "new_project: to none that is registered; unsure: somebody else shall look"
    )
    reason: str = Field(min_length=1, max_length=LONGEST_REASON)
    project_ids: list[int] = Field(default_factory=list, max_length=MOST_PROJECTS)
    suspected_id: int | None = Field(default=None, description="new_project: the suspected project it goes into")
    apart: bool = Field(default=False, description="new_project: into a new one, whichever it is in now")
    sector: str | None = Field(default=None, description="new_project: where the record does not show it")


class Undoing(BaseModel):
    """Why a decision is taken back."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "操作有误"}]})

    reason: str = Field(min_length=1, max_length=LONGEST_REASON)


def signed_in(request: Request) -> Viewer:
    """The viewer, unless it is the public."""
    viewer: Viewer = request.state.viewer
    if viewer.kind == "public":
        raise KeyNeeded("This is for officials.", remedy="Sign in, or send a key that may read what officials read.")
    return viewer


@router.get("/reviews", summary="核查队列 · The review queue")
async def reviews(
    request: Request,
    state: State = "open",
    agency: str | None = None,
    province: Annotated[str | None, Query(pattern=r"^\d{2}$")] = None,
    sector: str | None = None,
    lane: str | None = None,
    band: Band | None = None,
    stake: Annotated[bool | None, Query(description="true: above the stake, two people are needed")] = None,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ReviewPage:
    """Records that await a person, the likeliest right first; those decided latest first."""
    async with viewing(request) as session:
        for name, value in (("sector", sector), ("province", province), ("lane", lane)):
            check_choice(name, value)
        wanted = ReviewFilter(state, agency, province, sector, lane, band, stake)
        return await list_them(session, signed_in(request), wanted, clock.now(), cursor=cursor, limit=limit)


@router.get("/reviews/progress", summary="核查进度 · Progress of the queue")
async def progress(request: Request) -> ReviewProgress:
    """Counts for the caller's lanes and region."""
    async with viewing(request) as session:
        return await review_progress(session, signed_in(request), clock.now())


@router.get("/reviews/{record_id}", summary="核查一条记录 · A record under review")
async def review(request: Request, response: Response, record_id: int) -> ReviewFile:
    """The record beside its candidates, with what speaks for each; the ETag is wanted when deciding."""
    async with viewing(request) as session:
        file = await review_file(session, signed_in(request), record_id, clock.now())
    response.headers["etag"] = etag(file.version)
    return file


@router.post("/reviews/{record_id}/decisions", summary="作出结论 · Decide about a record", response_model=Decided)
async def say(
    request: Request,
    record_id: int,
    body: Annotated[Decision, Body()],
    idempotency_key: IdempotencyKey,
    if_match: Annotated[str | None, Header(description="The ETag of the review as it was read")] = None,
) -> Response:
    """Decide; above the stake the decision is in force when another person says the same."""
    refuse_foreign_pages(request)
    async with viewing(request) as session:
        viewer = signed_in(request)
        seen = version_of(if_match)

        async def work() -> Decided:
            saying = Saying(
                record_id,
                body.verdict,
                body.reason,
                tuple(body.project_ids),
                suspected_id=body.suspected_id,
                apart=body.apart,
                sector=body.sector,
                seen=seen,
            )
            return await decide(session, viewer, saying, clock.now())

        scope = f"reviews:{record_id}:{viewer.actor}"
        return await answer_once(session, scope, idempotency_key, body, work)


@router.post("/reviews/decisions/{decision_id}/undo", summary="撤销结论 · Undo a decision", response_model=Decided)
async def undo(
    request: Request, decision_id: int, body: Annotated[Undoing, Body()], idempotency_key: IdempotencyKey
) -> Response:
    """Take the latest decision on a record back; it stays in the record's history."""
    refuse_foreign_pages(request)
    async with viewing(request) as session:
        viewer = signed_in(request)

        async def work() -> Decided:
            return await take_back(session, viewer, decision_id, body.reason, clock.now())

        scope = f"reviews:undo:{decision_id}:{viewer.actor}"
        return await answer_once(session, scope, idempotency_key, body, work)
