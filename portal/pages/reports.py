"""For everybody: the keys that reports are sealed to, when they become unreadable, and what came of how many."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.rendering import render
from portal.viewing import viewing
from registry.reading import rows
from registry.row_views import TIP_COUNTS_FROM
from registry.tips.desk_keys import read_keys
from registry.tips.retention import months

router = APIRouter()


@router.get("/reports")
async def canary(request: Request) -> Response:
    """The fingerprints: whoever kept them sees when one was changed."""
    async with viewing(request) as session:
        keys = await read_keys(session)
        kept = await months(session)
        counts = await rows(session, "SELECT what, quarter, reports FROM tip_counts ORDER BY quarter DESC, what")
    return render(request, "reports.html", keys=keys, months=kept, counts=counts, smallest=TIP_COUNTS_FROM)
