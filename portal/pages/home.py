"""The home page: search, counts, what is flagged by gate and province, freshness."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.province_tiles import tiles_of
from portal.rendering import render
from portal.viewing import viewing
from registry.overview import overview
from registry.reading import rows

router = APIRouter()
EXAMPLES: Final = 3


@router.get("/")
async def home(request: Request) -> Response:
    """The register at a glance."""
    async with viewing(request) as session:
        view = await overview(session)
        # Real plants that are in operation: names that people know.
        examples = await rows(
            session,
            """
            SELECT v.name FROM enterprise_versions v JOIN enterprises e ON e.id = v.enterprise_id
            WHERE v.known_to = 'infinity' AND NOT e.invented AND length(v.name) < 16
              AND EXISTS (SELECT 1 FROM project_versions p WHERE p.owner_id = v.enterprise_id
                          AND p.known_to = 'infinity' AND p.stage = 'operating')
            ORDER BY v.enterprise_id LIMIT :limit
            """,
            limit=EXAMPLES,
        )
    return render(
        request, "home.html", view=view, tiles=tiles_of(view.provinces), examples=[row["name"] for row in examples]
    )
