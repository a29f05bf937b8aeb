"""What arrives on a page of a feed, told apart: new, changed, unchanged, older than what is held, or refused."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, Protocol

from registry.audience import CREDIT_ACTS
from registry.database import json_text
from registry.names import normalise
from registry.record_fields import RECORD_FIELDS


class Refusal(Protocol):
    """An entry that could not be read; shaped like connectors.page.Rejected."""

    @property
    def position(self) -> int: ...
    @property
    def raw(self) -> bytes: ...
    @property
    def field_name(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def source_key(self) -> str | None: ...


class Arrival(Protocol):
    """A page as a connector yields it; shaped like connectors.page.Page."""

    @property
    def label(self) -> str: ...
    @property
    def keys(self) -> list[str]: ...
    @property
    def raws(self) -> list[bytes]: ...
    @property
    def rejected(self) -> Sequence[Refusal]: ...
    @property
    def checkpoint(self) -> Mapping[str, Any]: ...
    @property
    def received_bytes(self) -> int: ...
    @property
    def newest(self) -> datetime | None: ...
    @property
    def notes(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal made after fetching: by the mapping, or by the database itself."""

    position: int
    raw: bytes
    field_name: str
    reason: str
    source_key: str | None = None


# Gives the row of the entry at a position, in the order of RECORD_FIELDS, or why there is none.
Interpret = Callable[[int], tuple[Any, ...] | Refused]


@dataclass(frozen=True, slots=True)
class Held:
    """The version that the register holds under a key."""

    record_id: int
    content_hash: bytes
    modified: datetime | None
    known_from: datetime


@dataclass(slots=True)
class Told:
    """The entries of a page, told apart; what is to be stored stands in `staged` by key."""

    staged: dict[str, tuple[Any, ...]] = field(default_factory=dict)  # in the order of STAGED
    positions: dict[str, int] = field(default_factory=dict)  # key -> place on the page
    refusals: list[Refusal] = field(default_factory=list)
    confirmed: list[int] = field(default_factory=list)  # record ids that arrived as they are held
    ties: list[str] = field(default_factory=list)  # keys whose held version bears the very same stamp
    unchanged: int = 0
    stale: int = 0


_POSITION: Final = {name: position for position, name in enumerate(RECORD_FIELDS)}
_KEY: Final = _POSITION["source_key"]
_MODIFIED: Final = _POSITION["source_modified"]
_PARTY: Final = _POSITION["party_name"]
_PROJECT: Final = _POSITION["project_name"]
_ACT: Final = _POSITION["act"]
_AUTHORITY: Final = _POSITION["authority"]
_CAPACITY: Final = _POSITION["stated_capacity"]
_DETAILS: Final = _POSITION["details"]
_JSON: Final = tuple(_POSITION[name] for name, kind in RECORD_FIELDS.items() if kind == "jsonb")

# So many entries are interpreted at one go: some milliseconds.
TURN: Final = 64

# The staging table's columns and their types; the fields of a record stand last.
STAGED: Final = {
    "record_id": "bigint",
    "content_hash": "bytea",
    "raw": "bytea",
    "party_name_normal": "text",
    "project_name_normal": "text",
    "lender_normal": "text",
    **RECORD_FIELDS,
}
_RAW: Final = list(STAGED).index("raw")
_STAGED_MODIFIED: Final = list(STAGED).index("source_modified")


def content_hashes(raws: Sequence[bytes], mapping_version: str) -> list[bytes]:
    """blake2b-128 of each raw entry; the mapping's version is in it, so that a new mapping reads everything anew."""
    seed = blake2b(mapping_version.encode() + b"\0", digest_size=16)
    hashes = []
    for raw in raws:
        one = seed.copy()
        one.update(raw)
        hashes.append(one.digest())
    return hashes


def unstorable(keys: Sequence[str]) -> set[str]:
    """The keys that PostgreSQL's text cannot hold: with a NUL or half a surrogate pair; nearly always none."""
    whole = "".join(keys)
    if "\0" not in whole and (whole.isascii() or _encodes(whole)):
        return set()
    return {key for key in keys if "\0" in key or not _encodes(key)}


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


async def tell_apart(
    page: Arrival, hashes: list[bytes], held: Mapping[str, Held], interpret: Interpret, bad: set[str]
) -> Told:
    """Interpret what is new or changed; leave out what is older than what the register or this very page holds.

    `bad` are the keys that cannot be stored. Others get their turn now and then: above all the page before this one,
    whose merge PostgreSQL can do meanwhile only if it is sent there.
    """
    told = Told(refusals=list(page.rejected))
    staged, seen = told.staged, dict[str, bytes]()
    read = 0
    for position, (key, raw, content_hash) in enumerate(zip(page.keys, page.raws, hashes, strict=True)):
        known = held.get(key)
        if known is not None and known.content_hash == content_hash:
            told.unchanged += 1
            told.confirmed.append(known.record_id)
            continue
        rival_hash = seen.get(key)
        if rival_hash == content_hash:
            told.unchanged += 1
            continue
        read += 1
        if not read % TURN:
            await asyncio.sleep(0)
        row = interpret(position) if key not in bad else Refused(position, raw, "", "its key cannot be stored")
        if isinstance(row, Refused):
            told.refusals.append(row)
            continue
        modified = row[_MODIFIED]
        if known is not None and _older(modified, known.modified):
            told.stale += 1
            continue
        if rival_hash is not None:
            told.stale += 1  # one of the two
            rival = staged[key]
            if not _replaces(modified, raw, rival[_STAGED_MODIFIED], rival[_RAW]):
                continue
        seen[key] = content_hash
        staged[key] = _stage(row, key, raw, content_hash, known.record_id if known else None)
        told.positions[key] = position
    told.ties = [
        key
        for key, row in staged.items()
        if key in held and row[_STAGED_MODIFIED] is not None and row[_STAGED_MODIFIED] == held[key].modified
    ]
    return told


def drop_lost_ties(told: Told, raws: Mapping[str, bytes]) -> None:
    """Of two versions with one stamp the greater bytes win, so that the order of arrival decides nothing.

    `raws` are the held ones of `told.ties`. Equal bytes mean that only the mapping changed: the new reading stands.
    """
    for key in told.ties:
        if told.staged[key][_RAW] < raws[key]:
            del told.staged[key]
            told.stale += 1


def _older(modified: datetime | None, than: datetime | None) -> bool:
    """Whether a stamp is older; none at all is older than any."""
    return than is not None and (modified is None or modified < than)


def _replaces(modified: datetime | None, raw: bytes, rival: datetime | None, rival_raw: bytes) -> bool:
    """Whether the later of two entries on one page is the one to keep."""
    if modified is None and rival is None:
        return True  # nothing but their order says which is newer
    if modified == rival:
        return raw > rival_raw
    return not _older(modified, rival)


def _stage(row: tuple[Any, ...], key: str, raw: bytes, content_hash: bytes, record_id: int | None) -> tuple[Any, ...]:
    party, project = row[_PARTY], row[_PROJECT]
    lender = row[_AUTHORITY] if row[_ACT] in CREDIT_ACTS else None
    if row[_KEY] != key or row[_CAPACITY] is not None or row[_DETAILS] is not None:
        values = list(row)
        values[_KEY] = key  # what was looked up is what is stored
        for position in _JSON:
            if values[position] is not None:
                values[position] = json_text(values[position])
        row = tuple(values)
    return (
        record_id,
        content_hash,
        raw,
        normalise(party).text if party else None,
        normalise(project).text if project else None,
        normalise(lender).text if lender else None,
        *row,
    )
