"""The web server's entry, `uvicorn portal.web:application`: answers at once, loads the rest beside."""

import asyncio
import importlib
import signal
import traceback
from typing import Final

from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from portal.rendering import STATIC
from portal.security import SecurityHeaders
from portal.starting import answer_while_loading


class Door:
    """Static files at once, the starting page until the application is loaded, then the application."""

    def __init__(self) -> None:
        self.files = StaticFiles(directory=STATIC)
        self.application: ASGIApp | None = None
        self.loading: asyncio.Future[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead one connection to where it belongs."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and scope["path"].startswith("/static/"):
            try:
                await self.files({**scope, "path": scope["path"], "root_path": "/static"}, receive, send)
            except HTTPException as error:
                # Nothing around the files would answer for them.
                await PlainTextResponse(error.detail, error.status_code, error.headers)(scope, receive, send)
        elif self.application is not None:
            await self.application(scope, receive, send)
        else:
            self._load_beside()
            await answer_while_loading(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Begin loading as soon as the server starts, without making it wait."""
        await receive()
        self._load_beside()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    def _load_beside(self) -> None:
        if self.loading is None:
            self.loading = asyncio.ensure_future(asyncio.to_thread(self._load))
            self.loading.add_done_callback(_end_if_it_failed)

    def _load(self) -> None:
        self.application = load()


def load() -> ASGIApp:
    """The application, with what stays as long as the process set aside from the search for garbage.

    A full look at all that is imported holds up every reader for a quarter of a second: the slowest of a hundred gate
    checks was slow for nothing else.
    """
    # Importing the domain takes seconds on a busy machine; people see the starting page meanwhile.
    made: ASGIApp = importlib.import_module("portal.application").make_application()
    importlib.import_module("jobs.process").calm_collector()
    return made


def _end_if_it_failed(loading: "asyncio.Future[None]") -> None:
    """A portal that cannot load says why and ends: whoever supervises it sees that, and nobody waits for ever."""
    if not loading.cancelled() and (error := loading.exception()) is not None:
        traceback.print_exception(error)
        signal.raise_signal(signal.SIGTERM)


application: Final[ASGIApp] = SecurityHeaders(GZipMiddleware(Door(), minimum_size=1000))
