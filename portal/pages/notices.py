"""One notice of others, as it was read; the list stands with the register's own publications."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.rendering import render
from portal.viewing import viewing
from registry.notice_list import notice_file

router = APIRouter()


@router.get("/notices/{notice_id:int}")
async def notice(request: Request, notice_id: int) -> Response:
    """One notice as it was read."""
    async with viewing(request) as session:
        file = await notice_file(session, notice_id)
    return render(request, "notice.html", notice=file)
