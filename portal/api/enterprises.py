"""Enterprises over the API."""

from fastapi import APIRouter
from starlette.requests import Request

from portal.viewing import viewing
from registry.enterprise_file import EnterpriseFile, enterprise_file

router = APIRouter(tags=["enterprises"])


@router.get("/enterprises/{enterprise_id}", summary="读取企业 · Read an enterprise")
async def enterprise(request: Request, enterprise_id: int) -> EnterpriseFile:
    """Names over time, owners, projects, production, notices."""
    async with viewing(request) as session:
        return await enterprise_file(session, enterprise_id, request.state.viewer.audience)
