"""The gate over the API: ask before granting, ask again before disbursing, batches, notices, marks, keys."""

from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, File, Form, Header, Query, UploadFile
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from portal.api._operations import Operation, needs
from portal.gate_batches import set_going
from portal.gate_desk import CALLERS, desk
from portal.gate_files import read_upload
from portal.viewing import viewing
from registry import clock
from registry.choices import check_choice
from registry.credit_reads import note_credit_read
from registry.errors import BadInput
from registry.gate.batches import Batch, LinePage, batch_file, batch_lines, open_batch
from registry.gate.check_list import CheckPage, list_checks, receipt_at
from registry.gate.checks import Ask, ask_again
from registry.gate.marks import MarkPage, list_marks
from registry.gate.questions import GateAct, Question
from registry.gate.signing import published_keys
from registry.gate.watch import NoticePage, list_notices
from registry.import_problems import ItemsRejected
from registry.viewers import Viewer

# POST /api/gate-check is an address of its own: what banks have written into their systems outlives versions.
UNVERSIONED: Final = True


class GateOperation(Operation):
    """An operation of the gate: its caller is remembered for two seconds, since looking costs as much as answering."""

    async def caller(self, request: Request) -> Viewer:
        """Who calls."""
        return await CALLERS.caller(request, super().caller)


router = APIRouter(tags=["gate"], route_class=GateOperation)


class Citation(BaseModel):
    """The words of an article."""

    article: str
    document: str
    document_zh: str
    document_en: str
    clause_zh: str
    clause_en: str
    quote_zh: str
    quote_en: str


class Reason(BaseModel):
    """A rule that the intended act would break."""

    rule: str
    rule_version: str
    title_zh: str
    title_en: str
    basis: str
    severity: str
    citations: list[Citation]
    codes: list[str]
    zh: str
    en: str
    parameters: dict[str, Any]


class Said(BaseModel):
    """What the asker should know beside the rules."""

    code: str
    zh: str
    en: str


class Missing(Said):
    """What would have to be there, and the agency that can supply it."""

    agency: str
    agency_zh: str
    agency_en: str


class Signature(BaseModel):
    """Ed25519 over the document without this member, as canonical JSON (RFC 8785)."""

    algorithm: str
    key: str
    value: str


class Receipt(BaseModel):
    """The signed answer; `address` is a page that shows and prints it, for years, to whoever has the address."""

    model_config = ConfigDict(extra="allow")

    format: str
    id: str
    address: str
    asked_at: str
    asked_by: str
    asked: dict[str, Any]
    answer: str = Field(description="allow, refuse or refer (a person must look)")
    answer_zh: str
    answer_en: str
    holds_until: str | None
    found: str
    project: dict[str, Any] | None
    candidates: list[dict[str, Any]]
    reasons: list[Reason]
    notes: list[Said]
    missing: list[Missing]
    evidence: dict[str, Any]
    recheck_of: str | None
    rules: str
    synthetic: bool
    signature: Signature


class Recheck(BaseModel):
    """Nothing needs to be said; another amount may be."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"amount": "120000000"}]})

    amount: Annotated[str, Field(pattern=r"^\d{1,18}(\.\d{1,6})?$")] | None = None


class OpenedBatch(BaseModel):
    """Where a batch will be found."""

    id: str
    address: str
    total: int


IdempotencyKey = Annotated[
    str | None,
    Header(min_length=8, max_length=200, pattern=r"^[!-~]+$", description="The same key, the same answer"),
]
_ANSWERED: Final[dict[int | str, dict[str, Any]]] = {200: {"model": Receipt, "description": "The signed answer"}}


@router.post(
    "/gate-check",
    summary="办理前核查 · Ask before granting",
    responses=_ANSWERED,
    response_class=Response,
    openapi_extra=needs("gate"),
)
async def check(
    request: Request,
    question: Question,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Allow, refuse or refer to a person: what the rules would say of the act if it were done."""
    viewer: Viewer = request.state.recognised
    return _answer(await desk(request).ask(Ask(question, viewer, idempotency_key)))


def _answer(given: Any) -> Response:
    headers = {"idempotent-replayed": "true"} if given.replayed else None
    return Response(given.receipt, media_type="application/json", headers=headers)


@router.get("/gate-check", summary="本单位的核查 · Your organisation's checks", openapi_extra=needs("gate"))
async def checks(
    request: Request,
    answer: str | None = None,
    lane: str | None = None,
    project: int | None = None,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> CheckPage:
    """Newest first; those of batches stand with their batch."""
    viewer: Viewer = request.state.recognised
    check_choice("lane", lane)
    check_choice("answer", answer)
    async with viewing(request) as session:
        return await list_checks(session, viewer, answer=answer, lane=lane, project=project, cursor=cursor, limit=limit)


@router.post("/gate-check/batch", summary="批量核查 · Ask a file of questions", openapi_extra=needs("gate"))
async def batch(
    request: Request,
    file: Annotated[UploadFile, File(description="CSV, XLSX or JSON lines, at most 10,000 questions")],
    act: Annotated[GateAct | None, Form(description="For all rows that do not say theirs")] = None,
) -> OpenedBatch:
    """Every row is answered, or none is taken: problems name row, column and remedy."""
    viewer: Viewer = request.state.recognised
    read = await read_upload(file, {"act": act} if act else {})
    if read.problems:
        raise ItemsRejected(read.problems)
    if not read.questions:
        raise BadInput("The file holds no question.", where="file", remedy="Fill in the template, one question a row.")
    async with viewing(request) as session:
        name = Path(file.filename or "").name
        address = await open_batch(session, viewer, name, read.questions, read.rows, clock.now())
    set_going(address)
    return OpenedBatch(id=address, address=f"/gate-check/batch/{address}", total=len(read.questions))


@router.get(
    "/gate-check/batch/{batch_id}",
    summary="批量核查的进度和集团敞口 · A batch: progress, exposure by group",
    openapi_extra=needs("gate"),
)
async def one_batch(request: Request, batch_id: str) -> Batch:
    """How far it is, how it was answered, and what each group of enterprises stands to get by the answer."""
    viewer: Viewer = request.state.recognised
    async with viewing(request) as session:
        found = await batch_file(session, viewer, batch_id)
    if found.done < found.total:
        set_going(batch_id)
    return found


@router.get(
    "/gate-check/batch/{batch_id}/answers",
    summary="批量核查的逐笔答复 · The answers of a batch",
    openapi_extra=needs("gate"),
)
async def answers(
    request: Request,
    batch_id: str,
    answer: str | None = None,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> LinePage:
    """In order of rows; each id is that of a receipt."""
    viewer: Viewer = request.state.recognised
    check_choice("answer", answer)
    async with viewing(request) as session:
        return await batch_lines(session, viewer, batch_id, answer=answer, cursor=cursor, limit=limit)


@router.get("/gate-check/notices", summary="失去依据的提醒 · Notices of lost standing", openapi_extra=needs("gate"))
async def notices(request: Request, cursor: str = "", limit: Annotated[int, Query(ge=1, le=200)] = 50) -> NoticePage:
    """Told to whoever was allowed: the project lost its standing, or has it again; newest first."""
    viewer: Viewer = request.state.recognised
    async with viewing(request) as session:
        return await list_notices(session, viewer, cursor=cursor, limit=limit)


@router.get(
    "/gate-check/marks",
    summary="未经核查或违反核查的行为 · Acts without or against a gate check",
    openapi_extra=needs("gate"),
)
async def marks(
    request: Request,
    mark: str | None = None,
    lane: str | None = None,
    province: Annotated[str | None, Query(pattern=r"^\d{2}$")] = None,
    project: int | None = None,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> MarkPage:
    """Acts that agencies reported and that passed the gate; latest first."""
    check_choice("lane", lane)
    check_choice("province", province)
    check_choice("mark", mark)
    async with viewing(request) as session:
        page = await list_marks(
            session, mark=mark, lane=lane, province=province, project=project, cursor=cursor, limit=limit
        )
        await note_credit_read(session, request.state.viewer, "record", "", records=page.items)
        return page


@router.get("/gate-check/keys", summary="公布的签名公钥 · The published keys", openapi_extra=needs("gate", public=True))
async def keys(request: Request) -> dict[str, Any]:
    """What verifies a receipt offline: `threegates gate verify RECEIPT --keys FILE`."""
    async with viewing(request) as session:
        return {"keys": await published_keys(session)}


@router.get(
    "/gate-check/{check_id}",
    summary="读取回执 · Read a receipt",
    responses=_ANSWERED,
    response_class=Response,
    openapi_extra=needs("gate", public=True),
)
async def receipt(request: Request, check_id: str) -> Response:
    """The receipt as it was signed, for whoever knows its id."""
    async with viewing(request) as session:
        found = await receipt_at(session, check_id)
    return Response(found.receipt, media_type="application/json")


@router.post(
    "/gate-check/{check_id}/re-check",
    summary="放款前复核 · Ask again before a disbursement",
    responses=_ANSWERED,
    response_class=Response,
    openapi_extra=needs("gate"),
)
async def recheck(
    request: Request, check_id: str, body: Recheck | None = None, idempotency_key: IdempotencyKey = None
) -> Response:
    """The same question judged by what is known today; the answer is a receipt of its own."""
    viewer: Viewer = request.state.recognised
    async with viewing(request) as session:
        ask = await ask_again(
            session,
            viewer,
            check_id,
            amount=body.amount if body else None,
            idempotency_key=idempotency_key,
        )
    return _answer(await desk(request).ask(ask))
