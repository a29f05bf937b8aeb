"""A receiver of webhooks on this machine: it checks each signature, keeps one effect a key, and fails as it is told."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError


class Receiver(ThreadingHTTPServer):
    """Effects by key; `answers` are the next status codes, 0 cuts the connection after the effect."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.secret = ""
        self.effects: dict[str, dict[str, Any]] = {}
        self.tries: Counter[str] = Counter()
        self.forged = 0
        self.signatures: list[int] = []
        self.answers: list[int] = []
        self.fails_first = False  # every key's first try fails after it was accepted
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/hook"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that was killed is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Verify, take effect once, answer."""
        length = int(self.headers["content-length"])
        body = self.rfile.read(length)
        server = self.server
        if len(body) < length:
            # Its sender was killed while it sent.
            self.close_connection = True
            return
        try:
            event = Webhook(server.secret).verify(body, dict(self.headers))
        except WebhookVerificationError:
            server.forged += 1
            self._answer(401)
            return
        key = self.headers["webhook-id"]
        with server.lock:
            server.tries[key] += 1
            server.effects.setdefault(key, event)
            server.signatures.append(len(self.headers["webhook-signature"].split()))
            status = server.answers.pop(0) if server.answers else 204
            if server.fails_first and server.tries[key] == 1:
                status = 500
        if status == 0:
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self._answer(status)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        if status in (301, 302, 307):
            self.send_header("location", "http://127.0.0.1:9/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens for a while."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        receiver.server_close()
        thread.join(5)
