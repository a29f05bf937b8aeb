"""Regions from their sources: periods of codes and names, succession, and which region contains which."""

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent

GB2260 = "regions-gb2260"
NBS = "regions-nbs-2023"

# Rows that stand for "the districts of the city" and the like and are no region of their own.
PLACEHOLDER: Final = re.compile(r"市辖区|县|市|(?:省|自治区)直辖.*|.*直辖县级.*")
# The newest revision of GB/T 2260 in the data; what it holds is in force unless the 2023 list lacks it.
NEWEST_REVISION: Final = "201904"
# What changed between that revision and the list of 2023 changed on a day the data does not tell: at the latest then.
LIST_OF_2023: Final = date(2023, 6, 30)
FIRST_AFTER_NEWEST: Final = date(2019, 5, 1)
# A code missing from some revisions in between is the data's gap, not an abolition.
LONGEST_GAP: Final = timedelta(days=3 * 366)
# A successor starts about when its predecessor ends.
NEAR: Final = timedelta(days=2 * 366)

_PEOPLES: Final = re.compile(
    "(?:各族|多民族|蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|拉祜|水|东乡|纳西|景颇|"
    "柯尔克孜|土|达斡尔|仫佬|羌|布朗|撒拉|毛南|仡佬|锡伯|塔吉克|怒|普米|鄂温克|裕固|独龙|鄂伦春|门巴|珞巴|各)族?(?=族|自治)|族"
)
_ENDING: Final = re.compile("(?:自治州|自治县|自治旗|特区|林区|矿区|地区|新区|市|县|区|盟|旗)$")


@dataclass(frozen=True, slots=True)
class Period:
    """One code under one name for one period; days included, `held_to` None for still."""

    code: str
    name: str
    held_from: date
    held_to: date | None
    source: str


@dataclass(frozen=True, slots=True)
class Succession:
    """`new` took over from `old`; `on_date` None where only the revision's span is known."""

    old: str
    new: str
    on_date: date | None
    basis: str


def read(file: str) -> list[dict[str, str]]:
    """The rows of a CSV file of this folder."""
    with (FOLDER / file).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def level(code: str) -> int:
    """1 province, 2 city, 3 county."""
    return 1 if code.endswith("0000") else 2 if code.endswith("00") else 3


def above(code: str) -> list[str]:
    """The codes of the city and the province above a code, nearest first."""
    return [one for one in (code[:4] + "00", code[:2] + "0000") if one != code]


def periods() -> list[Period]:
    """Every region that was, with the days of its code and name, in order of code and day."""
    rows = [row for row in read("regions_gb2260_1980_2019.csv") if not PLACEHOLDER.fullmatch(row["name"])]
    revisions = sorted({row[column] for row in rows for column in ("first_revision", "last_revision")})
    following = dict(pairwise(revisions))
    now = {row["code"]: row["name"] for row in read("regions_nbs_2023.csv") if not PLACEHOLDER.fullmatch(row["name"])}
    found: list[Period] = []
    for row in sorted(rows, key=lambda one: (one["code"], one["first_revision"])):
        code, name = row["code"], row["name"]
        held_to: date | None
        if row["last_revision"] != NEWEST_REVISION:
            held_to = _first_day(following[row["last_revision"]]) - timedelta(days=1)
        elif now.get(code) == name or code[:2] in ("71", "81", "82"):
            held_to = None
        else:
            held_to = LIST_OF_2023 - timedelta(days=1)
        period = Period(code, name, _first_day(row["first_revision"]), held_to, GB2260)
        if found and _continues(found[-1], period):
            period = Period(code, name, found.pop().held_from, held_to, GB2260)
        found.append(period)
    known = {(period.code, period.name) for period in found if period.held_to is None}
    codes = {period.code for period in found if period.held_to is not None and period.held_to >= FIRST_AFTER_NEWEST}
    for code, name in now.items():
        if (code, name) not in known:
            start = LIST_OF_2023 if code in codes else FIRST_AFTER_NEWEST
            found.append(Period(code, name, start, None, NBS))
    return sorted(found, key=lambda one: (one.code, one.held_from))


def _day(text: str) -> date | None:
    """A day; of a year alone no day is known."""
    return date.fromisoformat(text) if len(text) == 10 else None


def _first_day(revision: str) -> date:
    return date(int(revision[:4]), int(revision[4:]), 1)


def _continues(before: Period, after: Period) -> bool:
    if (before.code, before.name) != (after.code, after.name) or before.held_to is None:
        return False
    return after.held_from - before.held_to <= LONGEST_GAP


def stem(name: str) -> str:
    """A region's name without its rank and the names of peoples: 密云县 and 密云区 are both 密云."""
    bare = _ENDING.sub("", name)
    if "自治" in name or bare.endswith("族"):
        bare = _PEOPLES.sub("", bare)
    return bare if len(bare) >= 2 else name


def successions(all_periods: Iterable[Period]) -> list[Succession]:
    """Who took over from whom: the hand-made list, and where it says nothing, the same name under a new code."""
    made = [
        Succession(row["old_code"], row["new_code"], _day(row["on_date"]), f"hand-made: {row['what']}")
        for row in read("region_successions.csv")
    ]  # fmt: skip
    told = {one.old for one in made}
    starting: dict[tuple[str, int], list[Period]] = defaultdict(list)
    lives: dict[str, date | None] = {}
    for period in all_periods:
        starting[stem(period.name), level(period.code)].append(period)
        if lives.get(period.code, date.min) is not None:
            lives[period.code] = period.held_to
    for period in all_periods:
        if period.held_to is None or period.code in told or lives[period.code] != period.held_to:
            continue
        new = _heir(period, starting)
        if new is not None:
            made.append(Succession(period.code, new.code, new.held_from, "same name, new code"))
            told.add(period.code)
    return sorted(made, key=lambda one: (one.old, one.new))


def _heir(old: Period, starting: Mapping[tuple[str, int], list[Period]]) -> Period | None:
    """The one region of the same name that starts about when this one ends; None where none or several do."""
    assert old.held_to is not None  # noqa: S101  # the caller asks only for what ended
    lately = old.held_to >= FIRST_AFTER_NEWEST
    # A prefecture becomes a city, a county a city or district: the rank of the code may change between 2 and 3.
    near = [
        period
        for rank in (2, 3)
        for period in starting[stem(old.name), rank]
        if period.code != old.code
        and (abs(period.held_from - old.held_to) <= NEAR or (lately and period.source == NBS))
        and (period.held_to is None or period.held_to > old.held_to)
    ]  # fmt: skip
    closeness: tuple[Callable[[Period], bool], ...] = (
        lambda one: one.code[:4] == old.code[:4] and level(one.code) == level(old.code),
        lambda one: one.code[:2] == old.code[:2] and level(one.code) == level(old.code),
        lambda one: one.code[:2] == old.code[:2],
        lambda one: one.name == old.name and level(one.code) == level(old.code),
    )
    for close in closeness:
        chosen = {period.code: period for period in near if close(period)}
        if len(chosen) == 1:
            return next(iter(chosen.values()))
        if chosen:
            return None
    return None


def within(all_periods: Iterable[Period], all_successions: Iterable[Succession]) -> set[tuple[str, str]]:
    """Every pair (outer, inner) where outer equals or contains inner, successions included.

    A region contains what it contained under any of its codes, and the regions that became part of it. Where one region
    alone took over from another, the old one contains the new one too, and so does a city above the old one that is no
    more: acts and restrictions of the old time name them.
    """
    all_periods = list(all_periods)
    living = {period.code for period in all_periods if period.held_to is None}
    heirs: dict[str, set[str]] = defaultdict(set)
    for one in all_successions:
        heirs[one.old].add(one.new)
    codes = {period.code for period in all_periods} | set(heirs) | {new for news in heirs.values() for new in news}
    codes |= {upper for code in codes for upper in above(code)}
    pairs: set[tuple[str, str]] = set()
    for code in codes:
        for current in _line(code, heirs):
            pairs.update((outer, code) for outer in (current, *above(current)))
    whole = {old: next(iter(news)) for old, news in heirs.items() if len(news) == 1}
    # What lay in a region by its code lies in the region that took the whole of it over.
    lower: dict[str, set[str]] = defaultdict(set)
    for outer, inner in pairs:
        lower[outer].add(inner)
    for old in whole:
        gone = [upper for upper in above(old) if level(upper) == 2 and upper not in living]
        for current in _whole_line(old, whole):
            pairs.update((outer, current) for outer in (old, *gone))
            if level(old) == 3:
                pairs.update((outer, inner) for outer in (current, *above(current)) for inner in lower[old])
    return pairs


def _whole_line(code: str, whole: Mapping[str, str]) -> list[str]:
    """All that took over the whole of a code in turn, up to where it was divided."""
    line: list[str] = []
    while (code := whole.get(code, "")) and code not in line:
        line.append(code)
    return line


def _line(code: str, heirs: Mapping[str, set[str]]) -> list[str]:
    """A code and all that took over from it, directly or in turn."""
    line, waiting = [], [code]
    while waiting:
        one = waiting.pop()
        if one not in line:
            line.append(one)
            waiting.extend(heirs.get(one, ()))
    return line
