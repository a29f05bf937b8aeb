"""Agency records over the API; without a key their public fields, and no credit record at all."""

from fastapi import APIRouter
from starlette.requests import Request

from portal.api._operations import Operation, needs
from portal.viewing import viewing
from registry.credit_reads import note_credit_read
from registry.record_file import RecordFile, record_file

router = APIRouter(tags=["records"], route_class=Operation)


@router.get(
    "/records/{record_id}", summary="读取部门记录 · Read an agency record", openapi_extra=needs("read", public=True)
)
async def record(request: Request, record_id: int) -> RecordFile:
    """One record with its versions and links."""
    async with viewing(request) as session:
        file = await record_file(session, record_id, request.state.viewer.audience)
        await note_credit_read(session, request.state.viewer, "record", str(record_id), records=[file])
        return file
