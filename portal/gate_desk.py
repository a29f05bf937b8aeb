"""The desk of the gate: questions that come at once are judged, signed and kept together, in one transaction."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final

import structlog
from starlette.requests import Request

from portal.viewing import KeyNeeded, hash_of, viewing
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
    looking: dict[bytes, asyncio.Task[Viewer]] = field(default_factory=dict)

    async def caller(self, request: Request) -> Viewer:
        """Who asks; raises KeyNeeded without a key or sign-in, NotAllowed without the right to ask."""
        scheme, _space, key = request.headers.get("authorization", "").partition(" ")
        viewer = await self._by_key(request, key.strip()) if scheme.lower() == "bearer" else await _recognised(request)
        request.state.viewer = viewer
        if viewer.kind == "public":
            raise KeyNeeded(
                "Asking at the gate needs a key or a sign-in.",
                remedy="Send “Authorization: Bearer KEY” with a key of scope gate; see docs/gate-check.md.",
            )
        viewer.require("gate")
        return viewer

    async def _by_key(self, request: Request, key: str) -> Viewer:
        named = hash_of(key)
        viewer, until = self.known.get(named, (None, 0.0))
        if viewer is not None and time.monotonic() < until:
            return viewer
        task = self.looking.get(named)
        if task is None:
            task = asyncio.create_task(_recognised(request))
            self.looking[named] = task
            task.add_done_callback(lambda _: self.looking.pop(named, None))
        viewer = await asyncio.shield(task)
        if len(self.known) >= _MOST_KNOWN:
            self.known.clear()
        self.known[named] = (viewer, time.monotonic() + _SECONDS_KNOWN)
        return viewer


async def _recognised(request: Request) -> Viewer:
    async with viewing(request):
        viewer: Viewer = request.state.viewer
    return viewer


CALLERS: Final = KnownCallers()
