"""The intake's addresses; every answer is guarded, every error says nothing of what was sent."""

import sys
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from portal.intake.pacing import PATIENCE, Pace, Puzzles
from portal.intake.rendering import guard, language_of, render
from portal.intake.reporting import Reporting
from portal.intake.returning import Returning
from portal.language import LANGUAGES, _, speaking
from portal.rendering import STATIC
from registry.errors import BadInput, ThreegatesError, Unavailable
from registry.settings import settings
from registry.tips.threads import intake_engine

# Receipts that are looked up, a second: enough for people, slow for guessing (which 128 bits forbid anyway).
LOOKUPS: Final = 20
_REPORTED: set[str] = set()


def make_intake() -> Starlette:
    """The application; nothing is connected to before the first request."""
    pace = Pace(settings().intake_rate, burst=max(1, round(settings().intake_rate * 2)))
    reporting = Reporting(pace, Puzzles())
    returning = Returning(Pace(LOOKUPS, burst=LOOKUPS), reporting.uploads)

    async def front(request: Request) -> Response:
        answer = RedirectResponse(f"/{language_of(request)}/", 303)
        guard(answer)
        return answer

    async def start(request: Request) -> Response:
        rate, wait = settings().intake_rate, round(pace.expected())
        return render(request, "start.html", rate=rate, wait=wait, at_once=round(rate * PATIENCE))

    async def guidance(request: Request) -> Response:
        return render(request, "guidance.html", months=settings().tip_months)

    async def leave(_request: Request) -> Response:
        """Quick exit: to a page that says nothing, and the browser is asked to forget ours."""
        answer = RedirectResponse(settings().intake_exit, 303)
        guard(answer)
        answer.headers["clear-site-data"] = '"cache", "storage"'
        return answer

    async def live(_request: Request) -> Response:
        return JSONResponse({"state": "live"})

    routes: list[BaseRoute] = [
        Route("/", front),
        Route("/health/live", live),
        Route("/leave", leave),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    for code in LANGUAGES:
        routes += [
            Route(f"/{code}/", start),
            Route(f"/{code}/guidance", guidance),
            Route(f"/{code}/report", reporting.start, methods=["GET"]),
            Route(f"/{code}/report", reporting.answer, methods=["POST"]),
            Route(f"/{code}/receipt", returning.ask),
            Route(f"/{code}/receipt-script", returning.ask_with_script),
            Route(f"/{code}/thread", returning.show, methods=["POST"]),
            Route(f"/{code}/thread/add", returning.add, methods=["POST"]),
            Route(f"/{code}/thread/sealed", returning.sealed, methods=["POST"]),
            Route(f"/{code}/thread/add-sealed", returning.add_with_script, methods=["POST"]),
        ]
    handlers = {HTTPException: _refused, ThreegatesError: _said, Exception: _broke}
    made = Starlette(routes=routes, exception_handlers=handlers, lifespan=_until_the_end)  # type: ignore[arg-type]  # handlers of narrower errors
    made.router.redirect_slashes = False
    return made


@asynccontextmanager
async def _until_the_end(_application: Starlette) -> AsyncIterator[None]:
    """Close the way to the database when the process ends."""
    yield
    await intake_engine().dispose()


async def _refused(request: Request, error: HTTPException) -> Response:
    if error.status_code == 404:
        return _problem(request, 404, "missing")
    return _problem(request, error.status_code, "form")


async def _said(request: Request, error: ThreegatesError) -> Response:
    kind = "busy" if isinstance(error, Unavailable) else "form" if isinstance(error, BadInput) else "broken"
    if kind == "broken":
        _report(error)
    return _problem(request, error.status, kind)


async def _broke(request: Request, error: Exception) -> Response:
    _report(error)
    return _problem(request, 500, "broken")


def _problem(request: Request, status: int, kind: str) -> Response:
    with speaking(language_of(request)):
        said = {
            "missing": (_("没有这个页面"), _("请从首页重新开始。")),
            "form": (_("没有收到完整的表单"), _("请返回上一页，再发送一次。没有完整收到的内容不会保存。")),
            "busy": (_("暂时无法接收"), _("数据库没有答复。您填写的内容没有保存；请过几分钟再发送一次。")),
            "broken": (_("出了差错"), _("没有保存。请过几分钟再发送一次；没有记录您是谁、写了什么。")),
        }[kind]
    return render(request, "problem.html", status=status, title=said[0], words=said[1])


def _report(error: Exception) -> None:
    """Tell the operator what class of error there was and where in our code: once, without words, time or values."""
    places = [
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    what = f"{type(error).__name__} at {' < '.join(reversed(places[-4:]))}"
    if what not in _REPORTED:
        _REPORTED.add(what)
        print(f"intake: {what}", file=sys.stderr, flush=True)
