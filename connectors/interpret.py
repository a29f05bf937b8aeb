"""From an agency's entry to a row of the register: the mapping of an agency.yml, compiled once into closures."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson

from connectors.capacities import capacities_reader
from connectors.errors import RecordRejected
from connectors.values import (
    IDENTIFIERS,
    LONGEST_DETAIL,
    LONGEST_KEY,
    LONGEST_TEXT,
    UNITS,
    BadValue,
    Reader,
    as_text,
    category_reader,
    date_reader,
    instant_reader,
    integer_reader,
    number_reader,
    read_anything,
    read_object,
    shown,
    text_reader,
)
from registry.identifiers import BadIdentifier, Parsed, industry, supervision_number
from registry.record_fields import RECORD_FIELDS

if TYPE_CHECKING:
    from connectors.agency import Agency
    from connectors.declaration import FieldMap

Row = tuple[Any, ...]
Interpreter = Callable[[Mapping[str, Any], bytes], Row]

POSITION: Final = {name: position for position, name in enumerate(RECORD_FIELDS)}
REQUIRED: Final = ("source_key", "act", "acted_on")
_PLAIN: Final = {"supervision_number": supervision_number.PLAIN}
# In place of a column's position: goes into details, or is an identifier that is read at the end.
_INTO_DETAILS: Final = -1
_CODED: Final = -2
_ACT, _NUMBER, _DETAILS = POSITION["act"], POSITION["number"], POSITION["details"]
_INDUSTRY, _EDITION, _USCC = POSITION["industry"], POSITION["industry_edition"], POSITION["party_uscc"]
# Record fields that are identifiers by themselves. An unreadable one never costs the record.
_IDENTIFIER_OF: Final = {"project_code": "project_code", "party_uscc": "uscc", "region": "region"}


def interpret(agency: "Agency", entry: Mapping[str, Any], raw: bytes) -> Row:
    """One entry as values in the order of RECORD_FIELDS; raises RecordRejected where it cannot be read."""
    return agency.interpreter(entry, raw)


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


def reader_of(field: "FieldMap", target: str, agency: "Agency") -> Reader:
    """The reader that one target of a field needs: by declared categories, else by the type of the record field."""
    if field.categories:
        return category_reader(field.categories, field.otherwise)
    if field.capacities is not None:
        return capacities_reader(field.capacities)
    factor = UNITS[target][field.unit] if target in UNITS and field.unit else None
    declared = {"numeric": "number", "timestamptz": "instant", "text": "text"}.get(
        RECORD_FIELDS.get(target, ""), RECORD_FIELDS.get(target, field.type or "text")
    )
    if declared in ("number", "integer"):
        return number_reader(factor) if declared == "number" else integer_reader(factor)
    if declared in ("date", "instant"):
        return (date_reader if declared == "date" else instant_reader)(field.formats, agency.zone)
    if declared == "object" or target == "details":
        return read_object
    if target.startswith("details."):
        # PostgreSQL's jsonb has no dates and its numbers come back as floats in most clients: both stay text.
        return text_reader(LONGEST_DETAIL) if field.type == "text" else read_anything
    return text_reader(longest_text(field, target))


def longest_text(field: "FieldMap", target: str) -> int:
    """How long the text of a column may be that takes texts as they come; -1 for every other column."""
    if field.categories or field.capacities is not None or RECORD_FIELDS.get(target) != "text":
        return -1
    return LONGEST_KEY if target in ("source_key", "number") else LONGEST_TEXT


def _json_safe(reader: Reader) -> Reader:
    """A reader whose result can stand in details: dates and decimals as text."""

    def read(value: Any) -> Any:
        found = reader(value)
        return found if isinstance(found, (str, int, list, dict, type(None))) else str(found)

    return read


def _identified(kind: str, text: str) -> Parsed | None:
    """The identifier, or None where the text is none; the parsers remember what they have read."""
    try:
        parsed: Parsed = IDENTIFIERS[kind].parse(text)
    except BadIdentifier:
        return None
    return parsed


class _Remarks:
    """What is odd about the identifiers of one record; goes into its details."""

    __slots__ = ("details",)

    def __init__(self, details: dict[str, Any]) -> None:
        self.details = details

    def unreadable(self, target: str, text: str) -> None:
        """Keeps the original of an identifier that has no normal form."""
        self.details.setdefault("unreadable", {})[target] = text

    def warn(self, target: str, codes: list[str]) -> None:
        """Keeps codes of registry.identifiers.problem.MESSAGES."""
        self.details.setdefault("warnings", {})[target] = codes


def _finish_identifiers(row: list[Any], texts: dict[str, str], remarks: _Remarks) -> None:
    for target, text in texts.items():
        parsed = _identified(_IDENTIFIER_OF[target], text)
        if parsed is None:
            remarks.unreadable(target, text)
            continue
        if parsed.warnings:
            remarks.warn(target, [warning.code for warning in parsed.warnings])
        if target == "party_uscc" and (kind := getattr(parsed, "kind", "uscc")) != "uscc":
            # An organisation code or licence number of before 2015-10 is no USCC; it still tells who it was.
            remarks.details[kind] = parsed.value
        else:
            row[POSITION[target]] = parsed.value


def _finish_industry(row: list[Any], remarks: _Remarks) -> None:
    text, edition = row[_INDUSTRY], row[_EDITION]
    try:
        parsed = industry.parse(text, edition)
    except BadIdentifier:
        remarks.unreadable("industry", text if not edition else f"{text} ({edition})")
        row[_INDUSTRY] = row[_EDITION] = None
        return
    row[_INDUSTRY], row[_EDITION] = parsed.value, parsed.edition
    if parsed.warnings:
        remarks.warn("industry", [warning.code for warning in parsed.warnings])


def _finish_number(row: list[Any], kind: str | None, remarks: _Remarks) -> None:
    """The normal form of a number whose kind is known; there is no national scheme, so an odd one stays as it is."""
    if kind is None or (kind in _PLAIN and _PLAIN[kind].fullmatch(row[_NUMBER])):
        return
    parsed = _identified(kind, row[_NUMBER])
    if parsed is None:
        remarks.warn("number", [kind.replace("_", "-") + "-shape"])
        return
    row[_NUMBER] = parsed.value
    if parsed.warnings:
        remarks.warn("number", [warning.code for warning in parsed.warnings])


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


def _merge_object(details: dict[str, Any], inner: dict[str, Any]) -> None:
    for name, value in inner.items():
        details.setdefault(name, value)


def compile_interpreter(agency: "Agency") -> Interpreter:
    """The function that interprets this agency's entries; its mapping has been validated."""
    template: list[Any] = [None] * len(RECORD_FIELDS)
    template[POSITION["synthetic"]] = False
    constant_details: dict[str, Any] = {}
    for target, value in agency.constants.items():
        if target.startswith("details."):
            constant_details[target.removeprefix("details.")] = value
        else:
            template[POSITION[target]] = value

    # By the agency's name of the field: most fields go to one column, the rest is rare.
    # Its third part is how long a value may be that stands as it came: no call is made for each of them.
    plain: dict[str, tuple[Reader, int, int]] = {}
    rest: dict[str, list[tuple[str, Reader, int]]] = {}
    number_kind: str | Mapping[str, str] | None = None
    for name, field in agency.fields.items():
        for target in field.to:
            if target.startswith("details"):
                reader = _json_safe(reader_of(field, target, agency))
                rest.setdefault(name, []).append((target, reader, _INTO_DETAILS))
            elif target in _IDENTIFIER_OF:
                rest.setdefault(name, []).append((target, as_text, _CODED))
            elif target == "source_key" and len(agency.key_fields) > 1:
                continue
            elif name in plain:
                rest.setdefault(name, []).append((target, reader_of(field, target, agency), POSITION[target]))
            else:
                longest = longest_text(field, target)
                plain[name] = (reader_of(field, target, agency), POSITION[target], longest)
            if target == "number":
                number_kind = field.identifier
    by_act = number_kind if isinstance(number_kind, Mapping) else None
    any_act = number_kind if isinstance(number_kind, str) else None
    known, parents, absent = agency.known_fields, agency.parents, agency.absent
    # Comparing costs more than looking: without words for "nothing" only what is empty can be absent.
    marked_absent = any(absent)
    required = [(POSITION[target], target) for target in REQUIRED]
    source_of = {target: name for name, field in agency.fields.items() for target in field.to}
    composite = agency.key_fields if len(agency.key_fields) > 1 else ()
    key_position = POSITION["source_key"]

    def run(entry: Mapping[str, Any], raw: bytes) -> Row:
        name = ""
        if b"\\u0000" in raw and (found := _find_nul(entry)) is not None:
            raise RecordRejected(found, "holds a NUL character")
        row = template.copy()
        details = constant_details.copy()
        try:
            if parents:
                entry = flatten(entry, parents)
            texts: dict[str, str] = {}
            unmapped: dict[str, Any] = {}
            for name, value in entry.items():
                if (not value or marked_absent) and value in absent:
                    continue
                step = plain.get(name)
                if step is not None:
                    read, position, longest = step
                    if type(value) is str and len(value) <= longest:
                        row[position] = value.strip() or None
                    else:
                        row[position] = read(value)
                if name in rest:
                    for target, read, position in rest[name]:
                        if position == _CODED:
                            text = value.strip() if type(value) is str else as_text(value)
                            if len(text) > LONGEST_TEXT:
                                raise BadValue(f"longer than {LONGEST_TEXT} characters")
                            if text:
                                texts[target] = text
                        elif position != _INTO_DETAILS:
                            row[position] = read(value)
                        elif target == "details":
                            _merge_object(details, read(value))
                        else:
                            details[target.removeprefix("details.")] = read(value)
                elif step is None and name not in known:
                    unmapped[name] = value
            if composite:
                row[key_position] = "/".join([as_text(entry.get(name) or "") for name in composite])
            name = ""
            if unmapped:
                details["unmapped"] = read_anything({other: unmapped[other] for other in sorted(unmapped)})
        except BadValue as error:
            raise RecordRejected(name, str(error)) from None
        except (ValueError, TypeError, ArithmeticError, AttributeError, RecursionError) as error:
            raise RecordRejected(name, f"cannot be read ({type(error).__name__}): {shown(entry.get(name))}") from None
        for position, target in required:
            if row[position] is None:
                raise RecordRejected(source_of.get(target, target), f"is missing; the register needs it as {target}")
        remarks = _Remarks(details)
        if texts:
            _finish_identifiers(row, texts, remarks)
        if row[_INDUSTRY] is not None:
            _finish_industry(row, remarks)
        if row[_NUMBER] is not None:
            _finish_number(row, by_act.get(row[_ACT]) if by_act else any_act, remarks)
        row[_DETAILS] = details or None
        return tuple(row)

    return run


def canonical(entry: Mapping[str, Any]) -> bytes:
    """The bytes of a JSON or CSV entry that are stored and hashed: keys sorted, no blanks."""
    return orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)
