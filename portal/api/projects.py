"""Projects over the API: list, read, register (idempotent), correct with a reason, gates."""

from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from portal.api._idempotency import IdempotencyKey, answer_once
from portal.api._operations import Operation, needs
from portal.api._preconditions import IfMatch, seen_state
from portal.gates import gates_of
from portal.viewing import viewing
from registry import clock
from registry.audit_changes import audit_told
from registry.choices import check_choice
from registry.credit_reads import note_credit_read
from registry.errors import BadInput
from registry.identifiers import project_code
from registry.identifiers.region import parse as parse_region
from registry.import_items import ProjectItem
from registry.project_file import ProjectFile, project_by_code, project_file
from registry.project_list import ProjectPage, list_projects
from registry.project_states import project_state
from registry.reading import end_of_day
from registry.registering import Telling, correct_project, register_projects
from registry.viewers import Viewer
from registry.writing_steps import region_warnings

router = APIRouter(tags=["projects"], route_class=Operation)

EXAMPLE: Final[dict[str, Any]] = {
    "reason": "某省发展改革委 2014 年 6 月清单",
    "projects": [
        {
            "reference": "example:1",
            "name": "示例钢铁有限公司年产100万吨炼钢项目",
            "owner_name": "示例钢铁有限公司",
            "sector": "steel",
            "industry": "3120",
            "industry_edition": "2017",
            "region": "130200",
            "nature": "new_build",
            "stage": "construction",
            "capacities": [{"product": "crude_steel", "amount": "1000000", "unit": "t/a"}],
            "approvals": [
                {"reference": "example:1:1", "kind": "filing", "number": "冀发改备〔2014〕1号", "issued": "2014-06-01"}
            ],
        }
    ],
}


class Registration(BaseModel):
    """Projects to register, and on what ground."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    reason: str = Field(min_length=1, max_length=2000)
    projects: list[ProjectItem] = Field(min_length=1, max_length=1000)


class Remark(BaseModel):
    """Something odd that was kept all the same."""

    row: int
    field: str
    zh: str
    en: str


class Registered(BaseModel):
    """What registering did, by reference."""

    ids: dict[str, int]
    new: list[str]
    changed: dict[str, list[str]]
    unchanged: list[str]
    warnings: list[Remark]


class Correction(BaseModel):
    """Fields of a project to correct (those of ProjectItem), and why."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"reason": "录入有误", "changes": {"stage": "operating"}}]},
    )

    reason: str = Field(min_length=1, max_length=2000)
    changes: dict[str, Any] = Field(min_length=1)
    held_from: date | None = Field(
        default=None, description="The day from which it is so; absent: the register was wrong"
    )


class Corrected(BaseModel):
    """What a correction changed; nothing where all was so already."""

    id: int
    changed: list[str]
    state: str = Field(description="The project's state now; in quotation marks it is the next If-Match")
    warnings: list[Remark] = []


class GateState(BaseModel):
    """One gate: forced when a finding is open in its lane, else open or shut to a new act today."""

    lane: str
    state: str
    why: str
    article: str
    findings: list[str]


@router.get("/projects", summary="列出项目 · List projects", openapi_extra=needs("read", public=True))
async def projects(
    request: Request,
    sector: str | None = None,
    province: Annotated[str | None, Query(pattern=r"^\d{2}$")] = None,
    stage: str | None = None,
    flagged: bool | None = None,
    mark: Annotated[str | None, Query(description="with an act that has this gate mark and that one sees")] = None,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ProjectPage:
    """Projects in order of their numbers."""
    async with viewing(request) as session:
        for name, value in (("sector", sector), ("province", province), ("stage", stage), ("mark", mark)):
            check_choice(name, value)
        return await list_projects(
            session,
            sector=sector,
            province=province,
            stage=stage,
            flagged=flagged,
            mark=mark,
            cursor=cursor,
            limit=limit,
        )


@router.get(
    "/projects/by-code/{code}",
    summary="按代码读取项目 · Read a project by its code",
    openapi_extra=needs("read", public=True),
)
async def by_code(request: Request, code: str) -> ProjectFile:
    """The project that a code names, today's or an earlier one."""
    async with viewing(request) as session:
        return await _shown(request, session, await project_by_code(session, project_code.parse(code).value))


@router.get("/projects/{project_id}", summary="读取项目 · Read a project", openapi_extra=needs("read", public=True))
async def project(
    request: Request,
    project_id: int,
    known_at: Annotated[date | None, Query(description="As the register knew it at the end of this day")] = None,
) -> ProjectFile:
    """The project's file."""
    async with viewing(request) as session:
        instant = end_of_day(known_at) if known_at and known_at < clock.today() else None
        return await _shown(request, session, project_id, instant)


async def _shown(
    request: Request, session: AsyncSession, project_id: int, known_at: datetime | None = None
) -> ProjectFile:
    viewer: Viewer = request.state.viewer
    file = await project_file(session, project_id, viewer.audience, known_at=known_at)
    await note_credit_read(session, viewer, "project", str(project_id), records=file.records, findings=file.findings)
    return _tagged(request, file)


def _tagged(request: Request, file: ProjectFile) -> ProjectFile:
    """The file, whose ETag begins with what a correction must have seen."""
    request.state.project_state = file.state
    return file


@router.get(
    "/projects/{project_id}/gates",
    summary="项目的三道闸门 · The three gates of a project",
    openapi_extra=needs("read", public=True),
)
async def gates(request: Request, project_id: int) -> list[GateState]:
    """Forced, open or shut today."""
    async with viewing(request) as session:
        audience = request.state.viewer.audience
        file = await project_file(session, project_id, audience)
        return [
            GateState(
                lane=gate.lane,
                state=gate.state,
                why=gate.why,
                article=gate.law,
                findings=[finding.fingerprint for finding in gate.findings],
            )
            for gate in await gates_of(session, file, clock.today())
        ]


@router.post(
    "/projects",
    summary="登记项目 · Register projects",
    status_code=200,
    response_model=Registered,
    openapi_extra=needs("write"),
)
async def register(request: Request, body: Registration, idempotency_key: IdempotencyKey) -> Response:
    """Register projects all or none; the same Idempotency-Key gets the same answer and does nothing again."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer

        async def work() -> Registered:
            telling = Telling(actor=f"api:{viewer.actor}", at=clock.now(), reason=body.reason, told=[])
            outcome = await register_projects(session, body.projects, telling)
            await audit_told(session, request.state.viewer, telling)
            return Registered(
                ids=outcome.ids,
                new=outcome.new,
                changed=outcome.changed,
                unchanged=outcome.unchanged,
                warnings=[Remark(row=one.row, field=one.column, zh=one.zh, en=one.en) for one in outcome.warnings],
            )

        return await answer_once(session, viewer, "POST /projects", idempotency_key, body, work)


@router.patch("/projects/{project_id}", summary="更正项目 · Correct a project", openapi_extra=needs("write"))
async def correct(
    request: Request,
    project_id: int,
    body: Annotated[Correction, Body()],
    if_match: IfMatch = None,
) -> Corrected:
    """Correct fields of a project as it was seen; the old ones stay in its history with the reason."""
    if not body.reason.strip():
        raise BadInput("A correction needs a reason.", where="reason", remedy="Say why the register was wrong.")
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        telling = Telling(actor=f"api:{viewer.actor}", at=clock.now(), reason=body.reason, told=[])
        changed = await correct_project(
            session,
            project_id,
            body.changes,
            telling,
            held_from=body.held_from,
            expected_state=await seen_state(session, project_id, if_match),
        )
        await audit_told(session, viewer, telling)
        state = await project_state(session, project_id)
        region = body.changes.get("region")
        odd = await region_warnings(session, [1], [parse_region(region).value]) if isinstance(region, str) else []
    warnings = [Remark(row=one.row, field=one.column, zh=one.zh, en=one.en) for one in odd]
    return Corrected(id=project_id, changed=changed, state=state, warnings=warnings)
