"""For everybody: the keys that reports are sealed to, when they become unreadable, and what came of how many."""

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.rendering import render
from portal.viewing import viewing
from registry import clock
from registry.gate.signing import key_file, read_key
from registry.reading import rows
from registry.row_views import TIP_COUNTS_FROM
from registry.settings import settings
from registry.tips.canary import signed_statement
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


@router.get("/reports/signed.json")
async def signed(request: Request) -> Response:
    """The keys as a statement of today, signed with the installation's key: `threegates tips canary` verifies it."""
    async with viewing(request) as session:
        keys = await read_keys(session)
        kept = await months(session)
    # The portal makes and publishes the key as it starts.
    key = await asyncio.to_thread(read_key, key_file().absolute())
    said = signed_statement(keys, kept, settings().intake_address, clock.today(), key)
    return Response(said, media_type="application/json", headers={"content-disposition": "attachment"})
