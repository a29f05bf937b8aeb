"""A question to a played agency and its answer, before they meet the network."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in small letters
    body: bytes = b""


@dataclass(slots=True)
class Answered:
    """One answer; `byte_pause` drips it, `cut_after` breaks the connection after so many bytes."""

    body: bytes
    status: int = 200
    kind: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    byte_pause: float = 0.0
    head_pause: float = 0.0
    cut_after: int | None = None


def refused(status: int, message: str) -> Answered:
    """An answer with nothing but a message."""
    return Answered(message.encode(), status, "text/plain; charset=utf-8")
