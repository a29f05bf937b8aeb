"""The electronic supervision number of a land supply: region, year, way of supply, serial."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from registry.identifiers.characters import compact_code
from registry.identifiers.problem import BadIdentifier, IdentifierWarning, Parsed, warn

_SHAPE: Final = re.compile(r"([0-9]{6})((?:19|20)[0-9]{2})([A-Z])([0-9]{1,15}(?:-[0-9]{1,5})?)")
# What `parse` would give back as it stands and without a warning: nearly all, so that no object is made of each.
PLAIN: Final = re.compile(r"[0-9]{6}(?:19|20)[0-9]{2}[AB][0-9]{1,15}")
LONGEST: Final = 32  # what the systems of the time reserve for it

Supply = Literal["allocated", "granted"]


@dataclass(frozen=True, slots=True)
class SupervisionNumber(Parsed):
    """A supervision number; `supply` is None where its letter is neither A nor B."""

    region: str
    year: int
    supply: Supply | None
    serial: str


@lru_cache(maxsize=65536)
def parse(text: str) -> SupervisionNumber:
    """Read a supervision number such as 1302002013B00123.

    Raises BadIdentifier where region, year, letter and serial do not stand in this order or it is longer than 32.
    """
    value = compact_code(text)
    match = _SHAPE.fullmatch(value)
    if match is None or len(value) > LONGEST:
        raise BadIdentifier("supervision-number-shape" if value else "empty", text)
    region, year, letter, serial = match.groups()
    supply: Supply | None = "allocated" if letter == "A" else "granted" if letter == "B" else None
    warnings: tuple[IdentifierWarning, ...] = ()
    if supply is None:
        warnings = (warn("supervision-number-letter", value, letter=letter),)
    return SupervisionNumber(value, warnings, region, int(year), supply, serial)
