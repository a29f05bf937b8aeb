"""What an agency answered, read into entries with their keys and canonical bytes; a bad entry harms itself alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.agency import Agency
from connectors.csv_answers import read_csv
from connectors.errors import RecordRejected
from connectors.interpret import flatten
from connectors.json_answers import read_json
from connectors.page import Rejected
from connectors.parts import Parts
from connectors.values import LONGEST_KEY, BadValue, as_text, shown
from connectors.xml_answers import read_xml
from registry.clock import now

_READERS: Final[dict[str, Callable[[bytes, Agency], Parts]]] = {"json": read_json, "xml": read_xml, "csv": read_csv}
_MOST_NAMED: Final = 20
_FUTURE: Final = timedelta(days=1)


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
    answer = Answer(
        raws=parts.raws,
        entries=parts.entries,
        rejected=parts.rejected,
        envelope=parts.envelope,
        received=len(parts.entries) + len(parts.rejected),
    )
    if not _add_keys_at_once(agency, answer):
        _add_keys(agency, answer, parts.positions)
    if len(set(answer.keys)) != len(answer.keys):
        _keep_newest(answer, [_stamp(agency, entry) for entry in answer.entries])
    _add_newest(agency, answer)
    answer.rejected.sort(key=lambda one: one.position)
    if unknown := _unknown(agency, answer.entries):
        answer.notes.append(unknown)
    return answer


def _add_keys_at_once(agency: Agency, answer: Answer) -> bool:
    """The keys of a page in which every one is sound, told without a look at each; else False and nothing done."""
    if len(agency.key_fields) != 1 or agency.parents or not answer.entries:
        return False
    name = agency.key_fields[0]
    try:
        keys = list(map(str.strip, [entry[name] for entry in answer.entries]))
    except (KeyError, TypeError):
        return False
    lengths = set(map(len, keys))
    if 0 in lengths or max(lengths) > LONGEST_KEY or "\0" in "".join(keys):
        return False
    if max(map(len, answer.raws)) > agency.limits.entry_bytes:
        return False
    answer.keys = keys
    return True


def _add_keys(agency: Agency, answer: Answer, positions: list[int]) -> None:
    """The keys one by one; entries without a sound one, or beyond the size, are rejected."""
    entries, raws = answer.entries, answer.raws
    answer.entries, answer.raws = [], []
    for position, entry, raw in zip(positions, entries, raws, strict=True):
        try:
            if len(raw) > agency.limits.entry_bytes:
                raise RecordRejected("", f"larger than {agency.limits.entry_bytes} bytes")
            key = _key(agency, flatten(entry, agency.parents) if agency.parents else entry)
        except RecordRejected as error:
            answer.rejected.append(Rejected(position, raw, error.field_name, error.reason))
            continue
        answer.keys.append(key)
        answer.raws.append(raw)
        answer.entries.append(entry)


def _key(agency: Agency, entry: Mapping[str, Any]) -> str:
    parts = []
    for name in agency.key_fields:
        value = entry.get(name)
        if value is None:
            raise RecordRejected(name, "is missing; it is the record's key")
        try:
            value = as_text(value)
        except BadValue as error:
            raise RecordRejected(name, str(error)) from None
        if not value:
            raise RecordRejected(name, "is empty; it is the record's key")
        if "\0" in value:
            raise RecordRejected(name, "holds a NUL character")
        parts.append(value)
    key = "/".join(parts)
    if len(key) > LONGEST_KEY:
        raise RecordRejected(agency.key_fields[0], f"longer than {LONGEST_KEY} characters")
    return key


def _stamp(agency: Agency, entry: Mapping[str, Any]) -> datetime | None:
    """The modification stamp of an entry; None where there is none or it cannot be read (interpret says so)."""
    name = agency.modified_field
    if name is None:
        return None
    try:
        value = (flatten(entry, agency.parents) if agency.parents else entry).get(name)
        stamp: datetime | None = None if value in agency.absent else agency.read_modified(value)
    except (BadValue, RecursionError):
        return None
    return stamp


def _add_newest(agency: Agency, answer: Answer) -> None:
    """The newest stamp of the page. One from the future would make every later pull ask for nothing: it is no mark."""
    name = agency.modified_field
    if name is None:
        return
    latest = now() + _FUTURE
    plain = not agency.parents and not agency.fields[name].formats
    stamps: list[Any] = [entry.get(name) for entry in answer.entries] if plain else []
    try:
        # Stamps of one length and zone sort like their text, which is much faster than reading each.
        if stamps and len({(len(stamp), stamp[10:11], stamp[19:]) for stamp in stamps}) == 1:
            newest = agency.read_modified(max(stamps))
            if newest <= latest:
                answer.newest = newest
                return
    except (TypeError, BadValue):
        pass
    found = [stamp for entry in answer.entries if (stamp := _stamp(agency, entry)) is not None]
    sound = [stamp for stamp in found if stamp <= latest]
    if len(sound) != len(found):
        answer.notes.append(f"{len(found) - len(sound)} entries carry a modification stamp in the future")
    answer.newest = max(sound, default=None)


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
    flat = [flatten(entry, parents) for entry in entries] if parents else entries
    names = set().union(*flat) - known
    if not names:
        return ""
    counts = {name: sum(name in entry for entry in flat) for name in sorted(names)[:_MOST_NAMED]}
    more = f" and {len(names) - len(counts)} more" if len(names) > len(counts) else ""
    named = ", ".join(f"{shown(name)} ({count})" for name, count in counts.items())
    return f"fields that agency.yml does not know, kept in details.unmapped: {named}{more}"
