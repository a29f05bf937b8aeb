"""What was known when: a project's acts of one day, judged by what was known on another; an address to be cited."""

from datetime import date

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.gates import gates_of
from portal.language import _
from portal.rendering import render
from portal.units import day
from portal.viewing import viewing
from registry import clock
from registry.credit_reads import note_credit_read
from registry.errors import BadInput
from registry.project_file import project_file
from registry.project_replay import replay_project
from registry.reading import end_of_day

router = APIRouter()


def read_day(text: str, name: str) -> date:
    """A day of the address; today where none is given, and never later."""
    if not text:
        return clock.today()
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise BadInput("This is not a date.", where=name, remedy="Write it like 2014-06-01.") from None
    return min(found, clock.today())


@router.get("/projects/{project_id:int}/replay")
async def replayed(request: Request, project_id: int, as_of: str = "", known_at: str = "") -> Response:
    """The world as of one day, by what was known at the end of another, beside what is known now."""
    known_day = read_day(known_at, "known_at")
    world = read_day(as_of, "as_of") if as_of else known_day
    now = clock.now()
    instant = end_of_day(known_day) if known_day < clock.today() else now
    async with viewing(request) as session:
        audience = request.state.viewer.audience
        file = await project_file(session, project_id, audience, known_at=instant)
        gates = await gates_of(session, file, world)
        found = await replay_project(session, project_id, world, instant, now)
        viewer = request.state.viewer
        await note_credit_read(session, viewer, "project", str(project_id), findings=[*found.then, *found.now])
    address = (
        f"{request.url.scheme}://{request.url.netloc}/projects/{project_id}/replay?as_of={world}&known_at={known_day}"
    )
    return render(
        request,
        "project_replay.html",
        file=file,
        gates=gates,
        found=found,
        approvals=[one for one in file.approvals if one.issued is None or one.issued <= world],
        as_of=world,
        known_day=known_day,
        citation=_(
            "{name}：截至{world}的情形，依{known}日终所知。三道闸门项目登记簿，{address}，{day}查阅。",
            name=file.description.name,
            world=day(world),
            known=day(known_day),
            address=address,
            day=day(clock.today()),
        ),
    )
