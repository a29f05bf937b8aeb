"""The desk of the gate: questions that come at once are judged, signed and kept together, in one transaction."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from starlette.requests import Request

from portal.viewing import hash_of
from registry import clock
from registry.database import transaction
from registry.errors import ThreegatesError
from registry.gate.checks import Ask, Given, ask_all
from registry.gate.signing import SigningKey, ensure_signing_key
from registry.viewers import GATEKEEPER, Viewer, become

_MOST_TOGETHER: Final = 64
# Who was answered together comes again together: so long the desk waits for them, where several are at it.
_GATHERING: Final = 0.001
# A key that was revoked may still ask for so long: recognising it costs as much as the answer.
_SECONDS_KNOWN: Final = 2.0
_MOST_KNOWN: Final = 1_000


@dataclass(slots=True)
class Desk:
    """What waits at the desk of one process; one transaction is under way, and what comes meanwhile shares the next."""

    waiting: list[tuple[Ask, asyncio.Future[Given]]] = field(default_factory=list)
    working: asyncio.Task[None] | None = None

    async def ask(self, ask: Ask) -> Given:
        """The answer to one question, with its error as its own."""
        answer: asyncio.Future[Given] = asyncio.get_running_loop().create_future()
        self.waiting.append((ask, answer))
        if self.working is None or self.working.done():
            self.working = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        while self.waiting:
            taken, self.waiting = self.waiting[:_MOST_TOGETHER], self.waiting[_MOST_TOGETHER:]
            try:
                await _answer(taken)
            except Exception as error:
                if len(taken) == 1:
                    _fail(taken[0][1], error)
                    continue
                # One question that cannot be kept must not take the others with it.
                for one in taken:
                    await self._answer_alone(one)
            if len(taken) > 1:
                await asyncio.sleep(_GATHERING)

    async def _answer_alone(self, one: tuple[Ask, asyncio.Future[Given]]) -> None:
        try:
            await _answer([one])
        except Exception as error:
            _fail(one[1], error)


async def _answer(taken: list[tuple[Ask, asyncio.Future[Given]]]) -> None:
    async with transaction() as session:
        await become(session, GATEKEEPER)
        key = _KEY[0] if _KEY else await ensure_signing_key(session)
        given = await ask_all(session, [ask for ask, _ in taken], clock.now(), key)
    if not _KEY:
        _KEY.append(key)
    # Told only after the transaction has ended well: an answer that is given is kept.
    for (_, answer), one in zip(taken, given, strict=True):
        if isinstance(one, ThreegatesError):
            _fail(answer, one)
        elif not answer.done():
            answer.set_result(one)


def _fail(answer: "asyncio.Future[Given]", error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)


_KEY: Final[list[SigningKey]] = []


async def prepare_key() -> None:
    """Make and publish the signing key as the portal starts; without one the gate says so when it is asked."""
    try:
        async with transaction() as session:
            await become(session, GATEKEEPER)
            await ensure_signing_key(session)
    except ThreegatesError as error:
        structlog.get_logger().error("the key of the gate cannot be used", reason=str(error))


def desk(request: Request) -> Desk:
    """The desk of the application."""
    state = request.app.state
    if not hasattr(state, "gate_desk"):
        state.gate_desk = Desk()
    made: Desk = state.gate_desk
    return made


@dataclass(slots=True)
class KnownCallers:
    """Callers by the hash of their key, for two seconds; many at once are recognised by one look."""

    known: dict[bytes, tuple[Viewer, float]] = field(default_factory=dict)
    looking: dict[bytes, asyncio.Future[Viewer]] = field(default_factory=dict)

    async def caller(self, request: Request, look: Callable[[Request], Awaitable[Viewer]]) -> Viewer:
        """Who calls: by a key that was just looked up, else by `look`."""
        scheme, _space, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return await look(request)
        named = hash_of(key.strip())
        viewer, until = self.known.get(named, (None, 0.0))
        if viewer is not None and time.monotonic() < until:
            return viewer
        task = self.looking.get(named)
        if task is None:
            task = asyncio.ensure_future(look(request))
            self.looking[named] = task
            task.add_done_callback(lambda _: self.looking.pop(named, None))
        viewer = await asyncio.shield(task)
        if len(self.known) >= _MOST_KNOWN:
            self.known.clear()
        self.known[named] = (viewer, time.monotonic() + _SECONDS_KNOWN)
        return viewer


CALLERS: Final = KnownCallers()
