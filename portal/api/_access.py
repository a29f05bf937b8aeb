"""What every resource asks first: who calls, and what they may see or do."""

from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request

from portal.api_keys import KeyNeeded, caller
from registry.audience import Audience


async def reader(session: AsyncSession, request: Request) -> Audience:
    """With a key everything may be read, without one what is public."""
    return "official" if await caller(session, request) else "public"


async def writer(session: AsyncSession, request: Request) -> str:
    """The name of the key that writes; raises KeyNeeded without one."""
    name = await caller(session, request)
    if name is None:
        raise KeyNeeded("Writing needs a key.", remedy="Send “Authorization: Bearer KEY”; see docs/api.md for the key.")
    return name
