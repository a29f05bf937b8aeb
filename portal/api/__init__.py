"""The JSON API below /api/v1: one module a resource, found by name; described by OpenAPI 3.1 and on a page."""

import importlib
import pkgutil

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from portal.api._description import describe, resources
from portal.api._operations import Operation
from portal.language import LANGUAGES
from portal.people_words import SCOPES
from portal.problems import PROBLEM_TYPES
from portal.rendering import choose_language, render
from portal.viewing import viewing

__all__ = ["describe", "mount_api"]


def mount_api(app: FastAPI) -> None:
    """Add every resource, the description and its page."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        if not module.name.startswith("_"):
            resource = importlib.import_module(f"{__name__}.{module.name}")
            router = resource.router
            if not all(isinstance(route, Operation) and route.scopes for route in router.routes):
                raise TypeError(f"{module.name}: every route of the API is an Operation that names its scope.")
            app.include_router(router, prefix="/api/v1")
            if hasattr(resource, "UNVERSIONED"):
                app.include_router(router, prefix="/api", include_in_schema=False)

    @app.get("/api/openapi.json", include_in_schema=False)
    async def description(request: Request) -> JSONResponse:
        """The description of the API in the reader's language; ?lang=zh or en chooses."""
        language = choose_language(request)
        headers = {"content-language": LANGUAGES[language][1], "vary": "Accept-Language, Cookie"}
        return JSONResponse(describe(app, language), headers=headers)

    @app.get("/api/docs", include_in_schema=False)
    async def documentation(request: Request) -> Response:
        """The API for people: what there is, who may, what comes back; without a script and under the same policy."""
        async with viewing(request):
            pass
        return render(request, "api_docs.html", resources=resources(app), scopes=SCOPES, problems=PROBLEM_TYPES)
