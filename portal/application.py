"""The application itself: pages, the JSON API, health, and the layers around them."""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from portal.api import mount_api
from portal.pages import include_pages
from portal.problems import handle_errors
from portal.readiness import Readiness, StartingGate
from portal.rendering import LanguageOfRequest
from portal.request_ids import RequestIds
from portal.request_rates import RequestRates
from portal.security import BodyLimit
from portal.starting import health


def make_application() -> FastAPI:
    """Everything behind the starting page; nothing is connected to before the first request."""
    # A program is told that there is no such address, and not led on to another: docs/security.md, 4.1.2.
    app = FastAPI(title="threegates", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    readiness = Readiness()

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"state": "live"}

    @app.get("/health/ready")
    async def ready() -> JSONResponse:
        """The register answers; else 503 with what is still starting."""
        return health(await readiness.check(), readiness.problem)

    include_pages(app)
    mount_api(app)

    @app.get("/{path:path}/", include_in_schema=False)
    async def with_a_slash(request: Request, path: str) -> Response:
        """A page's address with a slash too many leads to the page."""
        if path.startswith("api/"):
            raise HTTPException(404)
        return RedirectResponse(request.url.replace(path=request.url.path.rstrip("/") or "/"), 307)

    handle_errors(app)
    # The last added is the outermost.
    app.add_middleware(RequestRates)
    app.add_middleware(StartingGate, readiness=readiness)
    app.add_middleware(LanguageOfRequest)
    app.add_middleware(BodyLimit)
    app.add_middleware(RequestIds)
    return app
