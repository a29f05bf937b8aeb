"""Fetching an agency's feed: pages from a watermark or a checkpoint on, until it is whole or an error says why not."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from connectors.agency import Agency
from connectors.client import Client
from connectors.listing import pages_of_listing
from connectors.page import Page
from connectors.paging import DONE, Request, pages_of_cursor, pages_of_none, pages_of_number

PAGINGS: Final[dict[str, Callable[[Request], Iterator[Page]]]] = {
    "none": pages_of_none,
    "cursor": pages_of_cursor,
    "page": pages_of_number,
    "listing": pages_of_listing,
}


def fetch(
    agency: Agency,
    *,
    watermark: datetime | None = None,
    checkpoint: Mapping[str, Any] | None = None,
    deadline_seconds: float | None = None,
) -> Iterator[Page]:
    """The pages of a feed, in order, one request at a time and only when the caller asks for the next.

    `watermark` is the newest modification stamp that is stored: only what was modified since (less the declared
    overlap) is asked for; None asks for everything. `checkpoint` is that of the last page stored of a run that broke
    off: the rest follows, asked from the same instant. After `deadline_seconds` nothing more is asked.

    Raises FeedHeld before the last page where the feed contradicts itself, else another FeedError; both name the
    address without secrets, and the remedy. The run is whole when a page with `last` has arrived. After FeedHeld and
    CheckpointExpired begin without a checkpoint (what came before may have a gap), after any other error with it.
    """
    checkpoint = checkpoint or {}
    if checkpoint.get(DONE):
        return
    since = _since(agency, watermark, checkpoint)
    deadline = None if deadline_seconds is None else time.monotonic() + deadline_seconds
    with Client(agency, deadline=deadline) as client:
        yield from PAGINGS[agency.paging.kind](Request(agency, client, since, checkpoint))


def _since(agency: Agency, watermark: datetime | None, checkpoint: Mapping[str, Any]) -> datetime | None:
    if checkpoint:
        said = checkpoint.get("since")
        return datetime.fromisoformat(said) if said else None
    if agency.since is None or watermark is None:
        return None
    return watermark - agency.since.overlap
