"""The national project code (GB/T 40058-2021) and its shape before November 2020."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from stdnum.iso7064 import mod_11_10

from registry.identifiers.characters import compact_code, looks_like_spreadsheet_number
from registry.identifiers.problem import BadIdentifier, IdentifierWarning, Parsed, warn

_SHAPE: Final = re.compile(r"([0-9]{4})-?([0-9]{6})-?([0-9]{2})-?([0-9]{2})-?([0-9]{6})")
_TYPES: Final = {"01": "approval", "02": "verification", "03": "filing"}

Shape = Literal["current", "former"]


@dataclass(frozen=True, slots=True)
class ProjectCode(Parsed):
    """A project code in the form 4-6-2-2-6 with hyphens.

    `shape` is "current" (YYMM, with check digit, since 2020-11) or "former" (YYYY, industry, type, serial).
    `department_or_industry` is the guiding department (current) or the GB/T 4754 division (former).
    """

    shape: Shape
    year: int
    month: int | None
    region: str
    department_or_industry: str
    type_code: str

    @property
    def kind(self) -> str | None:
        """Approval, verification or filing; only the former shape says so (likely, not certain)."""
        return _TYPES.get(self.type_code) if self.shape == "former" else None


@lru_cache(maxsize=65536)
def parse(text: str) -> ProjectCode:
    """Read a project code of either shape; a wrong check digit is a warning.

    Raises BadIdentifier where the text has not the 20 digits of a code or names a month that does not exist.
    """
    match = _SHAPE.fullmatch(text)
    if match is None:
        compact = compact_code(text)
        match = _SHAPE.fullmatch(compact)
        if match is None:
            if not compact:
                raise BadIdentifier("empty", text)
            code = "project-code-spreadsheet" if looks_like_spreadsheet_number(compact) else "project-code-shape"
            raise BadIdentifier(code, text)
    time, region, third, type_code, serial = match.groups()
    value = f"{time}-{region}-{third}-{type_code}-{serial}"
    body = time + region + third + type_code + serial
    passes = mod_11_10.checksum(body) == 1
    warnings: tuple[IdentifierWarning, ...] = ()
    if time.startswith("20") and not (passes and time[2:] in ("11", "12")):
        # 2011 and 2012 may be November and December 2020: the months in which the new shape began.
        if time[2:] in ("11", "12"):
            warnings = (warn("project-code-ambiguous", value),)
        if type_code not in _TYPES:
            warnings += (warn("project-code-type", value, type=type_code),)
        return ProjectCode(value, warnings, "former", int(time), None, region, third, type_code)
    if time.startswith("19") and time[2:] > "12":
        return ProjectCode(value, warnings, "former", int(time), None, region, third, type_code)
    month = int(time[2:])
    if not 1 <= month <= 12:
        raise BadIdentifier("project-code-month", value, month=time[2:])
    if not passes:
        warnings = (warn("project-code-check-digit", value, expected=mod_11_10.calc_check_digit(body[:-1])),)
    return ProjectCode(value, warnings, "current", 2000 + int(time[:2]), month, region, third, type_code)


def with_check_digit(first_nineteen: str) -> str:
    """A code of the current shape from its first 19 digits, in normal form."""
    digits = compact_code(first_nineteen).replace("-", "")
    return parse(digits + str(mod_11_10.calc_check_digit(digits))).value
