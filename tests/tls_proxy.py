"""TLS in front of the tests' servers, which speak without it: one for HTTP with an API key, one for PostgreSQL."""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

# Its own authority, for 127.0.0.1.
CERTIFICATE: Final = Path(__file__).parent / "connectors" / "self_signed.pem"
API_KEY: Final = "dGVzdDprZXk="
# What a client of PostgreSQL sends before it speaks TLS: a length of 8 and the code of the request.
_TLS_REQUEST: Final = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@contextmanager
def elasticsearch_behind_tls(address: str) -> Iterator[str]:
    """An https address that passes on what comes with the key and refuses the rest as Elasticsearch does."""
    target = urlsplit(address).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Authorization") != f"ApiKey {API_KEY}":
                self._answer(401, b'{"error": {"type": "security_exception"}, "status": 401}', {})
                return
            kept = {
                name: value for name, value in self.headers.items() if name.lower() not in ("host", "authorization")
            }
            asking = http.client.HTTPConnection(target, timeout=30)
            try:
                asking.request(self.command, self.path, body or None, kept)
                answer = asking.getresponse()
                self._answer(answer.status, answer.read(), dict(answer.getheaders()))
            finally:
                asking.close()

        # The names that the base class looks for.
        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _pass_on  # noqa: N815

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            if not headers:
                self.send_header("Content-Type", "application/json")
                self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def finish_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]  # the base allows bytes
            # Here, in the connection's thread: a client that refuses the certificate must not end the listening.
            try:
                with _context().wrap_socket(request, server_side=True) as encrypted:
                    super().finish_request(encrypted, client_address)
            except (ssl.SSLError, ConnectionError):
                return

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"https://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@contextmanager
def postgresql_behind_tls(address: str) -> Iterator[str]:
    """The address of a PostgreSQL that speaks TLS."""
    parts = urlsplit(address)
    target = (parts.hostname or "127.0.0.1", parts.port or 5432)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=_serve_postgresql, args=(client, target), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        credentials = parts.netloc.rsplit("@", 1)[0]
        yield f"{parts.scheme}://{credentials}@127.0.0.1:{listening.getsockname()[1]}{parts.path}"


def _serve_postgresql(client: socket.socket, target: tuple[str, int]) -> None:
    with client:
        if client.recv(8) != _TLS_REQUEST:
            return  # what comes unencrypted is not served
        client.sendall(b"S")
        with (
            suppress(OSError),
            _context().wrap_socket(client, server_side=True) as encrypted,
            socket.create_connection(target) as server,
        ):
            back = threading.Thread(target=_pump, args=(server, encrypted), daemon=True)
            back.start()
            _pump(encrypted, server)
            back.join(timeout=5)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
