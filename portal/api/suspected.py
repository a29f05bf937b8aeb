"""Suspected projects over the API, for officials: the list, one file, proposals about it and their settling."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from portal.api._idempotency import IdempotencyKey, answer_request
from portal.api._operations import Operation, needs
from portal.api._preconditions import IfMatch, seen_versions
from portal.api.reviews import Number
from portal.viewing import viewing
from registry import clock
from registry.choices import check_choice, region_asked
from registry.credit_reads import note_credit_read
from registry.errors import ChangedMeanwhile
from registry.suspect_file import SuspectFile, SuspectFilter, SuspectPage, list_suspects, suspect_file
from registry.suspect_writing import Action, draft_change, settle_change
from registry.viewers import Viewer

router = APIRouter(tags=["suspected"], route_class=Operation)

EXAMPLE: Final[dict[str, Any]] = {"action": "merge", "target": 7, "reason": "同一地块"}
SuspectState = Literal["open", "registered", "merged", "dismissed", "empty"]


class Proposal(BaseModel):
    """What shall be done with a suspected project, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    action: Action = Field(
        description="merge into suspected project target; split records off; register as project target; dismiss"
    )
    target: Number | None = None
    records: list[Number] = Field(default_factory=list, max_length=500, description="split: what goes into a new one")
    reason: str = Field(min_length=1, max_length=2000)


class Settling(BaseModel):
    """The second person's word, or the first's withdrawal."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"verdict": "approve", "version": 1}]})

    verdict: Literal["approve", "refuse", "withdraw"]
    decision: str = Field(default="", max_length=2000, description="why; needed to refuse")
    version: Number = Field(description="version of the proposal as it was read")


class Drafted(BaseModel):
    """The proposal that now waits."""

    proposal_id: int


class Settled(BaseModel):
    """The suspected project whose proposal was settled."""

    suspected_id: int


@router.get("/suspected", summary="疑似项目 · Suspected projects", openapi_extra=needs("read"))
async def suspects(
    request: Request,
    state: SuspectState | None = "open",
    sector: str | None = None,
    province: Annotated[str | None, Query(pattern=r"^\d{2}$")] = None,
    region: Annotated[str | None, Query(max_length=60, description="code or name, also of a former region")] = None,
    lanes: Annotated[int | None, Query(ge=1, le=3, description="shown by at least so many gates")] = None,
    q: Annotated[str | None, Query(max_length=100)] = None,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> SuspectPage:
    """Those that most gates show first."""
    async with viewing(request) as session:
        for name, value in (("sector", sector), ("province", province)):
            check_choice(name, value)
        q = (q or "").replace("\x00", "").strip() or None
        wanted = SuspectFilter(state, sector, province, region_asked(region), lanes, q)
        return await list_suspects(session, request.state.viewer, wanted, cursor=cursor, limit=limit)


@router.get("/suspected/{suspected_id}", summary="读取疑似项目 · Read a suspected project", openapi_extra=needs("read"))
async def suspected(request: Request, suspected_id: int) -> SuspectFile:
    """The file of one, with its records of every gate that the caller may see."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        file = await suspect_file(session, viewer, suspected_id)
        await note_credit_read(session, viewer, "suspected", str(suspected_id), records=file.records_of)
    request.state.project_state = str(file.version)
    return file


@router.post(
    "/suspected/{suspected_id}/proposals",
    summary="提议 · Propose a change",
    response_model=Drafted,
    openapi_extra=needs("read"),
)
async def propose(
    request: Request,
    suspected_id: int,
    body: Annotated[Proposal, Body()],
    idempotency_key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Draft a merger, a registration or a dismissal; another person approves it."""
    seen = seen_versions(if_match)

    async def work(session: AsyncSession, viewer: Viewer) -> Drafted:
        held = str((await suspect_file(session, viewer, suspected_id)).version)
        if held not in seen and seen != ["*"]:
            raise ChangedMeanwhile(
                "Somebody else changed this meanwhile.", remedy="Read it again and repeat the change."
            )
        number = await draft_change(
            session, viewer, suspected_id, body.action, body.target, body.reason, clock.now(), records=body.records
        )
        return Drafted(proposal_id=number)

    return await answer_request(request, idempotency_key, body, work)


@router.post(
    "/suspected/proposals/{proposal_id}/settle",
    summary="处理提议 · Settle a proposal",
    response_model=Settled,
    openapi_extra=needs("read"),
)
async def settle(
    request: Request, proposal_id: int, body: Annotated[Settling, Body()], idempotency_key: IdempotencyKey
) -> Response:
    """Approve or refuse as the second person, or take one's own back."""

    async def work(session: AsyncSession, viewer: Viewer) -> Settled:
        number = await settle_change(
            session, viewer, proposal_id, body.version, body.verdict, body.decision, clock.now()
        )
        return Settled(suspected_id=number)

    return await answer_request(request, idempotency_key, body, work)
