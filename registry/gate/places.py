"""A place as people write it, 河北省唐山市迁安市 or 130283, as a region code."""

import re
from functools import lru_cache
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.identifiers import BadIdentifier
from registry.identifiers.region import parse
from registry.names import normalise
from registry.reading import rows

_NAMES: Final[dict[str, list[str]]] = {}
_LONGEST: Final = 15
_ENDING: Final = re.compile("(?:壮族|回族|维吾尔)?自治区$|[省市县区]$")


async def region_of(session: AsyncSession, place: str) -> str | None:
    """The smallest region that a text names and that the larger ones it names contain; None where it names none."""
    text = normalise(place).text
    if not text:
        return None
    if text.isdigit():
        try:
            return parse(text).value
        except BadIdentifier:
            return None
    if not _NAMES:
        # Reference data: it changes with a release alone.
        for row in await rows(session, "SELECT DISTINCT name, code FROM regions"):
            name = normalise(row["name"]).text
            for said in {name, _ENDING.sub("", name) if len(name) > 2 else name}:
                _NAMES.setdefault(said, []).append(row["code"])
    return _read(text)


@lru_cache(maxsize=4096)
def _read(text: str) -> str | None:
    chosen: str | None = None
    at = 0
    while at < len(text):
        for length in range(min(_LONGEST, len(text) - at), 1, -1):
            codes = _NAMES.get(text[at : at + length])
            inner = [code for code in codes or () if chosen is None or _within(code, chosen)]
            if inner:
                if chosen is None and len({code[:2] for code in inner}) > 1:
                    return None  # a county's name that several provinces have
                chosen = max(inner)
                at += length
                break
        else:
            if chosen is not None:
                break  # the rest is a street or a park
            at += 1
    return chosen


def _within(inner: str, outer: str) -> bool:
    return inner != outer and inner.startswith(outer.rstrip("0") if not outer.endswith("0000") else outer[:2])
