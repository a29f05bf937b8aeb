"""Public notices: the list, and one notice with its items."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.audience import look
from portal.rendering import render
from registry.database import transaction
from registry.notice_list import list_notices, notice_file

router = APIRouter()


@router.get("/notices")
async def notices(request: Request, kind: str = "", sector: str = "", cursor: str = "") -> Response:
    """The list, newest first."""
    async with transaction() as session:
        await look(request, session)
        page = await list_notices(session, kind=kind or None, sector=sector or None, cursor=cursor)
    return render(request, "notices.html", page=page, kind=kind, sector=sector)


@router.get("/notices/{notice_id:int}")
async def notice(request: Request, notice_id: int) -> Response:
    """One notice as it was read."""
    async with transaction() as session:
        await look(request, session)
        file = await notice_file(session, notice_id)
    return render(request, "notice.html", notice=file)
