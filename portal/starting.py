"""What is answered while the register starts: which steps are done; light, so that it is there first."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from deploy.state import read_state
from portal.rendering import choose_language, render
from registry.settings import settings

SECONDS_TO_RETRY: Final = 2


def start_up_steps() -> list[dict[str, Any]]:
    """The steps of the run in the data folder, as its supervisor notes them; empty where nothing supervises."""
    state = read_state(settings().data_folder.absolute() / "run" / "state.json")
    return list(state["steps"]) if state else []


def health(ready: bool, problem: str) -> JSONResponse:
    """The answer of /health/ready: 503 with what is still starting until the register answers."""
    steps = {str(step["name"]): str(step["state"]) for step in start_up_steps()}
    return JSONResponse(
        {"state": "ready" if ready else "starting", "problem": problem, "steps": steps}, 200 if ready else 503
    )


def starting(request: Request, problem: str) -> Response:
    """503 with the steps: a page that loads itself again, or a problem for programs."""
    headers = {"retry-after": str(SECONDS_TO_RETRY)}
    if request.url.path.startswith("/api/"):
        return JSONResponse(
            {
                "type": "/problems#unavailable",
                "title": "The register is starting",
                "status": 503,
                "detail": problem,
                "steps": [{"name": step["name"], "state": step["state"]} for step in start_up_steps()],
            },
            status_code=503,
            headers=headers,
            media_type="application/problem+json",
        )
    choose_language(request)
    return render(request, "starting.html", status=503, headers=headers, steps=start_up_steps())


async def answer_while_loading(scope: Scope, receive: Receive, send: Send) -> None:
    """The whole application until the real one is loaded."""
    request = Request(scope, receive)
    problem = "the program is loading"
    answer: Response
    if request.url.path == "/health/live":
        answer = JSONResponse({"state": "live"})
    elif request.url.path == "/health/ready":
        answer = health(False, problem)
    else:
        answer = starting(request, problem)
    await answer(scope, receive, send)
