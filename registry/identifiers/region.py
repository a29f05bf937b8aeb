"""The region code (GB/T 2260): six digits for province, city and county, zeros where only the larger one is known."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from registry.identifiers.characters import compact_code
from registry.identifiers.problem import BadIdentifier, IdentifierWarning, Parsed, warn

_SHAPE: Final = re.compile(r"[0-9]{6}")
_LONGER: Final = re.compile(r"([0-9]{6})[0-9]{3}(?:[0-9]{3})?")
_SHORTER: Final = re.compile(r"[0-9]{2}(?:[0-9]{2})?")
PROVINCES: Final = frozenset(
    {*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82}
)

Level = Literal["province", "city", "county"]


@dataclass(frozen=True, slots=True)
class Region(Parsed):
    """A region by its six digits. Whether the code was in force on a day is the register's business (regions)."""

    @property
    def level(self) -> Level:
        """Province, city or county, by the zeros at the end."""
        if self.value.endswith("0000"):
            return "province"
        return "city" if self.value.endswith("00") else "county"

    @property
    def province(self) -> str:
        """The code of its province."""
        return self.value[:2] + "0000"

    @property
    def chain(self) -> tuple[str, ...]:
        """The code and every code it lies in, from the largest: province, city, county."""
        city = self.value[:4] + "00"
        return tuple(dict.fromkeys((self.province, city, self.value)))


@lru_cache(maxsize=16384)
def parse(text: str) -> Region:
    """Read a region code; 2 and 4 digits are completed, 9 and 12 digits cut to the county, both with a warning.

    Raises BadIdentifier where the text has no such number of digits.
    """
    value = text
    warnings: tuple[IdentifierWarning, ...] = ()
    if _SHAPE.fullmatch(value) is None:
        value = compact_code(text)
        # Spreadsheets show a code as 130200.0.
        value = value.removesuffix(".0")
        if (longer := _LONGER.fullmatch(value)) is not None:
            value = longer.group(1)
            # The same code in a longer column (130200000000) says nothing more than the short one.
            if set(longer.group(0)[6:]) != {"0"}:
                warnings = (warn("region-cut", text, value=value),)
        elif _SHORTER.fullmatch(value):
            value = value.ljust(6, "0")
            warnings = (warn("region-padded", text, value=value),)
        elif not value:
            raise BadIdentifier("empty", text)
        elif _SHAPE.fullmatch(value) is None:
            raise BadIdentifier("region-shape", text)
    if int(value[:2]) not in PROVINCES:
        warnings += (warn("region-province", value, province=value[:2]),)
    return Region(value, warnings)
