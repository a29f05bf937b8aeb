"""What an agency answered, read into entries with their keys and canonical bytes; a bad entry harms itself alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from connectors.agency import Agency
from connectors.csv_answers import read_csv
from connectors.errors import RecordRejected
from connectors.interpret import flatten
from connectors.json_answers import read_json
from connectors.page import Rejected
from connectors.parts import Parts
from connectors.values import LONGEST_KEY, BadValue, Reader, as_text, instant_reader, shown
from connectors.xml_answers import read_xml

_READERS: Final[dict[str, Callable[[bytes, Agency], Parts]]] = {"json": read_json, "xml": read_xml, "csv": read_csv}
_MOST_NAMED: Final = 20


@dataclass(slots=True)
class Answer:
    """One answer: parallel keys, raws and entries, what was rejected, and what stands around the entries."""

    keys: list[str] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    entries: list[Mapping[str, Any]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    envelope: Callable[[str], Any] = lambda _path: None
    newest: datetime | None = None
    notes: list[str] = field(default_factory=list)
    received: int = 0  # entries that arrived, good, bad and repeated


def read_answer(agency: Agency, body: bytes) -> Answer:
    """The entries of an answer of any format; raises FeedUnreadable where it is not that format at all."""
    return finish(agency, _READERS[agency.format.kind](body, agency))


def finish(agency: Agency, parts: Parts) -> Answer:
    """Adds keys and stamps to parsed parts, and sets entries without key or beyond the size aside."""
    answer = Answer(rejected=parts.rejected, envelope=parts.envelope, received=len(parts.entries) + len(parts.rejected))
    key_of = _key_reader(agency)
    largest = agency.limits.entry_bytes
    add_key, add_raw, add_entry = answer.keys.append, answer.raws.append, answer.entries.append
    for position, entry, raw in zip(parts.positions, parts.entries, parts.raws, strict=True):
        try:
            if len(raw) > largest:
                raise RecordRejected("", f"larger than {largest} bytes")
            key = key_of(entry)
        except RecordRejected as error:
            answer.rejected.append(Rejected(position, raw, error.field_name, error.reason))
            continue
        add_key(key)
        add_raw(raw)
        add_entry(entry)
    stamps = _stamps(agency, answer.entries)
    if len(set(answer.keys)) != len(answer.keys):
        _keep_newest(answer, stamps)
    answer.newest = max((stamp for stamp in stamps if stamp is not None), default=None)
    answer.rejected.sort(key=lambda one: one.position)
    if unknown := _unknown(agency, answer.entries):
        answer.notes.append(unknown)
    return answer


def _key_reader(agency: Agency) -> Callable[[Mapping[str, Any]], str]:
    names = agency.key_fields
    nested = bool(agency.parents)

    def read(entry: Mapping[str, Any]) -> str:
        if nested:
            entry = flatten(entry, agency.parents)
        parts = []
        for name in names:
            value = entry.get(name)
            if type(value) is not str:
                if value is None:
                    raise RecordRejected(name, "is missing; it is the record's key")
                try:
                    value = as_text(value)
                except BadValue as error:
                    raise RecordRejected(name, str(error)) from None
            if not (value := value.strip()):
                raise RecordRejected(name, "is empty; it is the record's key")
            if "\0" in value:
                raise RecordRejected(name, "holds a NUL character")
            parts.append(value)
        key = parts[0] if len(parts) == 1 else "/".join(parts)
        if len(key) > LONGEST_KEY:
            raise RecordRejected(names[0], f"longer than {LONGEST_KEY} characters")
        return key

    return read


def _stamps(agency: Agency, entries: list[Mapping[str, Any]]) -> list[datetime | None]:
    """The modification stamp of each entry; None where there is none or it cannot be read (interpret says so)."""
    name = agency.modified_field
    if name is None:
        return [None] * len(entries)
    read: Reader = instant_reader(agency.fields[name].formats, agency.zone)
    found: list[datetime | None] = []
    for entry in entries:
        try:
            value = flatten(entry, agency.parents).get(name) if agency.parents else entry.get(name)
            found.append(None if value is None else read(value))
        except (BadValue, TypeError, AttributeError):
            found.append(None)
    return found


def _keep_newest(answer: Answer, stamps: list[datetime | None]) -> None:
    """Of entries with one key keeps the newest (by stamp, then by bytes, so that their order does not matter)."""
    best: dict[str, int] = {}
    for at, key in enumerate(answer.keys):
        other = best.get(key)
        if other is None or _rank(stamps[at], answer.raws[at]) > _rank(stamps[other], answer.raws[other]):
            best[key] = at
    keep = sorted(best.values())
    answer.notes.append(f"{len(answer.keys) - len(keep)} entries repeat a key of the same page; the newest was kept")
    answer.keys = [answer.keys[at] for at in keep]
    answer.raws = [answer.raws[at] for at in keep]
    answer.entries = [answer.entries[at] for at in keep]
    stamps[:] = [stamps[at] for at in keep]


def _rank(stamp: datetime | None, raw: bytes) -> tuple[bool, float, bytes]:
    return stamp is not None, stamp.timestamp() if stamp else 0.0, raw


def _unknown(agency: Agency, entries: list[Mapping[str, Any]]) -> str:
    """A note on fields that the agency.yml does not know; their values are kept in details.unmapped."""
    known, parents = agency.known_fields, agency.parents
    counts: dict[str, int] = {}
    for entry in entries:
        names = flatten(entry, parents).keys() if parents else entry.keys()
        if not names <= known:
            for name in names - known:
                counts[name] = counts.get(name, 0) + 1
    if not counts:
        return ""
    named = ", ".join(f"{shown(name)} ({count})" for name, count in sorted(counts.items())[:_MOST_NAMED])
    return f"fields that agency.yml does not know, kept in details.unmapped: {named}"
