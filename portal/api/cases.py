"""Cases over the API: the list, one with everything in it, steps, tasks and their answers; acts are for people."""

from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from portal.api._idempotency import IdempotencyKey, answer_once
from portal.api._operations import Operation, needs
from portal.api._preconditions import IfMatch, seen_versions
from portal.viewing import viewing
from registry import clock
from registry.cases.asking import Answer, Asked, answer, ask
from registry.cases.case_file import CaseDossier, CaseTaskLine, case_file, one_task, version_of
from registry.cases.case_list import CaseFilter, CasePage, CaseState, list_cases
from registry.cases.moving import Step, take_step
from registry.cases.opening import NewCase, open_case
from registry.cases.stages import CasePath, TaskKind
from registry.cases.trail import LONGEST_TEXT, LONGEST_TITLE
from registry.choices import check_choice
from registry.credit_reads import note_credit_read
from registry.errors import BadInput
from registry.reading import LARGEST_NUMBER
from registry.viewers import Viewer

router = APIRouter(tags=["cases"], route_class=Operation)

Number = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
LongText = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
_STEP: Final[dict[str, Any]] = {
    "step": "halt",
    "reason": "不符合产业政策",
    "number": "示例发〔2026〕1号",
    "authority": "示例发展改革委员会",
    "decided": "2026-03-02",
}


class Opening(BaseModel):
    """What a case is about; all of it may be left out but path, title and reason."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"path": "3-1", "title": "示例甲项目", "reason": "警报", "project_id": 1024}]},
    )

    path: CasePath = Field(description="3-1: under construction; 3-2: built capacity; plain: anything else")
    title: str = Field(min_length=1, max_length=LONGEST_TITLE)
    reason: LongText
    alerts: list[Number] = Field(default_factory=list, max_length=500)
    findings: list[Annotated[str, Field(max_length=100)]] = Field(default_factory=list, max_length=500)
    project_id: Number | None = None
    suspected_id: Number | None = None
    tip: str = Field(default="", max_length=100, description="the reference of a tip; nothing about who reported")
    region: str = Field(default="", pattern=r"^(\d{6})?$")


class Opened(BaseModel):
    """The number of a case, under which it is read."""

    number: str
    version: int


class Stepping(BaseModel):
    """A step of `next_steps`, and the document by which it was decided where the step asks for one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_STEP]})

    step: str = Field(max_length=60)
    reason: LongText
    number: str = Field(default="", max_length=100)
    authority: str = Field(default="", max_length=200)
    decided: date | None = None
    outcome: str = Field(default="", max_length=60, description="how the case ends, for a step that ends it")
    due: date | None = Field(default=None, description="another deadline for the stage that follows")


class Asking(BaseModel):
    """A task for an office, or a request for its opinion."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"kind": "task", "title": "现场核查", "organisation_id": "demo-land", "due": "2030-01-04"}]
        },
    )

    kind: TaskKind
    title: str = Field(min_length=1, max_length=LONGEST_TITLE)
    organisation_id: str = Field(max_length=60)
    due: date
    body: str = Field(default="", max_length=LONGEST_TEXT)
    template: str = Field(default="", max_length=60)
    credit: bool = Field(default=False, description="it tells of credit: for financial authorities alone")


class Answering(BaseModel):
    """The answer of the office that was asked."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "用地手续齐全", "position": "agree"}]}
    )

    text: LongText
    position: str = Field(default="", max_length=20, description="of an opinion: agree, conditions, disagree")
    declined: bool = Field(default=False, description="it is not this office's to do")


@router.get("/cases", summary="案件 · Cases", openapi_extra=needs("read"))
async def cases(
    request: Request,
    state: CaseState = "open",
    path: CasePath | None = None,
    stage: Annotated[str | None, Query(max_length=60)] = None,
    province: Annotated[str | None, Query(pattern=r"^\d{2}$")] = None,
    late: Annotated[bool, Query(description="true: only those whose deadline is over")] = False,
    project: Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER)] = None,
    q: Annotated[str, Query(max_length=100, description="number, title, project or enterprise")] = "",
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> CasePage:
    """Cases of the caller's region, desk and tasks, those due first first."""
    async with viewing(request) as session:
        check_choice("province", province)
        wanted = CaseFilter(state, path, stage, province, late=late, project=project, q=q.replace("\x00", "") or None)
        return await list_cases(session, request.state.viewer, wanted, clock.today(), cursor=cursor, limit=limit)


@router.post("/cases", summary="立案 · Open a case", response_model=Opened, openapi_extra=needs("read"))
async def open_one(request: Request, body: Annotated[Opening, Body()], idempotency_key: IdempotencyKey) -> Response:
    """Open a case for one's own desk."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer

        async def work() -> Opened:
            new = NewCase(
                body.path,
                body.title,
                body.reason,
                tuple(body.alerts),
                tuple(body.findings),
                body.project_id,
                body.suspected_id,
                body.tip,
                body.region,
            )
            return Opened(number=await open_case(session, viewer, new, clock.now()), version=1)

        return await answer_once(session, viewer, "POST /cases", idempotency_key, body, work)


@router.get("/cases/{case_number}", summary="一个案件 · One case", openapi_extra=needs("read"))
async def one_case(request: Request, case_number: str) -> CaseDossier:
    """The case with all that belongs to it; the ETag is wanted when something is done on it."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        file = await case_file(session, viewer, case_number, clock.today())
        await note_credit_read(session, viewer, "case", case_number, findings=file.findings)
    request.state.project_state = str(file.version)
    return file


@router.post(
    "/cases/{case_number}/steps",
    summary="办理下一步 · Take a step",
    response_model=Opened,
    openapi_extra=needs("read"),
)
async def step(
    request: Request,
    case_number: str,
    body: Annotated[Stepping, Body()],
    idempotency_key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Take one of `next_steps`; what it decides is written into the register in the same transaction."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        version = _version(if_match)

        async def work() -> Opened:
            taken = Step(body.step, body.reason, body.number, body.authority, body.decided, body.outcome, body.due)
            await take_step(session, viewer, case_number, version, taken, clock.now())
            return Opened(number=case_number, version=await version_of(session, case_number))

        operation = f"POST /cases/{case_number}/steps"
        return await answer_once(session, viewer, operation, idempotency_key, body, work)


@router.post(
    "/cases/{case_number}/tasks",
    summary="交办任务或征求意见 · Ask an office",
    response_model=CaseTaskLine,
    openapi_extra=needs("read"),
)
async def asking(
    request: Request,
    case_number: str,
    body: Annotated[Asking, Body()],
    idempotency_key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Give a task to an office with a deadline, or ask its opinion."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        version = _version(if_match)

        async def work() -> CaseTaskLine:
            asked = Asked(
                body.kind, body.title, body.organisation_id, body.due, body.body, body.template, credit=body.credit
            )
            task = await ask(session, viewer, case_number, version, asked, clock.now())
            return await one_task(session, viewer, task, clock.today())

        operation = f"POST /cases/{case_number}/tasks"
        return await answer_once(session, viewer, operation, idempotency_key, body, work)


@router.get("/cases/tasks/{task_id}", summary="一项任务 · One task", openapi_extra=needs("read"))
async def read_task(request: Request, task_id: int) -> CaseTaskLine:
    """A task or request for opinion; the ETag is wanted when it is answered."""
    async with viewing(request) as session:
        found = await one_task(session, request.state.viewer, task_id, clock.today())
    request.state.project_state = str(found.version)
    return found


@router.post(
    "/cases/tasks/{task_id}/answer",
    summary="答复任务 · Answer a task",
    response_model=CaseTaskLine,
    openapi_extra=needs("read"),
)
async def answering(
    request: Request,
    task_id: int,
    body: Annotated[Answering, Body()],
    idempotency_key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Answer or decline a task of one's own office."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        version = _version(if_match)

        async def work() -> CaseTaskLine:
            said = Answer(body.text, body.position, declined=body.declined)
            await answer(session, viewer, task_id, version, said, clock.now())
            return await one_task(session, viewer, task_id, clock.today())

        operation = f"POST /cases/tasks/{task_id}/answer"
        return await answer_once(session, viewer, operation, idempotency_key, body, work)


def _version(if_match: str | None) -> int | None:
    """The version that was seen; None for `*`: whatever stands."""
    seen = seen_versions(if_match)[0]
    if seen == "*":
        return None
    if not (seen.isascii() and seen.isdecimal() and len(seen) < 10):
        raise BadInput("This is no version.", where="If-Match", remedy="Read it first and send its ETag in If-Match.")
    return int(seen)
