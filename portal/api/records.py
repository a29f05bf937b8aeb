"""Agency records over the API; without a key their public fields, and no credit record at all."""

from fastapi import APIRouter
from starlette.requests import Request

from portal.viewing import viewing
from registry.record_file import RecordFile, record_file

router = APIRouter(tags=["records"])


@router.get("/records/{record_id}", summary="读取部门记录 · Read an agency record")
async def record(request: Request, record_id: int) -> RecordFile:
    """One record with its versions and links."""
    async with viewing(request) as session:
        return await record_file(session, record_id, request.state.viewer.audience)
