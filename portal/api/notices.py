"""Public notices over the API."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request

from portal.api._operations import Operation, needs
from portal.viewing import viewing
from registry.choices import check_choice
from registry.notice_list import NoticeFile, NoticePage, list_notices, notice_file, notice_kinds

router = APIRouter(tags=["notices"], route_class=Operation)


@router.get("/notices", summary="列出公告 · List notices", openapi_extra=needs("read", public=True))
async def notices(
    request: Request,
    kind: str | None = None,
    sector: str | None = None,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> NoticePage:
    """As reported, unverified; newest first."""
    async with viewing(request) as session:
        check_choice("sector", sector)
        check_choice("kind", kind, allowed=await notice_kinds(session))
        return await list_notices(session, kind=kind, sector=sector, cursor=cursor, limit=limit)


@router.get("/notices/{notice_id}", summary="读取公告 · Read a notice", openapi_extra=needs("read", public=True))
async def notice(request: Request, notice_id: int) -> NoticeFile:
    """One notice with the units and companies it names."""
    async with viewing(request) as session:
        return await notice_file(session, notice_id)
