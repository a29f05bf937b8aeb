"""Who is looking: the public, or an official. Until there are accounts, only the demo lets a browser choose."""

from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request

from registry.audience import Audience
from registry.reading import rows

COOKIE: Final = "threegates_audience"


async def is_demo(session: AsyncSession) -> bool:
    """Whether the register says of itself that it holds the demo."""
    return bool(await rows(session, "SELECT 1 FROM register_facts WHERE name = 'demo'"))


async def look(request: Request, session: AsyncSession) -> Audience:
    """Settle who looks at this page, and note it for the frame."""
    request.state.demo = await is_demo(session)
    chosen = request.state.demo and request.cookies.get(COOKIE) == "official"
    request.state.audience = "official" if chosen else "public"
    return "official" if chosen else "public"
