"""The industry code (GB/T 4754) with its edition; the same four digits can mean different things in 2011 and 2017."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from registry.identifiers.characters import compact_code
from registry.identifiers.problem import BadIdentifier, IdentifierWarning, Parsed, warn

_SHAPE: Final = re.compile(r"([A-T])?-?([0-9]{2,4})")

Edition = Literal["2011", "2017"]
LATEST: Final[Edition] = "2017"

# Classes of the five sectors and their neighbours that were renumbered or divided, 2011 -> 2017; of a divided class the
# first line is its main part.
SUCCESSIONS: Final[tuple[tuple[str, str], ...]] = (
    ("3130", "3391"),  # casting of ferrous metals became a class of metal products
    ("3140", "3130"),  # rolling of steel
    ("3150", "3140"),  # ferroalloys
    ("3735", "3735"),  # ship conversion
    ("3735", "3736"),  # ship breaking was cut out of it
)
_TO_2017: Final[dict[str, str]] = dict(reversed(SUCCESSIONS))
_TO_2011: Final[dict[str, str]] = {new: old for old, new in SUCCESSIONS}
# Digits whose meaning depends on the edition.
_AMBIGUOUS: Final = frozenset({"3130", "3140"})


@dataclass(frozen=True, slots=True)
class Industry(Parsed):
    """A division (2 digits), group (3) or class (4) of one edition."""

    edition: Edition

    def in_edition(self, edition: Edition) -> str:
        """The code of (the main part of) the same activity in another edition."""
        if edition == self.edition:
            return self.value
        table = _TO_2017 if edition == "2017" else _TO_2011
        return table.get(self.value, self.value)


@lru_cache(maxsize=4096)
def parse(text: str, edition: str | None = None) -> Industry:
    """Read an industry code such as 3120 or C3120; without an edition 2017 is taken, with a warning where it matters.

    Raises BadIdentifier where it is no such code or there is no such edition.
    """
    match = _SHAPE.fullmatch(text)
    if match is None:
        compact = compact_code(text).removesuffix(".0")
        match = _SHAPE.fullmatch(compact)
        if match is None:
            raise BadIdentifier("industry-shape" if compact else "empty", text)
    value = match.group(2)
    warnings: tuple[IdentifierWarning, ...] = ()
    said = parse_edition(edition) if edition else None
    if said is None and value in _AMBIGUOUS:
        warnings = (warn("industry-edition-unsaid", value, edition=LATEST),)
    if said is None and value == "3150":
        # Only the edition of 2011 has this class.
        said = "2011"
    return Industry(value, warnings, said or LATEST)


def parse_edition(text: str) -> Edition:
    """Read an edition: 2011 or 2017, also as GB/T 4754-2017 or 2017版."""
    compact = compact_code(text).removesuffix(".0").removesuffix("版")
    compact = compact.rsplit("4754", 1)[-1].lstrip("-")
    if compact == "2011":
        return "2011"
    if compact == "2017":
        return "2017"
    raise BadIdentifier("industry-edition", text)
