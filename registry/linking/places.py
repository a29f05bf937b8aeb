"""Regions of records and projects as numbers: succession undone, how near two are, and which region a text names."""

import re
from collections import defaultdict
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.names import normalise
from registry.reference.regions import PLACEHOLDER, read, stem

Ints = NDArray[np.int64]
# The levels of `nearness`; what only one side says more closely does not contradict.
SAME_COUNTY: Final = 3.0
SAME_CITY: Final = 2.0
SAME_PROVINCE: Final = 1.0


_PROVINCE: Final = re.compile("(?:维吾尔|壮族|回族)?(?:自治区|特别行政区)$|[省市]$")


def short_name(code: str, name: str) -> str:
    """A region's name as companies bear it: 山西 for 山西省, 唐山 for 唐山市."""
    return _PROVINCE.sub("", name) if code.endswith("0000") else stem(name)


@lru_cache(maxsize=1)
def _heirs() -> dict[str, str]:
    """The code that stands today for one that was abolished, where there is exactly one."""
    named: dict[str, set[str]] = defaultdict(set)
    for row in read("region_successions.csv"):
        named[row["old_code"]].add(row["new_code"])
    return {old: min(new) for old, new in named.items() if len(new) == 1}


@lru_cache(maxsize=16384)
def region_number(code: str) -> int:
    """A region's code of today as a number; 0 where it is unknown or no code."""
    for _ in range(5):
        if code not in _heirs():
            break
        code = _heirs()[code]
    return int(code) if len(code) == 6 and code.isascii() and code.isdigit() else 0


def cities(regions: Ints) -> Ints:
    """The city of each region; 0 where it is unknown, and for provinces."""
    made = regions // 100
    made[made % 100 == 0] = 0
    return made


def nearness(one: Ints, other: Ints) -> NDArray[np.float32]:
    """3 same county, 2 same city, 1 same province, 0 elsewhere; .5 less where one says no more; NaN where one is 0."""
    made = np.zeros(len(one), np.float32)
    made[one // 10000 == other // 10000] = SAME_PROVINCE
    same_city = one // 100 == other // 100
    coarse = (one // 10000 == other // 10000) & ((one // 100 % 100 == 0) | (other // 100 % 100 == 0))
    made[coarse] = SAME_PROVINCE + 0.5
    fine_city = same_city & ~coarse
    made[fine_city] = SAME_CITY
    made[fine_city & ((one % 100 == 0) | (other % 100 == 0))] = SAME_CITY + 0.5
    made[(one == other) & (one % 100 != 0)] = SAME_COUNTY
    made[(one == 0) | (other == 0)] = np.nan
    return made


@lru_cache(maxsize=1)
def named_places() -> tuple[dict[str, tuple[str, ...]], int]:
    """Codes by what regions are or were called, with and without 省市县区, and the longest such name."""
    codes: dict[str, dict[str, None]] = defaultdict(dict)
    for file in ("regions_nbs_2023.csv", "regions_gb2260_1980_2019.csv"):
        for row in read(file):
            if PLACEHOLDER.fullmatch(row["name"]):
                continue
            short = short_name(row["code"], row["name"])
            for name in (row["name"], short):
                if len(name) >= 2:
                    codes[normalise(name).text][f"{region_number(row['code']):06d}"] = None
    return {name: tuple(each) for name, each in codes.items()}, max(map(len, codes))


@lru_cache(maxsize=1)
def _present() -> frozenset[str]:
    return frozenset(row["code"] for row in read("regions_nbs_2023.csv"))


@lru_cache(maxsize=65536)
def region_in(text: str) -> str:
    """The region that a normal address or name begins with, as a code of today; '' where it names none for sure.

    唐山市唐海县… is 曹妃甸区 today. A name that several regions bear counts where a region named before it holds one.
    """
    named, longest = named_places()
    found, at = "", 0
    while at < len(text) and at < 24:
        for length in range(min(longest, len(text) - at), 1, -1):
            codes = named.get(text[at : at + length])
            if codes is None:
                continue
            within = [one for one in codes if _below(found, one)] if found else list(codes)
            if not found:
                within = (
                    [one for one in codes if one.endswith("0000")]
                    or [one for one in codes if one.endswith("00")]
                    or within
                )
            # Of several codes that one place had over time, that of today.
            within = [one for one in within if one in _present()] or within
            if len(within) == 1:
                found = within[0]
                at += length
                break
        else:
            if not found or text[at] not in "省市县区":
                break
            at += 1
    return found


def _below(outer: str, inner: str) -> bool:
    return inner != outer and inner.startswith(outer[:2] if outer.endswith("0000") else outer[:4])
