"""Whether the register can answer yet: until PostgreSQL is up and its schema is there, pages say what is starting."""

import time
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from portal.api_keys import ensure_first_key
from portal.gate_desk import prepare_key
from portal.starting import starting
from registry.database import engine
from registry.errors import ThreegatesError
from registry.migrations import schema_version

SECONDS_BETWEEN_CHECKS: Final = 0.5
ALWAYS: Final = ("/static", "/health")


@dataclass
class Readiness:
    """What the last check found; once ready it stays so, and single failures show as errors of their own."""

    ready: bool = False
    problem: str = "not checked yet"
    checked: float = field(default=-1.0)

    async def check(self) -> bool:
        """Look again, at most every half second."""
        if not self.ready and time.monotonic() - self.checked >= SECONDS_BETWEEN_CHECKS:
            self.checked = time.monotonic()
            self.problem = await _problem()
            if not self.problem:
                await ensure_first_key()
                await prepare_key()
                self.ready = True
        return self.ready


async def _problem() -> str:
    """What is missing; empty when all is there."""
    try:
        async with engine().connect() as connection:
            current, newest = await schema_version(connection)
    except (OSError, ThreegatesError) as error:
        return f"the database does not answer ({type(error).__name__})"
    except Exception as error:  # whatever a server says while it boots means: not yet
        return f"the database does not answer yet ({type(error).__name__})"
    return "" if current == newest else f"the schema stands at {current}, this software needs {newest}"


class StartingGate:
    """Answers with the starting page until the register is ready."""

    def __init__(self, app: ASGIApp, readiness: Readiness) -> None:
        self.app = app
        self.readiness = readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let static files and health through always, everything else when ready."""
        if scope["type"] != "http" or scope["path"].startswith(ALWAYS) or await self.readiness.check():
            await self.app(scope, receive, send)
            return
        await starting(Request(scope, receive), self.readiness.problem)(scope, receive, send)
