"""What reading queries share: the condition of a knowledge date, rows as plain mappings, names of regions, cursors."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.clock import CIVIL_ZONE
from registry.errors import BadInput
from registry.history import FOREVER

Row = dict[str, Any]
# What a column of numbers can hold: nothing bears a greater one.
LARGEST_NUMBER: Final = 2**63 - 1
# Sorts what has no day to the end. Not date.min: the driver takes that for -infinity.
UNDATED: Final = date(1000, 1, 1)
# The name of a bind in a condition.
_BIND: Final = re.compile(r":(\w+)")
# Bytes of a cursor's checksum.
_CHECKED: Final = 6


def end_of_day(day: date) -> datetime:
    """The last instant of a civil day of China: knowing "on a day" means all that was known by then.

    Not the midnight after it: what was learned at that very instant belongs to the next day.
    """
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=CIVIL_ZONE) - timedelta(microseconds=1)


def known(alias: str, known_at: datetime | None) -> str:
    """The condition that a row was known at :known_at; without a date, that it is what is known now."""
    if known_at is None:
        return f"{alias}.known_to = 'infinity'"
    return f"{alias}.known_from <= :known_at AND {alias}.known_to > :known_at"


async def rows(session: AsyncSession, statement: str, **values: Any) -> list[Row]:
    """All rows of a statement with named binds; unused binds are left out."""
    bound = {name: value for name, value in values.items() if f":{name}" in statement}
    found = await (await session.connection()).execute(text(statement), bound)
    return [{name: _plain(value) for name, value in row.items()} for row in found.mappings()]


def _plain(value: Any) -> Any:
    # Plain SQL does not pass through the column types, which make 'infinity' the one FOREVER.
    return FOREVER if isinstance(value, datetime) and value.year == FOREVER.year else value


async def first(session: AsyncSession, statement: str, **values: Any) -> Row | None:
    """The first row of a statement, or None."""
    found = await rows(session, statement, **values)
    return found[0] if found else None


def asked_for(asked: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """The conditions that have a value, and the binds they name; each names one (`a.lane = :lane`)."""
    used = {condition: value for condition, value in asked.items() if value is not None}
    return list(used), {_BIND.findall(condition)[0]: value for condition, value in used.items()}


async def region_names(session: AsyncSession, codes: Iterable[str | None]) -> dict[str, str]:
    """The full names of regions (河北省 唐山市 迁安市), by code, of the last day that each code was in force."""
    wanted = sorted({code for code in codes if code})
    if not wanted:
        return {}
    parents = sorted({part for code in wanted for part in (code, code[:4] + "00", code[:2] + "0000")})
    found = await rows(
        session,
        """
        SELECT DISTINCT ON (code) code, name FROM regions WHERE code = ANY(:codes)
        ORDER BY code, held_to DESC NULLS FIRST
        """,
        codes=parents,
    )
    names = {row["code"]: row["name"] for row in found}
    return {code: _full_name(code, names) for code in wanted}


def _full_name(code: str, names: dict[str, str]) -> str:
    parts = dict.fromkeys(names[part] for part in (code[:2] + "0000", code[:4] + "00", code) if part in names)
    return " ".join(parts) or code


class BadCursor(BadInput):
    """A cursor that no answer of this list gave."""

    status = 400
    title = "The cursor is not one of this list"

    def __init__(self) -> None:
        super().__init__("The cursor is not one of this list.", where="cursor", remedy="Start again without a cursor.")


def write_cursor(*values: Any) -> str:
    """A cursor for the next page: the sort values of the last row, opaque to the reader, and a checksum."""
    said = orjson.dumps(values, default=str)
    return base64.urlsafe_b64encode(_checksum(said) + said).decode().rstrip("=")


def read_cursor(cursor: str, length: int) -> list[Any]:
    """The sort values of a cursor that `write_cursor` made, or BadCursor."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = orjson.loads(raw[_CHECKED:]) if _checksum(raw[_CHECKED:]) == raw[:_CHECKED] else None
    except (ValueError, binascii.Error):
        values = None
    if not isinstance(values, list) or len(values) != length:
        raise BadCursor
    return values


def day_of_cursor(said: Any) -> date:
    """A day within a cursor, or BadCursor."""
    try:
        return date.fromisoformat(said)
    except (TypeError, ValueError):
        raise BadCursor from None


def number_of_cursor(said: Any) -> int:
    """A row's number within a cursor, or BadCursor."""
    if type(said) is not int or not 0 <= said < 2**63:
        raise BadCursor
    return said


def _checksum(said: bytes) -> bytes:
    # No secret: a cursor is only a place in a list that its reader may read. What was changed on the way is noticed.
    return hashlib.blake2b(said, digest_size=_CHECKED, person=b"cursor").digest()
