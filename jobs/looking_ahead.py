"""Reads a feed one or two pages ahead of storing, in a thread of its own that never keeps the process from ending."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Final

from connectors.page import Page

# So many fetched pages wait at most: a slow database must not fill the memory.
AHEAD: Final = 2


class _End:
    """What the thread says last: the error that ended the feed, or that it is at its end."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


async def look_ahead(pages: Iterator[Page]) -> AsyncGenerator[Page, None]:
    """The pages of a synchronous iterator; what it raises is raised here, after the pages before it.

    The thread is a daemon: a fetch that hangs for its 30 s does not keep a worker from ending at SIGTERM.
    """
    loop = asyncio.get_running_loop()
    ready: asyncio.Queue[Page | _End] = asyncio.Queue(maxsize=AHEAD)
    stopped = threading.Event()

    def hand_over(item: Page | _End) -> None:
        # The loop may have ended meanwhile: then nobody waits for the page.
        putting = ready.put(item)
        try:
            asyncio.run_coroutine_threadsafe(putting, loop).result()
        except (RuntimeError, CancelledError):
            putting.close()
            stopped.set()

    def read() -> None:
        end = _End(None)
        try:
            for page in pages:
                if stopped.is_set():
                    return
                hand_over(page)
                if stopped.is_set():
                    return
        except BaseException as error:
            end = _End(error)
        if not stopped.is_set():
            hand_over(end)

    threading.Thread(target=read, name="feed", daemon=True).start()
    try:
        while True:
            item = await ready.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stopped.set()
        with suppress(asyncio.QueueEmpty):
            while True:
                ready.get_nowait()
