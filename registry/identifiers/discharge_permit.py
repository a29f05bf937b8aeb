"""The number of a discharge permit (HJ 608-2017): the holder's USCC, a serial of three digits, P."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from registry.identifiers import uscc
from registry.identifiers.characters import compact_code
from registry.identifiers.problem import BadIdentifier, Parsed, warn

_SHAPE: Final = re.compile(r"([0-9A-Z]{18})([0-9]{3})([PQRUVWXYZ])")


@dataclass(frozen=True, slots=True)
class DischargePermit(Parsed):
    """A permit number, or the number of a mere registration (ending in another letter than P), with its holder."""

    holder: str
    serial: str
    kind: Literal["permit", "registration"]


@lru_cache(maxsize=65536)
def parse(text: str) -> DischargePermit:
    """Read a permit number such as 91130200699229617X001P; warnings about the holder's USCC are passed on.

    Raises BadIdentifier where the holder's code, the serial or the letter is missing.
    """
    value = compact_code(text).replace("-", "")
    match = _SHAPE.fullmatch(value)
    if match is None:
        raise BadIdentifier("discharge-permit-shape" if value else "empty", text)
    try:
        holder = uscc.parse(match.group(1))
    except BadIdentifier as error:
        raise BadIdentifier("discharge-permit-shape", text) from error
    if match.group(3) == "P":
        return DischargePermit(value, holder.warnings, holder.value, match.group(2), "permit")
    warnings = (*holder.warnings, warn("discharge-permit-registration", value))
    return DischargePermit(value, warnings, holder.value, match.group(2), "registration")
