"""From an agency's entries to rows of the register: the mapping of an agency.yml, compiled once, read by columns.

Entries of one feed have mostly the same fields, and most fields repeat a few texts: a column is read at once, each
distinct text once. An entry that cannot be read is rejected by itself and harms no other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

import orjson

from connectors.errors import RecordRejected
from connectors.identifying import Details, normal_codes, normal_industries, normal_numbers
from connectors.readers import json_safe, longest_text, reader_of
from connectors.values import LONGEST_TEXT, BadValue, Reader, as_text, read_anything, shown, text_reader
from registry.record_fields import RECORD_FIELDS

if TYPE_CHECKING:
    from connectors.agency import Agency

Row = tuple[Any, ...]
Entries = Sequence[Mapping[str, Any]]
Interpreter = Callable[[Entries, Sequence[bytes]], list[Row | RecordRejected]]
Columns = dict[str, list[Any]]
Given = dict[str, Sequence[Any]]

POSITION: Final = {name: position for position, name in enumerate(RECORD_FIELDS)}
REQUIRED: Final = ("source_key", "act", "acted_on")
# Record fields that are identifiers by themselves.
_IDENTIFIER_OF: Final = {"project_code": "project_code", "party_uscc": "uscc", "region": "region"}
# Types of which equal values read alike: each distinct one is read once. (1 and 1.0 are equal and of two types.)
_SCALARS: Final = frozenset({str, int, float})
_UNREADABLE: Final = (ValueError, TypeError, ArithmeticError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class _Step:
    """What one field gives to one target; `longest` is that of texts that stand as they came, -1 for other columns."""

    target: str
    read: Reader
    longest: int = -1


@dataclass(frozen=True, slots=True)
class _Unread:
    """In place of a value that cannot be read: why."""

    reason: str


class _Absent:
    """In place of a value that the agency did not give."""


_ABSENT: Final = _Absent()


def interpret(agency: "Agency", entry: Mapping[str, Any], raw: bytes) -> Row:
    """One entry as values in the order of RECORD_FIELDS; raises RecordRejected where it cannot be read."""
    (row,) = agency.page_interpreter([entry], [raw])
    if isinstance(row, RecordRejected):
        raise row
    return row


def flatten(entry: Mapping[str, Any], parents: frozenset[str], prefix: str = "") -> dict[str, Any]:
    """The entry with the named inner objects opened: {"a": {"b": 1}} becomes {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for name, value in entry.items():
        path = prefix + name
        if path in parents and isinstance(value, Mapping):
            flat.update(flatten(value, parents, path + "."))
        else:
            flat[path] = value
    return flat


def _find_nul(entry: Any, name: str = "") -> str | None:
    """The name of the first field that holds a NUL character, which PostgreSQL's text cannot."""
    if isinstance(entry, str):
        return name if "\0" in entry else None
    if isinstance(entry, Mapping):
        for inner, value in entry.items():
            if "\0" in inner or (found := _find_nul(value, name or inner)) is not None:
                return name or inner.replace("\0", "\\0")
            del found
    if isinstance(entry, list):
        for value in entry:
            if _find_nul(value, name) is not None:
                return name
    return None


def _steps(agency: "Agency") -> dict[str, list[_Step]]:
    """By the agency's name of a field: what it gives, and to which targets."""
    steps: dict[str, list[_Step]] = {}
    for name, field in agency.fields.items():
        for target in field.to:
            if target == "source_key" and len(agency.key_fields) > 1:
                continue
            reader, longest = reader_of(field, target, agency), longest_text(field, target)
            if target.startswith("details"):
                reader = json_safe(reader)
            elif target in _IDENTIFIER_OF:
                reader, longest = text_reader(LONGEST_TEXT), LONGEST_TEXT
            steps.setdefault(name, []).append(_Step(target, reader, longest))
    return steps


class _Mapping:
    """An agency's mapping, ready to read many entries at once."""

    def __init__(self, agency: "Agency") -> None:
        self.steps = _steps(agency)
        self.known, self.parents, self.absent = agency.known_fields, agency.parents, agency.absent
        # Comparing costs more than looking: without words for "nothing" only what is empty can be absent.
        self.marked_absent = any(agency.absent)
        self.constants = {"synthetic": False} | {
            target: value for target, value in agency.constants.items() if not target.startswith("details.")
        }
        self.constant_details = {
            target.removeprefix("details."): value
            for target, value in agency.constants.items()
            if target.startswith("details.")
        }
        self.composite = agency.key_fields if len(agency.key_fields) > 1 else ()
        self.source_of = {target: name for name, field in agency.fields.items() for target in field.to}
        number = next((field for field in agency.fields.values() if "number" in field.to), None)
        self.number_kind = number.identifier if number is not None else None

    def run(self, entries: Entries, raws: Sequence[bytes]) -> list[Row | RecordRejected]:
        """A row, or why there is none, for each entry."""
        rejected: dict[int, RecordRejected] = {}
        for position, raw in enumerate(raws):
            if b"\\u0000" in raw and (found := _find_nul(entries[position])) is not None:
                rejected[position] = RecordRejected(found, "holds a NUL character")
        if self.parents:
            entries = [self._open(position, entry, rejected) for position, entry in enumerate(entries)]
        given = _by_name(entries)
        details: Details = [self.constant_details.copy() for _ in entries]
        columns = self._read_fields(entries, given, details, rejected)
        if self.composite:
            columns["source_key"] = [self._join_key(position, one, rejected) for position, one in enumerate(entries)]
        if unknown := sorted(given.keys() - self.known):
            self._keep_unmapped(entries, unknown, details, rejected)
        for target, value in self.constants.items():
            columns.setdefault(target, [value] * len(entries))
        for target in REQUIRED:
            column = columns.get(target) or [None] * len(entries)
            if None in column:
                reason = f"is missing; the register needs it as {target}"
                for position in (position for position, value in enumerate(column) if value is None):
                    rejected.setdefault(position, RecordRejected(self.source_of.get(target, target), reason))
        self._identify(columns, details)
        columns["details"] = [one or None for one in details]
        nothing = [None] * len(entries)
        rows: list[Row | RecordRejected] = [*zip(*[columns.get(target, nothing) for target in POSITION], strict=True)]
        for position, why in rejected.items():
            rows[position] = why
        return rows

    def _open(self, position: int, entry: Mapping[str, Any], rejected: dict[int, RecordRejected]) -> Mapping[str, Any]:
        try:
            return flatten(entry, self.parents)
        except _UNREADABLE as error:
            rejected.setdefault(position, RecordRejected("", f"cannot be read ({type(error).__name__})"))
            return {}

    def _read_fields(
        self,
        entries: Entries,
        given: Mapping[str, Sequence[Any]],
        details: Details,
        rejected: dict[int, RecordRejected],
    ) -> Columns:
        columns: Columns = {}
        unread: dict[int, dict[str, str]] = {}
        for name, targets in self.steps.items():
            if name not in given:
                continue
            values = given[name]
            for step in targets:
                column = self._read_column(step, values)
                kinds = set(map(type, column))
                if _Unread in kinds:
                    for position, value in enumerate(column):
                        if isinstance(value, _Unread):
                            unread.setdefault(position, {}).setdefault(name, value.reason)
                            column[position] = _ABSENT
                if step.target.startswith("details"):
                    _add_details(step.target, column, details)
                    continue
                if not kinds.isdisjoint((_Unread, _Absent)):
                    nothing = self.constants.get(step.target)
                    column = [nothing if value is _ABSENT else value for value in column]
                columns[step.target] = column
        for position, reasons in unread.items():
            # Of several the one that stands first in the entry.
            first = next(name for name in entries[position] if name in reasons)
            rejected.setdefault(position, RecordRejected(first, reasons[first]))
        return columns

    def _read_column(self, step: _Step, values: Sequence[Any]) -> list[Any]:
        """The values as read; _ABSENT and _Unread stand where there is none."""
        kinds = set(map(type, values))
        if step.longest >= 0 and kinds == {str} and not self.marked_absent and max(map(len, values)) <= step.longest:
            return [text or None for text in map(str.strip, values)]
        kinds.discard(NoneType)
        if len(kinds) > 1 or not kinds <= _SCALARS:
            return [self._read_one(step, value) for value in values]
        given = set(values)
        found: dict[Any, Any] = dict.fromkeys(given.intersection(self.absent), _ABSENT)
        given -= found.keys()
        try:
            found.update(zip(given, map(step.read, given), strict=True))
        except _UNREADABLE:
            found.update((value, self._read_one(step, value)) for value in given)
        return [found[value] for value in values]

    def _read_one(self, step: _Step, value: Any) -> Any:
        try:
            if (not value or self.marked_absent) and value in self.absent:
                return _ABSENT
            return step.read(value)
        except BadValue as error:
            return _Unread(str(error))
        except _UNREADABLE as error:
            return _Unread(f"cannot be read ({type(error).__name__}): {shown(value)}")

    def _join_key(self, position: int, entry: Mapping[str, Any], rejected: dict[int, RecordRejected]) -> str | None:
        try:
            return "/".join([as_text(entry.get(name) or "") for name in self.composite])
        except BadValue as error:
            rejected.setdefault(position, RecordRejected(self.composite[0], str(error)))
            return None

    def _keep_unmapped(
        self, entries: Entries, unknown: list[str], details: Details, rejected: dict[int, RecordRejected]
    ) -> None:
        for position, entry in enumerate(entries):
            unmapped = {name: entry[name] for name in unknown if name in entry and entry[name] not in self.absent}
            if unmapped:
                try:
                    details[position]["unmapped"] = read_anything(unmapped)
                except (BadValue, *_UNREADABLE) as error:
                    rejected.setdefault(position, RecordRejected("", str(error)))

    def _identify(self, columns: Columns, details: Details) -> None:
        """Identifiers in their normal form. An unreadable one never costs the record."""
        for target, kind in _IDENTIFIER_OF.items():
            if target in self.source_of and target in columns:
                columns[target] = normal_codes(target, kind, columns[target], details)
        if "industry" in columns:
            classes = columns["industry"]
            editions = columns.get("industry_edition") or [None] * len(classes)
            columns["industry"], columns["industry_edition"] = normal_industries(classes, editions, details)
        if self.number_kind is not None and "number" in columns:
            acts = columns.get("act") or [None] * len(details)
            columns["number"] = normal_numbers(self.number_kind, acts, columns["number"], details)


def _by_name(entries: Entries) -> Given:
    """The values of all entries by the name of their field, None where an entry has none."""
    names = list(entries[0]) if entries else []
    if all(list(entry) == names for entry in entries):
        # The usual case; three times as fast as looking into each entry for each name.
        return dict(zip(names, zip(*[entry.values() for entry in entries], strict=True), strict=True))
    return {name: [entry.get(name) for entry in entries] for name in dict.fromkeys(chain.from_iterable(entries))}


def _add_details(target: str, column: list[Any], details: Details) -> None:
    if target == "details":
        for one, inner in zip(details, column, strict=True):
            if inner is not _ABSENT:
                for name, value in inner.items():
                    one.setdefault(name, value)
        return
    name = target.removeprefix("details.")
    for one, value in zip(details, column, strict=True):
        if value is not _ABSENT:
            one[name] = value


def compile_interpreter(agency: "Agency") -> Interpreter:
    """The function that interprets this agency's entries; its mapping has been validated."""
    return _Mapping(agency).run


def canonical(entry: Mapping[str, Any]) -> bytes:
    """The bytes of a JSON or CSV entry that are stored and hashed: keys sorted, no blanks."""
    return orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)
