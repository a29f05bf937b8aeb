"""An agency's cases.yml: payloads as the agency sends them, and the rows and rejections that must come of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

from pydantic import Field, ValidationError, model_validator

from connectors.agency import Agency, read_yaml
from connectors.answers import read_answer
from connectors.declaration import Part
from connectors.errors import BadAgency, FeedError, RecordRejected
from connectors.interpret import Row
from connectors.page import Rejected
from registry.record_fields import RECORD_FIELDS

CASES: Final = "cases.yml"


class Rejection(Part):
    """An entry that must be rejected: the agency's field and a part of the reason."""

    field: str = ""
    reason: str = Field(min_length=1)


class Case(Part):
    """One payload and all that must come of it; what is not listed must not come."""

    name: str
    payload: str  # a file below the agency's folder
    rows: list[dict[str, Any]] = Field(default_factory=list)  # fields that are null are left out
    rejections: list[Rejection] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)  # a part of each
    error: str | None = None  # a part of the message, where the whole payload must be refused

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.rows or self.rejections or self.error):
            raise ValueError("the case expects nothing: give rows, rejections or error")
        return self


class _Cases(Part):
    cases: list[Case] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case and what is wrong with it; nothing when it holds."""

    case: str
    problems: list[str]


def plain(value: Any) -> Any:
    """A value of a row as YAML and JSON can say it: dates and stamps in ISO, decimals as text without exponent."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return format(value.normalize(), "f") if isinstance(value, Decimal) else value


def plain_row(row: Row) -> dict[str, Any]:
    """The fields of a row that are not null, for people."""
    return {name: plain(value) for name, value in zip(RECORD_FIELDS, row, strict=True) if value is not None}


def interpret_payload(agency: Agency, body: bytes) -> tuple[list[Row], list[Rejected], list[str]]:
    """Rows, rejections in order of position, and notes of one payload."""
    answer = read_answer(agency, body)
    rows: list[Row] = []
    rejected = list(answer.rejected)
    for position, (key, entry, raw) in enumerate(zip(answer.keys, answer.entries, answer.raws, strict=True)):
        try:
            rows.append(agency.interpreter(entry, raw))
        except RecordRejected as error:
            rejected.append(Rejected(position, raw, error.field_name, error.reason, key))
    return rows, rejected, answer.notes


def load_cases(folder: Path) -> list[Case]:
    """The cases of an agency's folder; none where there is no cases.yml."""
    file = folder / CASES
    if not file.is_file():
        return []
    try:
        return _Cases.model_validate({"cases": read_yaml(file)}).cases
    except ValidationError as error:
        first = error.errors()[0]
        path = " → ".join(str(part) for part in first["loc"][1:])
        raise BadAgency(
            f"{first['msg'].removeprefix('Value error, ')}.", where=f"{file}: {path}", remedy="See docs/connectors.md."
        ) from None


def run_cases(agency: Agency) -> Iterator[Outcome]:
    """Runs every case of the agency's folder."""
    for case in load_cases(agency.folder):
        yield Outcome(case.name, list(_problems(agency, case)))


def _problems(agency: Agency, case: Case) -> Iterator[str]:
    file = agency.folder / case.payload
    if not file.resolve().is_relative_to(agency.folder.resolve()) or not file.is_file():
        yield f"there is no payload {case.payload} in the agency's folder"
        return
    try:
        rows, rejected, notes = interpret_payload(agency, file.read_bytes())
    except FeedError as error:
        if case.error is None or case.error not in error.message:
            yield f"the payload is refused: {error.message}"
        return
    if case.error is not None:
        yield f"the payload is read; it must be refused with: {case.error}"
    expected = [{name: plain(value) for name, value in row.items()} for row in case.rows]
    yield from _compare_rows([plain_row(row) for row in rows], expected)
    yield from _compare_texts("rejection", [f"{one.field_name}: {one.reason}" for one in rejected], case.rejections)
    yield from _compare_texts("note", notes, case.notes)


def _compare_rows(rows: list[dict[str, Any]], expected: list[dict[str, Any]]) -> Iterator[str]:
    if len(rows) != len(expected):
        yield f"{len(rows)} rows come; {len(expected)} are expected"
    for row, wanted in zip(rows, expected, strict=False):
        key = row.get("source_key")
        for name in sorted(row.keys() | wanted.keys()):
            if row.get(name) != wanted.get(name):
                yield f"row {key}: {name} is {row.get(name)!r}; {wanted.get(name)!r} is expected"


def _compare_texts(what: str, found: list[str], expected: Sequence[Rejection | str]) -> Iterator[str]:
    if len(found) != len(expected):
        yield f"{len(found)} {what}s come; {len(expected)} are expected: {found}"
    for text, wanted in zip(found, expected, strict=False):
        if isinstance(wanted, Rejection):
            field, _, reason = text.partition(": ")
            if field != wanted.field or wanted.reason not in reason:
                yield f"{what} {text!r} comes; {wanted.field}: {wanted.reason} is expected"
        elif wanted not in text:
            yield f"{what} {text!r} comes; {wanted!r} is expected"
