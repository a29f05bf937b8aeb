"""Reviews over the API: the queue, one record beside its candidates, deciding and undoing; for people who sign in."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from portal.api._idempotency import IdempotencyKey, answer_request
from portal.api._operations import Operation, needs
from portal.api._preconditions import IfMatch, seen_versions
from portal.viewing import viewing
from registry import clock
from registry.choices import check_choice, region_asked
from registry.credit_reads import note_credit_read
from registry.reading import LARGEST_NUMBER
from registry.review_file import ReviewFile, review_file
from registry.review_queue import Band, ReviewFilter, ReviewPage, ReviewProgress, State, review_progress
from registry.review_queue import list_reviews as list_them
from registry.reviewing import LONGEST_REASON, MOST_PROJECTS, Decided, Saying, Verdict, decide
from registry.reviewing import undo as take_back
from registry.viewers import Viewer

router = APIRouter(tags=["reviews"], route_class=Operation)

EXAMPLE: Final[dict[str, Any]] = {"verdict": "accept", "project_ids": [1024], "reason": "名称、单位和地点相符"}
# What names a project, a record or the like.
Number = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]


class Decision(BaseModel):
    """What a person says about a record, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    verdict: Verdict = Field(
        description="accept: it belongs to project_ids; reject: to none of them (default: of all candidates); "
        "new_project: to none that is registered; unsure: somebody else shall look"
    )
    reason: str = Field(min_length=1, max_length=LONGEST_REASON)
    project_ids: list[Number] = Field(default_factory=list, max_length=MOST_PROJECTS)
    suspected_id: Number | None = Field(default=None, description="new_project: the suspected project it goes into")
    apart: bool = Field(default=False, description="new_project: into a new one, whichever it is in now")
    sector: str | None = Field(default=None, description="new_project: where the record does not show it")


class Undoing(BaseModel):
    """Why a decision is taken back."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "操作有误"}]})

    reason: str = Field(min_length=1, max_length=LONGEST_REASON)


@router.get("/reviews", summary="核查队列 · The review queue", openapi_extra=needs("read"))
async def reviews(
    request: Request,
    state: State = "open",
    agency: str | None = None,
    province: Annotated[str | None, Query(pattern=r"^\d{2}$")] = None,
    region: Annotated[str | None, Query(max_length=60, description="code or name, also of a former region")] = None,
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
        wanted = ReviewFilter(state, agency, province, region_asked(region), sector, lane, band, stake)
        viewer: Viewer = request.state.viewer
        page = await list_them(session, viewer, wanted, clock.now(), cursor=cursor, limit=limit)
        await note_credit_read(session, viewer, "review", "", records=page.items)
        return page


@router.get("/reviews/progress", summary="核查进度 · Progress of the queue", openapi_extra=needs("read"))
async def progress(request: Request) -> ReviewProgress:
    """Counts for the caller's lanes and region."""
    async with viewing(request) as session:
        return await review_progress(session, request.state.viewer, clock.now())


@router.get("/reviews/{record_id}", summary="核查一条记录 · A record under review", openapi_extra=needs("read"))
async def review(request: Request, record_id: int) -> ReviewFile:
    """The record beside its candidates, with what speaks for each; the ETag is wanted when deciding."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        file = await review_file(session, viewer, record_id, clock.now())
        await note_credit_read(session, viewer, "record", str(record_id), records=[file])
    request.state.project_state = file.version
    return file


@router.post(
    "/reviews/{record_id}/decisions",
    summary="作出结论 · Decide about a record",
    response_model=Decided,
    openapi_extra=needs("read"),
)
async def say(
    request: Request,
    record_id: int,
    body: Annotated[Decision, Body()],
    idempotency_key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Decide; above the stake the decision is in force when another person says the same."""
    seen = seen_versions(if_match)[0]

    async def work(session: AsyncSession, viewer: Viewer) -> Decided:
        saying = Saying(
            record_id,
            body.verdict,
            body.reason,
            tuple(body.project_ids),
            suspected_id=body.suspected_id,
            apart=body.apart,
            sector=body.sector,
            seen=None if seen == "*" else seen,
        )
        return await decide(session, viewer, saying, clock.now())

    return await answer_request(request, idempotency_key, body, work)


@router.post(
    "/reviews/decisions/{decision_id}/undo",
    summary="撤销结论 · Undo a decision",
    response_model=Decided,
    openapi_extra=needs("read"),
)
async def undo(
    request: Request, decision_id: int, body: Annotated[Undoing, Body()], idempotency_key: IdempotencyKey
) -> Response:
    """Take the latest decision on a record back; it stays in the record's history."""

    async def work(session: AsyncSession, viewer: Viewer) -> Decided:
        return await take_back(session, viewer, decision_id, body.reason, clock.now())

    return await answer_request(request, idempotency_key, body, work)
