"""Pages that say something about the register: sources, about, accessibility, the API's problem types."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.problems import PROBLEM_TYPES
from portal.rendering import render
from portal.viewing import viewing
from registry.source_list import list_sources

router = APIRouter()


async def _page(request: Request, template: str, **values: Any) -> Response:
    async with viewing(request):
        pass
    return render(request, template, **values)


@router.get("/sources")
async def sources(request: Request, cursor: str = "") -> Response:
    """The sources with citation and licence."""
    async with viewing(request) as session:
        page = await list_sources(session, cursor=cursor)
    return render(request, "sources.html", page=page)


@router.get("/about")
async def about(request: Request) -> Response:
    """What this is and how to read it."""
    return await _page(request, "about.html")


@router.get("/accessibility")
async def accessibility(request: Request) -> Response:
    """How accessible the pages are."""
    return await _page(request, "accessibility.html")


@router.get("/problems")
async def problems(request: Request) -> Response:
    """Every problem type of the API, each with its anchor."""
    return await _page(request, "problems.html", kinds=PROBLEM_TYPES)
