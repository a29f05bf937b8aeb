"""How long it took, by agency and province; and the 29 tasks with who is responsible and how the work stands."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.csv_tables import csv_table
from portal.rendering import render
from portal.viewing import viewing
from registry import clock
from registry.publishing.accountability import tasks
from registry.publishing.figures import SMALLEST_TOLD, Figures, figures

router = APIRouter()

YEARS: Final = 10
COLUMNS: Final = tuple(Figures.model_fields)


def _year(request: Request) -> int | None:
    said = request.query_params.get("year", "")
    return int(said) if len(said) == 4 and said.isascii() and said.isdecimal() else None


@router.get("/statistics")
async def statistics(request: Request) -> Response:
    """Time to acknowledge, to decide and to close; officials see small numbers and what their rights show besides."""
    year = _year(request)
    async with viewing(request) as session:
        internal = request.state.viewer.may("internal")
        found = await figures(session, year, internal=internal)
    this = clock.today().year
    return render(
        request,
        "statistics.html",
        figures=found,
        year=year,
        year_choices=[(str(one), str(one)) for one in range(this, this - YEARS, -1)],
        internal=internal,
        smallest=SMALLEST_TOLD,
    )


@router.get("/statistics.csv")
async def table(request: Request) -> Response:
    """The same as a table; numbers and names of agencies of the state, nothing that anybody typed."""
    async with viewing(request) as session:
        found = await figures(session, _year(request), internal=request.state.viewer.may("internal"))
    return csv_table("statistics.csv", COLUMNS, found)


@router.get("/accountability")
async def accountability(request: Request) -> Response:
    """The 29 rows of the division of work."""
    async with viewing(request) as session:
        found = await tasks(session, clock.today())
    return render(request, "accountability.html", tasks=found)
