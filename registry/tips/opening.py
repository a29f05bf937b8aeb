"""Taking the month's outer seal off a part while it streams out; what comes is still sealed to the desk's people."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Final

import pyrage
from pyrage.x25519 import Identity

from registry.errors import ThreegatesError
from registry.tips.sealing import CHUNK

_QUEUE: Final = 4


class Broken(ThreegatesError):
    """A sealed part could not be read to its end."""

    title = "A sealed part is damaged"


async def without_outer_seal(sealed: AsyncIterator[bytes], month_key: Identity) -> AsyncIterator[bytes]:
    """The part as its desk's people open it; nothing of it touches a disk and only a few chunks are in memory."""
    loop = asyncio.get_running_loop()
    out: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUE)
    passage = _Passage(sealed, out, loop)
    threading.Thread(target=passage.run, args=(month_key,), daemon=True).start()
    try:
        while (piece := await out.get()) is not None:
            yield piece
    finally:
        passage.stopped = True
        # The thread may wait for room that nobody makes any more.
        while not out.empty():
            out.get_nowait()
    if passage.failed:
        raise Broken("The sealed part is damaged.", remedy="Put the database back from a backup of before.")


class _Passage:
    """Reader and writer of one thread that takes the seal off."""

    def __init__(
        self, sealed: AsyncIterator[bytes], out: "asyncio.Queue[bytes | None]", loop: asyncio.AbstractEventLoop
    ) -> None:
        self.sealed = sealed
        self.out = out
        self.loop = loop
        self.waiting = bytearray()
        self.made = bytearray()
        self.stopped = False
        self.failed = False

    def run(self, month_key: Identity) -> None:
        try:
            pyrage.decrypt_io(self, self, [month_key])
            self._hand_on()
        except BaseException:
            # Whoever went away is told nothing; else the page says that the part is damaged.
            self.failed = not self.stopped
        finally:
            if not self.stopped:
                asyncio.run_coroutine_threadsafe(self.out.put(None), self.loop).result()

    def read(self, size: int = -1, /) -> bytes:
        while not self.waiting:
            if self.stopped:
                raise BrokenPipeError
            more = asyncio.run_coroutine_threadsafe(_next(self.sealed), self.loop).result()
            if not more:
                break
            self.waiting += more
        piece = bytes(self.waiting[:size] if size >= 0 else self.waiting)
        del self.waiting[: len(piece)]
        return piece

    def write(self, data: bytes, /) -> int:
        self.made += data
        if len(self.made) >= CHUNK:
            self._hand_on()
        return len(data)

    def flush(self) -> None:
        """Nothing: whole chunks go on as they are full, the rest at the end."""

    def _hand_on(self) -> None:
        if self.stopped:
            raise BrokenPipeError
        if self.made:
            asyncio.run_coroutine_threadsafe(self.out.put(bytes(self.made)), self.loop).result()
            self.made.clear()


async def _next(sealed: AsyncIterator[bytes]) -> bytes:
    async for piece in sealed:
        if piece:
            return piece
    return b""
