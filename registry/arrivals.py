"""What arrives on a page of a feed, told apart: new, changed, unchanged, older than what is held, or refused."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from itertools import chain
from typing import Any, Final, Protocol

from registry.audience import CREDIT_ACTS
from registry.database import json_text
from registry.names import normal_texts
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


# Gives the rows of the entries at some positions, in the order of RECORD_FIELDS, or why there is none.
Interpret = Callable[[Sequence[int]], Sequence[tuple[Any, ...] | Refused]]


@dataclass(frozen=True, slots=True)
class Held:
    """The version that the register holds under a key, where another arrived."""

    record_id: int
    modified: datetime | None
    known_from: datetime


@dataclass(slots=True)
class Told:
    """The entries of a page, told apart; what is to be stored stands in `staged` by key."""

    staged: dict[str, list[Any]] = field(default_factory=dict)  # in the order of STAGED
    positions: dict[str, int] = field(default_factory=dict)  # key -> place on the page
    refusals: list[Refusal] = field(default_factory=list)
    ties: list[str] = field(default_factory=list)  # keys whose held version bears the very same stamp
    unchanged: int = 0
    stale: int = 0


_POSITION: Final = {name: position for position, name in enumerate(RECORD_FIELDS)}
_MODIFIED: Final = _POSITION["source_modified"]
_PARTY: Final = _POSITION["party_name"]
_PROJECT: Final = _POSITION["project_name"]
_ACT: Final = _POSITION["act"]
_AUTHORITY: Final = _POSITION["authority"]

# So many entries are interpreted at one go: some milliseconds.
TURN: Final = 128

# What travels as text: to encode two numbers, a day and an instant takes the driver longer than the rest of a record.
SPELLED: Final = frozenset({"numeric", "date", "timestamptz"})

# The staging table's columns and their types; the fields of a record stand last.
STAGED: Final = {
    "record_id": "bigint",
    "content_hash": "bytea",
    "raw": "bytea",
    "party_name_normal": "text",
    "project_name_normal": "text",
    "lender_normal": "text",
    **{name: "text" if kind in SPELLED else kind for name, kind in RECORD_FIELDS.items()},
}
_PLACE: Final = {name: place for place, name in enumerate(STAGED)}
_RAW: Final = _PLACE["raw"]
_KEY: Final = _PLACE["source_key"]
_SPELLED: Final = tuple(_PLACE[name] for name, kind in RECORD_FIELDS.items() if kind in SPELLED)
_JSON: Final = tuple(_PLACE[name] for name, kind in RECORD_FIELDS.items() if kind == "jsonb")


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
    page: Arrival, hashes: list[bytes], new: list[int], held: Mapping[str, Held], interpret: Interpret, bad: set[str]
) -> Told:
    """Interpret what is new or changed; leave out what is older than what the register or this very page holds.

    `new` are the positions of entries that the register does not hold as they are, `held` what it holds instead;
    `bad` are the keys that cannot be stored. Others get their turn now and then: above all the page before this one,
    whose merge PostgreSQL can do meanwhile only if it is sent there.
    """
    told = Told(refusals=list(page.rejected), unchanged=len(page.keys) - len(new))
    kept = told.positions
    stamps: dict[str, datetime | None] = {}
    for start in range(0, len(new), TURN):
        await asyncio.sleep(0)
        positions = new[start : start + TURN]
        if bad:
            told.refusals += [
                Refused(position, page.raws[position], "", "its key cannot be stored")
                for position in positions
                if page.keys[position] in bad
            ]
            positions = [position for position in positions if page.keys[position] not in bad]
        read: dict[str, tuple[Any, ...]] = {}
        for position, row in zip(positions, interpret(positions), strict=True):
            key = page.keys[position]
            rival = kept.get(key)
            if rival is not None and hashes[rival] == hashes[position]:
                told.unchanged += 1
                continue
            if isinstance(row, Refused):
                told.refusals.append(row)
                continue
            modified = row[_MODIFIED]
            if key in held and _older(modified, held[key].modified):
                told.stale += 1
                continue
            if rival is not None:
                told.stale += 1  # one of the two
                if not _replaces(modified, page.raws[position], stamps[key], page.raws[rival]):
                    continue
            kept[key], stamps[key], read[key] = position, modified, row
        told.staged.update(_staged(page, hashes, kept, held, read))
    told.ties = [key for key, one in held.items() if one.modified is not None and stamps.get(key) == one.modified]
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


def _staged(
    page: Arrival,
    hashes: list[bytes],
    positions: Mapping[str, int],
    held: Mapping[str, Held],
    rows: Mapping[str, tuple[Any, ...]],
) -> Iterator[tuple[str, list[Any]]]:
    """Rows as the staging table takes them, by key."""
    lenders = {key: row[_AUTHORITY] for key, row in rows.items() if row[_ACT] in CREDIT_ACTS}
    names = (name for row in rows.values() for name in (row[_PARTY], row[_PROJECT]))
    normal = normal_texts(name for name in chain(names, lenders.values()) if name)
    for key, row in rows.items():
        position = positions[key]
        values = [
            held[key].record_id if key in held else None,
            hashes[position],
            page.raws[position],
            normal.get(row[_PARTY]),
            normal.get(row[_PROJECT]),
            normal.get(lenders.get(key) or ""),
            *row,
        ]
        values[_KEY] = key  # what was looked up is what is stored
        for place in _SPELLED:
            if values[place] is not None:
                values[place] = str(values[place])
        for place in _JSON:
            if values[place] is not None:
                values[place] = json_text(values[place])
        yield key, values
