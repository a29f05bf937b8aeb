"""Readers of single values: each takes what the agency sent and returns the register's value, or raises BadValue."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from types import ModuleType
from typing import Any, Final

import orjson

from registry.identifiers import discharge_permit, eia_number, industry, project_code, region, supervision_number, uscc

Reader = Callable[[Any], Any]

# Units by record field: how many of the register's units (yuan, hectares, months) one of theirs is.
UNITS: Final[dict[str, dict[str, Decimal]]] = {
    "amount": {"元": Decimal(1), "万元": Decimal(10_000), "百万元": Decimal(10**6), "亿元": Decimal(10**8)},
    "area_hectares": {
        "公顷": Decimal(1),
        "亩": Decimal(1) / Decimal(15),
        "平方米": Decimal("0.0001"),
        "平方公里": Decimal(100),
    },
    "months": {"月": Decimal(1), "年": Decimal(12)},
}

# Units of capacity: the register's unit and how many of it one of theirs is.
CAPACITY_UNITS: Final[dict[str, tuple[str, Decimal]]] = {
    "t/a": ("t/a", Decimal(1)),
    "吨/年": ("t/a", Decimal(1)),
    "万吨/年": ("t/a", Decimal(10_000)),
    "weight_case/a": ("weight_case/a", Decimal(1)),
    "重量箱/年": ("weight_case/a", Decimal(1)),
    "万重量箱/年": ("weight_case/a", Decimal(10_000)),
    "dwt/a": ("dwt/a", Decimal(1)),
    "载重吨/年": ("dwt/a", Decimal(1)),
    "万载重吨/年": ("dwt/a", Decimal(10_000)),
}

IDENTIFIERS: Final[dict[str, ModuleType]] = {
    "project_code": project_code,
    "uscc": uscc,
    "region": region,
    "industry": industry,
    "eia_number": eia_number,
    "supervision_number": supervision_number,
    "discharge_permit": discharge_permit,
}

# B-tree entries end at about 2,700 bytes: longer keys and names would roll back a whole page.
LONGEST_KEY: Final = 200
LONGEST_TEXT: Final = 600
LONGEST_DETAIL: Final = 20_000
DEEPEST: Final = 32

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,12})?")
_THOUSANDS: Final = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{1,12})?")
_EXPONENT: Final = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?[eE][+-]?[0-9]{1,2}")
_SMALLEST: Final = Decimal("0.000001")
_LARGEST: Final = Decimal(10) ** 18
_MOST_DIGITS: Final = 18  # after the first
_SHORT: Final = 13


class BadValue(ValueError):
    """This value cannot be read; the message is the reason that quarantine shows."""


def shown(value: Any) -> str:
    """A value for a message: short, and free of bytes that a database or terminal minds."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        text = type(value).__name__
    return text if len(text) <= 80 else text[:80] + "…"


def as_text(value: Any) -> str:
    """A scalar as text, stripped; lists and objects are refused."""
    if type(value) is str:
        return value.strip()
    if type(value) is int:
        return str(value)
    if type(value) is float:
        # Systems that keep codes in number columns send 130200.0.
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    raise BadValue(f"expected one value, not {shown(value)}")


def text_reader(longest: int = LONGEST_TEXT) -> Reader:
    """Text up to a length; None where nothing but blanks."""

    def read(value: Any) -> str | None:
        text = value.strip() if type(value) is str else as_text(value)
        if len(text) > longest:
            raise BadValue(f"longer than {longest} characters")
        return text or None

    return read


@lru_cache(maxsize=65536)
def _decimal(text: str) -> Decimal:
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    plain = text.strip().replace("，", ",")
    if _THOUSANDS.fullmatch(plain):
        return Decimal(plain.replace(",", ""))
    if _EXPONENT.fullmatch(plain):
        number = Decimal(plain)
        if abs(number) < _LARGEST:
            return number.quantize(Decimal("1e-12")).normalize() + 0
    plain = plain.translate(_FULL_WIDTH)
    if _NUMBER.fullmatch(plain):
        return Decimal(plain)
    raise BadValue(f"not a number: {shown(text)}")


_FULL_WIDTH: Final = str.maketrans("０１２３４５６７８９．－＋", "0123456789.-+")


def read_number(value: Any) -> Decimal:
    """An exact decimal. JSON numbers keep the digits they were written with (up to 15)."""
    kind = type(value)
    if kind is str:
        return _decimal(value)
    if kind is int or kind is float:
        text = repr(value)
        # Short plain numbers are decimals as they stand; 1e-07, nan and inf are not.
        return Decimal(text) if len(text) <= _SHORT and "e" not in text and "n" not in text else _decimal(text)
    raise BadValue(f"not a number: {shown(value)}")


def number_reader(factor: Decimal | None) -> Reader:
    """A number times a factor; what a division leaves is rounded to a millionth."""
    if factor is None or factor == 1:
        return read_number
    exact = factor.as_tuple().exponent
    rounds = isinstance(exact, int) and exact < -12

    def read(value: Any) -> Decimal:
        number = read_number(value) * factor
        if number.adjusted() > _MOST_DIGITS:
            raise BadValue(f"too large: {shown(value)}")
        return number.quantize(_SMALLEST).normalize() + 0 if rounds else number

    return read


def integer_reader(factor: Decimal | None) -> Reader:
    """A whole number that fits PostgreSQL's integer."""

    def read(value: Any) -> int:
        number = read_number(value) * (factor or 1)
        if number != int(number) or not -(2**31) <= number < 2**31:
            raise BadValue(f"not a whole number that fits: {shown(value)}")
        return int(number)

    return read


def date_reader(formats: list[str], zone: tzinfo) -> Reader:
    """A civil day: ISO where no formats are given; also from full stamps."""

    @lru_cache(maxsize=65536)
    def read_text(text: str) -> date:
        for pattern in formats:
            try:
                return datetime.strptime(text.strip(), pattern).date()  # noqa: DTZ007 - a civil day has no zone
            except ValueError:
                continue
        if formats:
            raise BadValue(f"not a date like {' or '.join(formats)}: {shown(text)}")
        try:
            return date.fromisoformat(text)
        except ValueError:
            instant: datetime = read_instant(text)
            return instant.astimezone(zone).date()

    read_instant = instant_reader([], zone, what="date")

    def read(value: Any) -> date:
        day: date = read_text(value if type(value) is str else as_text(value))
        return day

    return read


def instant_reader(formats: list[str], zone: tzinfo, what: str = "time") -> Reader:
    """An aware instant; a stamp without zone is read in the agency's."""

    def from_epoch(value: Any, divisor: int) -> datetime:
        try:
            return datetime.fromtimestamp(int(read_number(value)) / divisor, UTC)
        except (OverflowError, OSError, ValueError):
            raise BadValue(f"not a {what}: {shown(value)}") from None

    def parse(value: Any) -> datetime:
        for pattern in formats:
            if pattern in ("epoch_seconds", "epoch_milliseconds"):
                return from_epoch(value, 1 if pattern == "epoch_seconds" else 1000)
            try:
                return datetime.strptime(as_text(value), pattern)  # noqa: DTZ007 - the zone is added below
            except ValueError:
                continue
        text = value if type(value) is str else as_text(value)
        if formats:
            raise BadValue(f"not a {what} like {' or '.join(formats)}: {shown(text)}")
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            raise BadValue(f"not an ISO {what}: {shown(text)}") from None

    def read(value: Any) -> datetime:
        instant = parse(value)
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=zone)
        if not 1900 <= instant.year <= 2200:
            raise BadValue(f"a {what} out of all range: {shown(value)}")
        return instant

    return read


def category_reader(categories: Mapping[str, str | bool], otherwise: str | None) -> Reader:
    """A word of the agency as a word of the register; an unknown one is an error of the record."""
    known = dict(categories)

    def read(value: Any) -> str | bool:
        found = known.get(value) if type(value) is str else None
        if found is None:
            word = ("true" if value else "false") if type(value) is bool else as_text(value)
            found = known.get(word, otherwise)
        if found is None:
            raise BadValue(f"unknown value {shown(value)}; the agency.yml knows {', '.join(known)}")
        return found

    return read


def _depth_within(value: Any, left: int) -> bool:
    if left == 0:
        return False
    if type(value) is dict:
        return all(_depth_within(inner, left - 1) for inner in value.values())
    if type(value) is list:
        return all(_depth_within(inner, left - 1) for inner in value)
    return True


def read_anything(value: Any) -> Any:
    """Any JSON value that is not nested too deeply."""
    if not _depth_within(value, DEEPEST):
        raise BadValue(f"nested more than {DEEPEST} deep")
    return value


def read_object(value: Any) -> dict[str, Any]:
    """An object, or a text that holds one as JSON."""
    if type(value) is str:
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise BadValue(f"not a JSON object: {shown(value)}") from None
    if type(value) is not dict:
        raise BadValue(f"not an object: {shown(value)}")
    checked: dict[str, Any] = read_anything(value)
    return checked
