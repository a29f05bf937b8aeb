"""The intake's process: `python -m portal.intake.serving --port N`; no log of who came, no dump of memory."""

import argparse
import contextlib
import os
import resource
import sys
import tempfile
from typing import NoReturn

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from registry.errors import ThreegatesError

LOOPBACK = "127.0.0.1"
PORT = 8010
READY = "the intake of reports is open"


def serve(port: int, host: str = LOOPBACK) -> None:
    """Serve until ended."""
    # A crash must not write memory, with what people sent in it, to a disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Nothing here uses temporary files; a library that began to would fail at once and not leave one behind.
    tempfile.tempdir = os.devnull
    from portal.intake.application import make_intake

    print(READY, flush=True)
    uvicorn.run(
        WithoutAddress(make_intake()),
        host=host,
        port=port,
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        # Who thinks over a page still has a connection; one that is closed while a form comes would lose the form.
        timeout_keep_alive=120,
        timeout_graceful_shutdown=3,
    )


class WithoutAddress:
    """Takes the address of who asks away before anything of ours can see it."""

    def __init__(self, application: ASGIApp) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on without the address, and without the headers in which proxies repeat it."""
        if scope["type"] == "http":
            kept = [(name, value) for name, value in scope["headers"] if name in _HEADERS]
            scope = {**scope, "client": None, "headers": kept}
        # The application has answered and told its operator; nothing else may log what went wrong.
        with contextlib.suppress(Exception):
            await self.application(scope, receive, send)


# All that the intake reads of a request; no browser, no address, no page that led here.
_HEADERS = frozenset((b"accept-language", b"content-length", b"content-type", b"if-modified-since", b"if-none-match"))


def main() -> NoReturn:
    """Entry of the process."""
    parser = argparse.ArgumentParser(prog="python -m portal.intake.serving", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--host", default=LOOPBACK)
    asked = parser.parse_args()
    try:
        serve(asked.port, asked.host)
    except ThreegatesError as error:
        sys.exit(f"threegates: {error}")
    sys.exit(0)


if __name__ == "__main__":
    main()
