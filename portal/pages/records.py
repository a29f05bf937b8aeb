"""An agency record: for officials every version with its raw payload, for the public what agencies publish."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.rendering import render
from portal.viewing import viewing
from registry.credit_reads import note_credit_read
from registry.gate.marks import marks_of_record
from registry.record_file import record_file

router = APIRouter()


@router.get("/records/{record_id:int}")
async def record(request: Request, record_id: int) -> Response:
    """One record; for the public a credit record does not exist."""
    async with viewing(request) as session:
        audience = request.state.viewer.audience
        file = await record_file(session, record_id, audience)
        await note_credit_read(session, request.state.viewer, "record", str(record_id), records=[file])
        marks = await marks_of_record(session, record_id)
    return render(request, "record.html", record=file, marks=marks)
