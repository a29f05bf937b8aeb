"""The network of a played agency: a threaded HTTP server on loopback, with a control address for its misbehaviour."""

import contextlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

from deploy.agencies.exchange import Answered, Asked, refused
from deploy.agencies.feed import Feed
from deploy.ports import LOOPBACK

CONTROL: Final = "/_play"
_LARGEST_BODY: Final = 2**20


class Played(ThreadingHTTPServer):
    """One played agency, listening; use as a context manager."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, feed: Feed, port: int = 0) -> None:
        self.feed = feed
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        super().__init__((LOOPBACK, port), _Handler)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a register finds and enters it."""
        return self.feed.environment(self.address)

    def __enter__(self) -> Self:
        """Listens in a thread of its own."""
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name=self.feed.name, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stops listening and closes every connection."""
        self.shutdown()
        self.server_close()
        with self._open_lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remembers the connection, so that it can be closed."""
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forgets the connection."""
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle of an answer is nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    server: Played
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120

    def do_GET(self) -> None:
        """Answers."""
        self._answer()

    def do_POST(self) -> None:
        """Answers."""
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: requests carry credentials."""

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, _LARGEST_BODY))
        asked = Asked(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query)),
            {name.lower(): value for name, value in self.headers.items()},
            body,
        )
        feed = self.server.feed
        if asked.path == CONTROL:
            self._send(self._control(asked))
            return
        feed.remember(asked)
        mode = feed.misbehaviour.take()
        try:
            answered = feed.answer(asked)
        except (ValueError, KeyError):
            answered = refused(400, "the request is not understood")
        self._send(feed.misbehaviour.change(mode, answered, feed.spoil))

    def _control(self, asked: Asked) -> Answered:
        """POST {"mode": …, "times": …} tells how to behave; GET says how it is."""
        feed = self.server.feed
        if asked.method == "POST":
            try:
                told = json.loads(asked.body)
                mode = told.pop("mode")
                if mode == "later":
                    return Answered(json.dumps({"published": feed.publish_later()}).encode())
                feed.misbehaviour.tell(mode, **told)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                return refused(400, f"not understood: {error}")
        state = {"mode": feed.misbehaviour.mode, "left": feed.misbehaviour.left, "records": feed.count}
        return Answered(json.dumps(state).encode())

    def _send(self, answered: Answered) -> None:
        head = {
            "Content-Type": answered.kind,
            "Content-Length": str(len(answered.body)),
            **answered.headers,
        }
        lines = [f"HTTP/1.1 {answered.status} {self.responses.get(answered.status, ('-',))[0]}"]
        lines += [f"{name}: {value}" for name, value in head.items()]
        head_bytes = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        try:
            self._write(head_bytes, answered.head_pause)
            if answered.cut_after is not None:
                self._write(answered.body[: answered.cut_after], 0)
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self._write(answered.body, answered.byte_pause)
        except OSError:
            self.close_connection = True

    def _write(self, data: bytes, pause: float) -> None:
        if not pause:
            self.wfile.write(data)
            return
        for position in range(len(data)):
            self.wfile.write(data[position : position + 1])
            time.sleep(pause)
