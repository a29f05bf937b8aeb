"""What every format's reader returns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from connectors.errors import FeedTooLarge
from connectors.page import Rejected


@dataclass(frozen=True, slots=True)
class Parts:
    """Entries with their place in the answer and their canonical bytes, what was no entry, and what stands around.

    `envelope` gives the value at a path outside the entries (total, next cursor), or None.
    """

    positions: list[int]
    entries: list[Mapping[str, Any]]
    raws: list[bytes]
    rejected: list[Rejected]
    envelope: Callable[[str], Any]


_CROWD: Final = 3_000_000


def refuse_crowds(body: bytes, mark: bytes) -> None:
    """Refuses an answer of very many tiny parts: unpacked into objects, they take thirty times their size."""
    if len(body) > _CROWD and body.count(mark) > _CROWD:
        raise FeedTooLarge(
            f"The answer has more than {_CROWD} parts.", remedy="Ask for smaller pages (paging.size in the agency.yml)."
        )
