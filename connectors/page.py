"""What a connector yields: pages of raw entries, interpreted into rows of the register only when they are new."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Rejected:
    """One entry that could not be read; it goes to quarantine and harms nobody else.

    `position` counts entries of the page from 0; `raw` is what arrived, byte for byte;
    `field_name` is the agency's own name of the field, empty where the whole entry is broken.
    """

    position: int
    raw: bytes
    field_name: str
    reason: str
    source_key: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an agency's feed, parsed but not interpreted.

    `keys`, `raws` and `entries` are parallel: the agency's own key, the canonical bytes that are stored and hashed,
    and the parsed entry for `interpret`. `checkpoint` is a JSON value: given back to `fetch`, it resumes
    after this page.
    """

    label: str
    keys: list[str]
    raws: list[bytes]
    entries: list[Mapping[str, Any]]
    rejected: list[Rejected]
    checkpoint: Mapping[str, Any]
    received_bytes: int
    last: bool
    claimed_total: int | None = None
    """How many entries the agency says the whole (incremental) answer has, where it says so."""
    newest: datetime | None = None
    """The newest modification stamp on the page: the next watermark once every page is stored."""
    notes: list[str] = field(default_factory=list)
