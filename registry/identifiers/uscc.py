"""The unified social credit code (GB 32100-2015) and the two numbers it replaced in October 2015."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from stdnum.cn import uscc as standard
from stdnum.iso7064 import mod_11_10

from registry.identifiers.characters import compact_code, looks_like_spreadsheet_number
from registry.identifiers.problem import BadIdentifier, IdentifierWarning, Parsed, warn

_SHAPE: Final = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
_ORGANISATION_CODE: Final = re.compile(r"[0-9A-Z]{8}[0-9X]")
_LICENCE_NUMBER: Final = re.compile(r"[1-9][0-9]{14}")

Kind = Literal["uscc", "organisation_code", "licence_number"]


@dataclass(frozen=True, slots=True)
class Uscc(Parsed):
    """A code of an enterprise: its USCC, or the organisation code or licence number of before October 2015."""

    kind: Kind

    @property
    def organisation_code(self) -> str | None:
        """The nine characters that an organisation kept when it got its USCC."""
        if self.kind == "uscc":
            return self.value[8:17]
        return self.value if self.kind == "organisation_code" else None

    @property
    def region(self) -> str | None:
        """Where it was registered; old offices kept codes of their own, so this is a hint and no more."""
        return {"uscc": self.value[2:8], "licence_number": self.value[:6]}.get(self.kind)


@lru_cache(maxsize=65536)
def parse(text: str) -> Uscc:
    """Read a USCC, an organisation code (9) or a licence number (15); a wrong check digit is a warning.

    Letter prefixes (N, A …) are permitted by the standard, though python-stdnum refuses them: they are flagged.
    Raises BadIdentifier where the text is none of the three.
    """
    value = text
    if _SHAPE.fullmatch(value) is None:
        value = compact_code(text).replace("-", "")
        if _SHAPE.fullmatch(value) is None:
            return _parse_former(value, text)
    warnings: tuple[IdentifierWarning, ...] = ()
    if not value[:2].isdigit():
        warnings = (warn("uscc-letter-prefix", value),)
    expected = standard.calc_check_digit(value)
    if value[-1] != expected:
        warnings += (warn("uscc-check-digit", value, expected=expected),)
    return Uscc(value, warnings, "uscc")


def _parse_former(value: str, text: str) -> Uscc:
    if _ORGANISATION_CODE.fullmatch(value):
        warnings = [warn("uscc-organisation-code", value)]
        if value[-1] != (expected := _organisation_check(value)):
            warnings.append(warn("organisation-code-check-digit", value, expected=expected))
        return Uscc(value, tuple(warnings), "organisation_code")
    if _LICENCE_NUMBER.fullmatch(value):
        warnings = [warn("uscc-licence-number", value)]
        if value[-1] != (expected := mod_11_10.calc_check_digit(value[:-1])):
            warnings.append(warn("licence-number-check-digit", value, expected=expected))
        return Uscc(value, tuple(warnings), "licence_number")
    if not value:
        raise BadIdentifier("empty", text)
    spreadsheet = looks_like_spreadsheet_number(compact_code(text))
    raise BadIdentifier("uscc-spreadsheet" if spreadsheet else "uscc-shape", text)


def _organisation_check(value: str) -> str:
    """Check character of an organisation code (GB 11714-1997), which python-stdnum does not have."""
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(character, 36) * weight for character, weight in zip(value, weights, strict=False))
    return "0123456789X0"[11 - total % 11]


def with_check_digit(first_seventeen: str) -> str:
    """A USCC from its first 17 characters."""
    return first_seventeen + str(standard.calc_check_digit(first_seventeen))
