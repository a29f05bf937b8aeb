"""The status page: what was read of each agency, when, how completely; so that no flag is never read as lawful."""

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from connectors.agency import SHIPPED, load_agencies
from jobs.status import status as read_status
from portal.rendering import render
from portal.viewing import viewing
from registry import clock
from registry.settings import settings

router = APIRouter()


@router.get("/status")
async def status(request: Request) -> Response:
    """Each agency's last run, counts, lag, next run and data quality."""
    more = settings().agencies_folder
    agencies = await asyncio.to_thread(load_agencies, (SHIPPED, more) if more else (SHIPPED,))
    async with viewing(request) as session:
        state = await read_status(session, agencies.values(), clock.now())
    return render(request, "status.html", state=state)
