"""The transaction of a request: it recognises the viewer, then sees and changes only what that viewer may."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request

from portal.cookies import read_cookie
from registry import clock
from registry.accounts import viewer_of_key, viewer_of_sign_in
from registry.alerting.alert_list import count_waiting
from registry.cases.desk import desk_counts
from registry.database import transaction
from registry.errors import ThreegatesError
from registry.reading import rows
from registry.sign_ins import LONGEST_PURPOSE, keep_awake
from registry.viewers import PUBLIC, RECOGNISING, Viewer, become

SIGN_IN_COOKIE: Final = "threegates_sign_in"


class KeyNeeded(ThreegatesError):
    """The address needs a key of the API or a person, and none that is known came."""

    status = 401
    title = "A key is needed"


@asynccontextmanager
async def viewing(request: Request) -> AsyncIterator[AsyncSession]:
    """One transaction as the viewer of the request, who then stands in `request.state.viewer`."""
    async with transaction() as session:
        # An operation of the API has recognised its caller already, before it read what was sent.
        viewer: Viewer = getattr(request.state, "recognised", None) or await recognise(request, session)
        request.state.viewer = viewer
        await become(session, viewer)
        if viewer.kind == "person" and not request.url.path.startswith("/api/"):
            # What the navigation counts, on every page that a person reads.
            request.state.waiting = {"alerts": await count_waiting(session, viewer, clock.now())}
            if viewer.may("internal"):
                request.state.waiting["urgent"] = (await desk_counts(session, viewer, clock.today())).urgent
        request.state.demo = bool(await rows(session, "SELECT 1 FROM register_facts WHERE name = 'demo'"))
        yield session


async def recognise(request: Request, session: AsyncSession) -> Viewer:
    """The viewer by the key or the sign-in that came with the request; without either the public."""
    scheme, _space, key = request.headers.get("authorization", "").partition(" ")
    secret = read_cookie(request, SIGN_IN_COOKIE)
    if not scheme and not secret:
        return PUBLIC
    await become(session, RECOGNISING)
    if scheme:
        found = None
        if scheme.lower() == "bearer":
            found = await viewer_of_key(session, hash_of(key.strip()), clock.now())
        if found is None:
            raise KeyNeeded(
                "This key is not known.", remedy="Send “Authorization: Bearer KEY”; see docs/api.md for the key."
            )
        # A program may say for each request what it is for; without that it is what the key was given for.
        said = unquote(request.headers.get("x-purpose", "")).replace("\x00", "").strip()[:LONGEST_PURPOSE]
        return replace(found, purpose=said) if said else found
    # A sign-in that has ended is nobody's fault: the page is shown as to the public, with the way to sign in.
    viewer = await viewer_of_sign_in(session, hash_of(secret), clock.now())
    if viewer is None:
        return PUBLIC
    if viewer.sign_in_id is not None:
        await keep_awake(session, viewer.sign_in_id, clock.now())
    return viewer


def hash_of(secret: str) -> bytes:
    """The hash under which a key or a sign-in is known; both are random, so a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).digest()
