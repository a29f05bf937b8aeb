"""A project's file, now or as it was known on a day."""

from datetime import date
from itertools import groupby
from typing import Any

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import case_words
from portal.gates import gates_of
from portal.language import _
from portal.rendering import render
from portal.timeline import draw, events_of, summary
from portal.units import day
from portal.viewing import viewing
from registry import clock
from registry.cases.case_list import cases_of_project
from registry.credit_reads import note_credit_read
from registry.errors import BadInput
from registry.gate.marks import list_marks
from registry.identifiers import project_code
from registry.obligation_list import ObligationFilter, ObligationLine, list_obligations
from registry.project_file import ProjectFile, project_by_code, project_file
from registry.project_history import Change
from registry.publishing.publication_list import PublicationFilter, list_publications
from registry.reading import end_of_day

router = APIRouter()


@router.get("/projects/by-code/{code}")
async def by_code(request: Request, code: str) -> Response:
    """The stable address of a code leads to the project's own."""
    async with viewing(request) as session:
        project_id = await project_by_code(session, project_code.parse(code).value)
    return RedirectResponse(f"/projects/{project_id}", 302)


@router.get("/projects/{project_id:int}")
async def project(request: Request, project_id: int, known_at: str = "", saved: str = "") -> Response:
    """The file; `known_at` is a day, whose end counts."""
    known_day = read_known_day(known_at)
    async with viewing(request) as session:
        audience = request.state.viewer.audience
        instant = end_of_day(known_day) if known_day else None
        file = await project_file(session, project_id, audience, known_at=instant)
        gates = await gates_of(session, file, known_day or clock.today())
        marked = (await list_marks(session, project=project_id, limit=1)).total
        owed = await _obligations(session, file)
        published = await list_publications(session, PublicationFilter(project=project_id), limit=100)
        viewer = request.state.viewer
        # Of the present alone: how a case stood on another day is told by its own trail.
        cases = await cases_of_project(session, viewer, project_id, clock.today()) if known_day is None else []
        await note_credit_read(
            session, viewer, "project", str(project_id), records=file.records, findings=file.findings
        )
    events = events_of(file, cases)
    return render(
        request,
        "project.html",
        file=file,
        gates=gates,
        marked=marked,
        obligations=owed,
        publications=published.items,
        cases=cases,
        case_words=case_words,
        events=events,
        drawing=draw(events, clock.today()),
        drawing_in_words=summary(events),
        history=_history(file),
        known_day=known_day,
        saved=bool(saved),
        citation=_citation(request, file, known_day or clock.today()),
    )


async def _obligations(session: AsyncSession, file: ProjectFile) -> list[ObligationLine]:
    """What is owed against the owner as a defaulter, for whoever may see it; of the present alone."""
    owner = file.description.owner_id
    if owner is None or file.known_at is not None:
        return []
    return (await list_obligations(session, ObligationFilter(enterprise=owner), limit=100)).items


def read_known_day(text: str) -> date | None:
    """The day of `known_at`; today and later mean now."""
    if not text:
        return None
    try:
        known_day = date.fromisoformat(text)
    except ValueError:
        raise BadInput("This is not a date.", where="known_at", remedy="Write it like 2014-06-01.") from None
    return known_day if known_day < clock.today() else None


def _citation(request: Request, file: ProjectFile, seen: date) -> str:
    code = f"，{file.description.code}" if file.description.code else ""
    return _(
        "{name}{code}。三道闸门项目登记簿，{address}，{day}查阅。",
        name=file.description.name,
        code=code,
        address=f"{request.url.scheme}://{request.url.netloc}/projects/{file.id}",
        day=day(seen),
    )


def _history(file: ProjectFile) -> list[dict[str, Any]]:
    """Changes that were made together stand together."""
    groups = []
    for (at, first, actor), changes in groupby(file.history, key=lambda one: (one.at, one.first, one.actor)):
        shown = [{**change.model_dump(), "words": _words(change)} for change in changes]
        groups.append({"at": at, "first": first, "actor": actor, "changes": shown})
    return groups


def _words(change: Change) -> str:
    kinds = {
        "project": _("项目"),
        "code": _("代码"),
        "capacity": _("产能"),
        "approval": _("批准文件"),
        "equipment": _("设备"),
        "finding": _("疑点"),
    }
    done = {
        "registered": _("登记"),
        "corrected": _("更正"),
        "withdrawn": _("撤下"),
        "flagged": _("提出"),
        "changed": _("依据变化"),
        "closed": _("了结"),
    }
    return _("{done}{kind}", done=done[change.what], kind=kinds[change.kind])
