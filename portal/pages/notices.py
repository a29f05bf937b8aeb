"""Public notices: the list, and one notice with its items."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.choosing import sort_out
from portal.rendering import render
from portal.viewing import viewing
from registry.notice_list import list_notices, notice_file

router = APIRouter()


@router.get("/notices")
async def notices(request: Request, kind: str = "", sector: str = "", cursor: str = "") -> Response:
    """The list, newest first."""
    asked = {name: (value,) for name, value in (("kind", kind), ("sector", sector)) if value}
    kept, errors = sort_out(asked, {"kind": "notice_kind", "sector": "sector"})
    kind, sector = (kept.get(name, ("",))[0] for name in ("kind", "sector"))
    async with viewing(request) as session:
        page = await list_notices(session, kind=kind or None, sector=sector or None, cursor=cursor)
    return render(request, "notices.html", page=page, kind=kind, sector=sector, errors=errors)


@router.get("/notices/{notice_id:int}")
async def notice(request: Request, notice_id: int) -> Response:
    """One notice as it was read."""
    async with viewing(request) as session:
        file = await notice_file(session, notice_id)
    return render(request, "notice.html", notice=file)
