"""Findings over the API."""

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
from registry.choices import check_choice
from registry.credit_reads import note_credit_read
from registry.deciding_findings import LONGEST_REASON, Decision, DecisionLine, decide, decisions_on
from registry.finding_list import FindingFile, FindingFilter, FindingPage, finding_file, list_findings
from registry.rules.reading import rules
from registry.viewers import Viewer

router = APIRouter(tags=["findings"], route_class=Operation)

EXAMPLE: Final[dict[str, Any]] = {"decision": "dismissed", "reason": "批准文件已核实，登记有误"}


class Deciding(BaseModel):
    """What a person decides on a finding, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    decision: Decision = Field(
        description="confirmed, dismissed, not_ours (another authority's), withdrawn (the last decision is taken back)"
    )
    reason: str = Field(min_length=1, max_length=LONGEST_REASON)


@router.get("/findings", summary="列出疑点 · List findings", openapi_extra=needs("read", public=True))
async def findings(
    request: Request,
    rule: str | None = None,
    lane: str | None = None,
    sector: str | None = None,
    province: Annotated[str | None, Query(pattern=r"^\d{2}$")] = None,
    basis: Annotated[str | None, Query(pattern="^(text|derived)$")] = None,
    state: Annotated[str, Query(pattern="^(open|closed|all)$")] = "open",
    project: int | None = None,
    decision: Annotated[str | None, Query(pattern="^(awaiting|confirmed|dismissed|not_ours)$")] = None,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> FindingPage:
    """Latest act first. A finding is a suspicion with evidence, never a proof."""
    check_choice("rule", rule, allowed=[one.id for one in rules()])
    for name, value in (("lane", lane), ("sector", sector), ("province", province)):
        check_choice(name, value)
    wanted = FindingFilter(rule, lane, sector, province, None if state == "all" else state, basis, project, decision)
    async with viewing(request) as session:
        page = await list_findings(session, wanted, request.state.viewer.audience, cursor=cursor, limit=limit)
        await note_credit_read(session, request.state.viewer, "finding", "", findings=page.items)
        return page


@router.get("/findings/{fingerprint}", summary="读取疑点 · Read a finding", openapi_extra=needs("read", public=True))
async def finding(request: Request, fingerprint: str) -> FindingFile:
    """The article, the evidence, the parameters, the versions over time."""
    async with viewing(request) as session:
        file = await finding_file(session, fingerprint, request.state.viewer.audience)
        await note_credit_read(session, request.state.viewer, "finding", fingerprint, findings=[file])
    # A decision is taken on evidence: that is the version it names.
    request.state.project_state = file.versions[0].evidence_hash if file.versions else ""
    return file


@router.post(
    "/findings/{fingerprint}/decisions",
    summary="对疑点作出结论 · Decide on a finding",
    response_model=DecisionLine,
    openapi_extra=needs("read"),
)
async def decide_on(
    request: Request,
    fingerprint: str,
    body: Annotated[Deciding, Body()],
    idempotency_key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """A person decides on the present episode, by the evidence that was read; for people who sign in."""
    seen = seen_versions(if_match)[0]

    async def work(session: AsyncSession, viewer: Viewer) -> DecisionLine:
        await decide(session, viewer, fingerprint, body.decision, body.reason, seen, clock.now())
        return (await decisions_on(session, fingerprint))[0]

    return await answer_request(request, idempotency_key, body, work)
