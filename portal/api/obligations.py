"""Obligations against defaulters over the API, for officials and banks."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request

from portal.pages.obligations import may_see
from portal.viewing import KeyNeeded, viewing
from registry.choices import check_choice
from registry.errors import NotAllowed
from registry.law.measures import measures
from registry.obligation_list import (
    ObligationFile,
    ObligationFilter,
    ObligationPage,
    list_obligations,
    obligation_file,
)
from registry.viewers import Viewer

router = APIRouter(tags=["obligations"])


def _admit(viewer: Viewer) -> None:
    if viewer.kind == "public":
        raise KeyNeeded("Obligations are for officials and banks.", remedy="Send “Authorization: Bearer KEY”.")
    if not may_see(viewer):
        raise NotAllowed("Obligations are for officials and banks.")


@router.get("/obligations", summary="列出逾期未淘汰的措施 · List obligations against defaulters")
async def obligations(
    request: Request,
    state: Annotated[str | None, Query(pattern="^(open|late|done|lapsed)$")] = None,
    measure: str | None = None,
    owner: Annotated[str | None, Query(max_length=40)] = None,
    province: Annotated[str | None, Query(pattern=r"^\d{2}$")] = None,
    enterprise: int | None = None,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ObligationPage:
    """What agencies owe where an elimination deadline passed undone (Guofa [2010] 7, 4(3)), longest due first."""
    check_choice("measure", measure, allowed=list(measures().by_id()))
    check_choice("province", province)
    wanted = ObligationFilter(state, measure, owner, province, enterprise)
    async with viewing(request) as session:
        _admit(request.state.viewer)
        return await list_obligations(session, wanted, cursor=cursor, limit=limit)


@router.get("/obligations/{reference}", summary="读取一项措施 · Read an obligation")
async def obligation(request: Request, reference: str) -> ObligationFile:
    """Its clause, its evidence, its states over time."""
    async with viewing(request) as session:
        _admit(request.state.viewer)
        return await obligation_file(session, reference)
