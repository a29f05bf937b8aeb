"""An enterprise's page."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.rendering import render
from portal.viewing import viewing
from registry.credit_reads import note_credit_read
from registry.enterprise_file import enterprise_file
from registry.obligation_list import ObligationFilter, list_obligations
from registry.publishing.publication_list import PublicationFilter, list_publications

router = APIRouter()


@router.get("/enterprises/{enterprise_id:int}")
async def enterprise(request: Request, enterprise_id: int) -> Response:
    """Names over time, owners, projects, production, notices."""
    async with viewing(request) as session:
        audience = request.state.viewer.audience
        file = await enterprise_file(session, enterprise_id, audience)
        viewer = request.state.viewer
        await note_credit_read(session, viewer, "enterprise", str(enterprise_id), findings=file.findings)
        # None for whoever may not see them.
        owed = await list_obligations(session, ObligationFilter(enterprise=enterprise_id), limit=100)
        published = await list_publications(session, PublicationFilter(enterprise=enterprise_id), limit=100)
    return render(request, "enterprise.html", file=file, obligations=owed.items, publications=published.items)
