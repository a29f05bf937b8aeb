"""Errors at the edge: a page for people, RFC 9457 problem details for programs; nothing of the input is echoed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from portal.error_words import in_reader_language
from portal.language import LANGUAGES, N_, _, current_language
from portal.rendering import choose_language, render
from registry.auditing import REQUEST_ID
from registry.errors import ChangedMeanwhile, NotAllowed, ThreegatesError, Unavailable
from registry.identifiers import BadIdentifier
from registry.import_problems import ItemsRejected, Problem
from registry.validation_words import validation_words

PROBLEM_JSON: Final = "application/problem+json"


@dataclass(frozen=True)
class ProblemType:
    """One kind of problem: its stable address /problems#{name}, its title and what to do."""

    name: str
    title: str
    remedy: str


PROBLEM_TYPES: Final[dict[int, ProblemType]] = {
    400: ProblemType("bad-request", N_("请求有误"), N_("请对照接口说明检查请求。")),
    401: ProblemType("key-needed", N_("需要接口密钥"), N_("请在 Authorization 头中给出 Bearer 密钥。")),
    403: ProblemType("not-allowed", N_("不允许这样做"), N_("请以有相应权限的身份再试。")),
    404: ProblemType("not-found", N_("没有找到"), N_("请核对地址或代码，或改用检索。")),
    405: ProblemType("method-not-allowed", N_("此地址不支持这种操作"), N_("请对照接口说明使用正确的方法。")),
    409: ProblemType("conflict", N_("与登记簿的现有内容冲突"), N_("请先查看最新内容，再决定是否修改。")),
    412: ProblemType("changed-meanwhile", N_("内容已被他人更改"), N_("请先查看最新内容，再决定是否修改。")),
    413: ProblemType("too-large", N_("内容过大"), N_("请减少每次的条数，或拆分文件。")),
    415: ProblemType("unsupported-media-type", N_("不支持这种内容类型"), N_("请以 JSON 或表单发送。")),
    422: ProblemType("invalid-input", N_("填写的内容无效"), N_("请按所列字段逐一改正。")),
    428: ProblemType(
        "precondition-required", N_("须说明所依据的版本"), N_("请先读取该资源，再以 If-Match 头给出其 ETag。")
    ),
    429: ProblemType("too-many-requests", N_("请求过于频繁"), N_("请在 Retry-After 所示秒数之后再试。")),
    500: ProblemType("internal-error", N_("系统出错"), N_("请稍后再试；若反复出现，请联系管理员。")),
    503: ProblemType("unavailable", N_("系统暂时无法答复"), N_("请稍后再试。")),
}
# What no column can hold: a NUL within a text, half of a surrogate pair, a number with too many digits.
_UNBEARABLE: Final = (
    asyncpg.CharacterNotInRepertoireError,
    asyncpg.UntranslatableCharacterError,
    asyncpg.NumericValueOutOfRangeError,
)
_FIELD_NAME: Final = re.compile(r"[a-z][a-z_]{0,39}")
# Refusals that somebody who watches wants to see: without the right, too large, or not as it must be.
NOTED: Final = frozenset({400, 401, 403, 413, 415, 422})
# What RFC 9110 wants beside a status.
_HEADERS: Final[dict[int, dict[str, str]]] = {
    401: {"www-authenticate": 'Bearer realm="threegates"'},
    503: {"retry-after": "5"},
}


def problem_type(status: int) -> ProblemType:
    """The kind of problem that a status stands for."""
    return PROBLEM_TYPES.get(status) or PROBLEM_TYPES[500 if status >= 500 else 400]


def details_of(error: ThreegatesError) -> tuple[str, str]:
    """Message and remedy of an error in the current language, as far as the error can say it."""
    if isinstance(error, BadIdentifier):
        return error.say(current_language())
    return in_reader_language(error.message), in_reader_language(error.remedy)


def problem(
    request: Request,
    status: int,
    *,
    detail: str = "",
    remedy: str = "",
    errors: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer to something that went wrong: JSON below /api, a page elsewhere."""
    kind = problem_type(status)
    if not request.url.path.startswith("/api/"):
        return render(
            request,
            "problem.html",
            status=status,
            headers=headers,
            problem_status=status,
            title=_(kind.title),
            detail=detail,
            remedy=remedy or _(kind.remedy),
            errors=errors or [],
        )
    body: dict[str, Any] = {
        "type": f"/problems#{kind.name}",
        "title": _(kind.title),
        "status": status,
        "detail": detail,
        "remedy": remedy or _(kind.remedy),
        "instance": request.url.path,
    }
    if errors:
        body["errors"] = errors
    language = LANGUAGES[current_language()][1]
    return JSONResponse(
        body, status, media_type=PROBLEM_JSON, headers={"content-language": language, **(headers or {})}
    )


async def _threegates_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ThreegatesError)  # noqa: S101  # registered for this class alone
    choose_language(request)
    if error.status in NOTED:
        _note_refusal(request, error.status, error.where if error.status in (401, 403) else "")
    detail, remedy = details_of(error)
    errors: list[dict[str, Any]] | None = None
    if isinstance(error, ItemsRejected):
        # The values stay away: what came in must not come back in an error.
        errors = [
            {"row": one.row, "field": _column(one), "detail": _without(one.value, one.say(current_language()))}
            for one in error.problems[:500]
        ]
        detail = _without(error.problems[0].value, detail)
    elif error.where and error.status in (400, 422):
        errors = [{"field": error.where, "detail": detail}]
    elif isinstance(error, ChangedMeanwhile):
        errors = [{"field": name, "detail": _("已被他人更改。")} for name in error.changed]
    headers = dict(_HEADERS.get(error.status, {}))
    if isinstance(error, NotAllowed) and (scope := getattr(error, "scope", "")):
        # As RFC 6750 says it to programs.
        headers["www-authenticate"] = f'Bearer realm="threegates", error="insufficient_scope", scope="{scope}"'
    return problem(request, error.status, detail=detail, remedy=remedy, errors=errors, headers=headers)


def _note_refusal(request: Request, status: int, needed: str = "") -> None:
    """Who was refused what, for whoever watches the logs: the name of a key or a login, no secret and no content."""
    viewer = getattr(request.state, "viewer", None) or getattr(request.state, "recognised", None)
    structlog.get_logger().warning(
        "refused",
        status=status,
        method=request.method,
        path=request.url.path,
        actor=viewer.actor if viewer else "",
        needed=needed,
        request=REQUEST_ID.get(),
    )


def _column(one: Problem) -> str:
    """The column of a problem; none where there is no such column, and its name is what was sent."""
    return "" if one.value and one.value.startswith(one.column.rstrip("…")) else one.column


def _without(value: str, said: str) -> str:
    """A sentence without the value that it quotes."""
    return said.replace(f"“{value}”", "“…”") if value else said


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this class alone
    # The framework's own answer echoes the input; a contract number or a name must not come back in an error.
    _note_refusal(request, 422)
    errors = [
        {"field": _field(one), "detail": _without(str(one.get("input", "")), _said(one))} for one in error.errors()
    ]
    return problem(request, 422, detail=_("有 {count} 处内容无效。", count=len(errors)), errors=errors)


def _field(one: dict[str, Any]) -> str:
    """The path of what is wrong; a check of several fields names the one to look at itself.

    A field that there is not comes back only where it looks like one, else it is a content.
    """
    place = [str(part) for part in one["loc"][1:]]
    if one["type"] == "extra_forbidden" and not _FIELD_NAME.fullmatch(place[-1]):
        place.pop()
    column = (one.get("ctx") or {}).get("column")
    return ".".join([*place, *([column] if column else [])])


def _said(one: dict[str, Any]) -> str:
    """What a validation says and what to do, in the current language."""
    zh, remedy_zh, en, remedy_en = validation_words(one["type"], one.get("ctx") or {})
    return f"{zh}{remedy_zh}" if current_language() == "zh" else f"{en} {remedy_en}".strip()


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class alone
    if isinstance(error.__cause__, ThreegatesError):
        # The framework wraps what happens while it reads a body; a body that is too large is not a broken one.
        return await _threegates_error(request, error.__cause__)
    if error.status_code in NOTED:
        _note_refusal(request, error.status_code)
    return problem(request, error.status_code, detail=_why_unreadable(error), headers=error.headers)


def _why_unreadable(error: HTTPException) -> str:
    """Why a body could not be read, where that is what went wrong; nothing of the body is said."""
    if isinstance(error.__cause__, RecursionError):
        return _("内容的嵌套层数过多，无法读取。")
    if isinstance(error.__cause__, UnicodeError):
        return _("内容不是 UTF-8 编码，无法读取。")
    return _("请求的内容无法读取。") if error.status_code == 400 else ""


async def _database_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DBAPIError)  # noqa: S101  # registered for this class alone
    if error.connection_invalidated or isinstance(error, OperationalError):
        return await _threegates_error(request, Unavailable("PostgreSQL does not answer."))
    if request.method == "GET" and isinstance(getattr(error.orig, "__cause__", None), asyncpg.DataError):
        # A number in the address that is beyond what a column can hold: nothing bears it.
        return problem(request, 404)
    cause = getattr(error.orig, "__cause__", None)
    # The class itself is the driver's own refusal, such as of a number beyond 64 bits; its subclasses are the server's.
    if isinstance(cause, _UNBEARABLE) or type(cause) is asyncpg.DataError:
        structlog.get_logger().warning("not kept", path=request.url.path, error=type(cause).__name__)
        return problem(request, 422, detail=_("内容中有无法保存的字符或过大的数。"))
    return await _unexpected(request, error)


async def _unexpected(request: Request, error: Exception) -> Response:
    # The class alone: a database's message may hold a row.
    structlog.get_logger().error("page failed", path=request.url.path, error=type(error).__name__)
    return problem(request, 500)


def handle_errors(app: FastAPI) -> None:
    """Let every error of the application become a problem."""
    app.add_exception_handler(ThreegatesError, _threegates_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(DBAPIError, _database_error)
    app.add_exception_handler(Exception, _unexpected)
