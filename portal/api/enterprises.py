"""Enterprises over the API."""

from fastapi import APIRouter
from starlette.requests import Request

from portal.api._operations import Operation, needs
from portal.viewing import viewing
from registry.credit_reads import note_credit_read
from registry.enterprise_file import EnterpriseFile, enterprise_file

router = APIRouter(tags=["enterprises"], route_class=Operation)


@router.get(
    "/enterprises/{enterprise_id}", summary="读取企业 · Read an enterprise", openapi_extra=needs("read", public=True)
)
async def enterprise(request: Request, enterprise_id: int) -> EnterpriseFile:
    """Names over time, owners, projects, production, notices."""
    async with viewing(request) as session:
        file = await enterprise_file(session, enterprise_id, request.state.viewer.audience)
        await note_credit_read(session, request.state.viewer, "enterprise", str(enterprise_id), findings=file.findings)
        return file
