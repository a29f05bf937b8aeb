"""Obligations against defaulters over the API, for officials and banks: who must act on a default reads of it."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request

from portal.api._operations import Operation, needs
from portal.viewing import viewing
from registry.choices import check_choice
from registry.law.measures import measures
from registry.obligation_list import (
    ObligationFile,
    ObligationFilter,
    ObligationPage,
    list_obligations,
    obligation_file,
)

router = APIRouter(tags=["obligations"], route_class=Operation)


@router.get(
    "/obligations",
    summary="列出逾期未淘汰的措施 · List obligations against defaulters",
    openapi_extra=needs("read", "credit"),
)
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
        return await list_obligations(session, wanted, cursor=cursor, limit=limit)


@router.get(
    "/obligations/{reference}",
    summary="读取一项措施 · Read an obligation",
    openapi_extra=needs("read", "credit"),
)
async def obligation(request: Request, reference: str) -> ObligationFile:
    """Its clause, its evidence, its states over time."""
    async with viewing(request) as session:
        return await obligation_file(session, reference)
