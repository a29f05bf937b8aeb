"""Findings over the API."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request

from portal.api._operations import Operation, needs
from portal.viewing import viewing
from registry.choices import check_choice
from registry.credit_reads import note_credit_read
from registry.finding_list import FindingFile, FindingFilter, FindingPage, finding_file, list_findings
from registry.rules.reading import rules

router = APIRouter(tags=["findings"], route_class=Operation)


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
        return file
