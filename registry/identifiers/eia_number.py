"""The number of an environmental impact approval: issuer, year and number, in whatever brackets it was typed."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from registry.identifiers.characters import compact_number
from registry.identifiers.problem import BadIdentifier, IdentifierWarning, Parsed, warn

# 鲁环审〔2010〕238号; also without brackets but with a dash or 年: 苏环建2026-85号, 苏环建〔2026年〕第85号.
_SHAPE: Final = re.compile(
    r"(?P<issuer>[^\d〔〕]*[\u3400-\u9fffA-Za-z][^\d〔〕]*?)"
    r"(?:〔(?P<year>[12]\d{3})年?〕|(?P<plain>[12]\d{3})(?:年|[-‐–—/]))-?"
    r"(?:第)?(?P<number>\d{1,6}(?:-\d{1,3})?)号?"
)
_EARLIEST_YEAR: Final = 1979


@dataclass(frozen=True, slots=True)
class EiaNumber(Parsed):
    """An approval number in the form of official documents (GB/T 9704): issuer〔year〕number号."""

    issuer: str
    year: int
    number: str


@lru_cache(maxsize=65536)
def parse(text: str) -> EiaNumber:
    """Read the number of an EIA approval; there is no national scheme, so the issuer's characters are kept as they are.

    Raises BadIdentifier where issuer, year or number is not to be found.
    """
    compact = compact_number(text)
    match = _SHAPE.fullmatch(compact)
    if match is None:
        raise BadIdentifier("eia-number-shape" if compact else "empty", text)
    year = int(match["year"] or match["plain"])
    number = "-".join(part.lstrip("0") or "0" for part in match["number"].split("-"))
    value = f"{match['issuer']}〔{year}〕{number}号"
    warnings: tuple[IdentifierWarning, ...] = ()
    if year < _EARLIEST_YEAR:
        warnings = (warn("eia-number-year", value, year=str(year)),)
    return EiaNumber(value, warnings, match["issuer"], year, number)
