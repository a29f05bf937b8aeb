"""Free ports on loopback: the usual one, or the next free one after it."""

import socket
from collections.abc import Iterable

from deploy.failure import Failure

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose_port(usual: int, *, before: int | None = None, taken: Iterable[int] = ()) -> int:
    """The port used before, else the usual one, else the next free one; `taken` are promised to others."""
    promised = set(taken)
    candidates: list[int] = [before] if before else []
    candidates += range(usual, usual + 200)
    for port in candidates:
        if port not in promised and is_free(port):
            return port
    raise Failure(
        f"No free port on {LOOPBACK} between {usual} and {usual + 199}.",
        remedy="End the programs that hold them (`ss -ltnp` lists them).",
    )
