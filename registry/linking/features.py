"""What speaks for a record and a project being one: numbers that the model weighs and that a person can be told."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import eq
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel, LCSseq
from rapidfuzz.process import cpdist

from registry.link_words import FEATURES
from registry.linking import facts
from registry.linking.likeness import Ints
from registry.linking.name_parts import (
    CompanyParts,
    ProjectParts,
    bare_title,
    company_in,
    company_parts,
    project_parts,
    shapes,
    sounds,
    subsidiary,
)
from registry.linking.places import nearness
from registry.linking.register import Asked, Found, Register, spread

Floats = NDArray[np.float32]
# Of four corners and, twice, the last part.
_LOOKS_LIKE: Final = 4
_OF_FORMS: Final = "有限责任公司股份集团"
# So much of the owner's name at the beginning of a project's is meant to be it.
_BEGINS: Final = 0.6


def _missing(ones: Sequence[str], others: Sequence[str]) -> NDArray[np.bool_]:
    made: NDArray[np.bool_] = (_lengths(ones) == 0) | (_lengths(others) == 0)
    return made


def _alike(ones: Sequence[str], others: Sequence[str]) -> Floats:
    made: Floats = cpdist(ones, others, scorer=Indel.normalized_similarity, dtype=np.float32, workers=1)
    made[_missing(ones, others)] = np.nan
    return made


def _shared(ones: Sequence[str], others: Sequence[str]) -> Floats:
    """How many characters both hold in the same order."""
    made: Floats = cpdist(ones, others, scorer=LCSseq.similarity, dtype=np.float32, workers=1)
    return made


def _lengths(texts: Sequence[str]) -> Floats:
    return np.fromiter(map(len, texts), np.float32, len(texts))


def _covered(part: Sequence[str], text: Sequence[str]) -> Floats:
    """How much of `part` stands in `text`; NaN where one is empty."""
    made: Floats = (_shared(part, text) / np.maximum(1, _lengths(part))).astype(np.float32)
    made[_missing(part, text)] = np.nan
    return made


def _agree(one: NDArray[np.int64], other: NDArray[np.int64]) -> Floats:
    """3 the same, 2 one holds the other, 1 only one says, 0 they contradict; NaN where neither says anything."""
    none, nothing = ~one.any(axis=1), ~other.any(axis=1)
    within = ((one & other) == one).all(axis=1) | ((one & other) == other).all(axis=1)
    made = np.where((one == other).all(axis=1), 3.0, np.where(none | nothing, 1.0, np.where(within, 2.0, 0.0)))
    made[none & nothing] = np.nan
    return made.astype(np.float32)


def _relation(ones: Sequence[str], others: Sequence[str]) -> Floats:
    """1 the same, .7 one holds the other, .5 only one says, 0 they differ; NaN where neither says anything."""
    told = [
        (np.nan if not one and not other else 0.5)
        if not one or not other
        else 1.0 if one == other else 0.7 if one in other or other in one else 0.0
        for one, other in zip(ones, others, strict=True)
    ]  # fmt: skip
    return np.array(told, np.float32)


def _lead(values: Floats, lines: Ints, groups: Ints) -> Floats:
    """How much each value exceeds the best of the same line's other groups; 1 where there is no other."""
    made = np.ones(len(values), np.float32)
    if not len(values):
        return made
    filled = np.nan_to_num(values, nan=0.0)
    order = np.lexsort((-filled, lines))
    line, value, group = lines[order], filled[order], groups[order]
    starts = np.flatnonzero(np.r_[True, line[1:] != line[:-1]])
    which = np.cumsum(np.r_[True, line[1:] != line[:-1]]) - 1
    best, holder = value[starts][which], group[starts][which]
    other = np.where(group != holder, value, -np.inf)
    second = np.maximum.reduceat(other, starts)[which]
    lead = np.where(group == holder, np.where(np.isinf(second), best + 1 - best, value - second), value - best)
    made[order] = np.clip(lead, -3, 3)
    return made


class _Pairs:
    """Texts of pairs, each taken apart once however often it comes."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.at: dict[str, int] = {}
        self.index = np.fromiter((self.at.setdefault(one, len(self.at)) for one in texts), np.int64, len(texts))
        self.unique = list(self.at)

    def of(self, made: Sequence[Any]) -> list[Any]:
        """What was made of the unique texts, for each pair."""
        return [made[at] for at in self.index.tolist()]


def _best_alias(register: Register, parties: Sequence[str], positions: Ints) -> Ints:
    """Of each project's owner's names the one most like the party's; -1 where there is no owner."""
    owners = register.project_owner[positions]
    starts = np.where(owners >= 0, register.borne_start[np.maximum(owners, 0)], 0)
    ends = np.where(owners >= 0, register.borne_start[np.maximum(owners, 0) + 1], 0)
    chosen = np.where(ends > starts, register.borne[np.minimum(starts, len(register.borne) - 1)], -1)
    several = np.flatnonzero(ends - starts > 1)
    if len(several):
        which, at = spread(starts[several], ends[several])
        names = [register.aliases[one] for one in register.borne[at].tolist()]
        given = [parties[one] for one in several[which].tolist()]
        alike = cpdist(given, names, scorer=Indel.normalized_similarity, dtype=np.float32, workers=1)
        alike -= 0.02 * register.alias_related[register.borne[at]]
        order = np.lexsort((-alike, which))
        first = order[np.flatnonzero(np.r_[True, which[order][1:] != which[order][:-1]])]
        chosen[several] = register.borne[at[first]]
    return chosen


@lru_cache(maxsize=65536)
def _alike_signs(one: str, other: str) -> bool:
    """Whether a character is taken for the other: it sounds or looks like it."""
    if one == other:
        return True
    sound, shape = sounds(), shapes()
    if ord(one) in sound and sound[ord(one)] == sound.get(ord(other)):
        return True
    mine, theirs = shape.get(ord(one)), shape.get(ord(other))
    # 鑫 is made of 金.
    if (mine is not None and mine[-1] == other) or (theirs is not None and theirs[-1] == one):
        return True
    if mine is None or theirs is None:
        return False
    return bool(sum(map(eq, mine, theirs)) >= _LOOKS_LIKE)


@lru_cache(maxsize=65536)
def _unlike(given: CompanyParts, held: CompanyParts) -> int:
    """How many characters of its own each of two companies' names has that nothing in the other is like.

    Who mistypes takes a character for one that is like it, leaves one out or moves it: 合信 and 宝信, 丰达 and 文丰 are
    different companies.
    """
    if held.stem == given.stem:
        return 0
    lacking, extra = list(held.stem), []
    for sign in given.stem:
        if sign in lacking:
            lacking.remove(sign)
        elif sign not in _OF_FORMS:
            extra.append(sign)
    if not extra:
        return 0
    own = [sign for sign in extra if sign in given.core]
    if held.core == held.place and not lacking:
        # 重庆钢铁 has no name of its own, and 重庆足航钢铁 is another company.
        return len(own) if len(own) > 1 else 0
    placed = [sign for sign in extra if sign in given.core or sign in given.place]
    trade = [sign for sign in lacking if sign in held.trade and sign not in held.core]
    return max(
        _unmatched([sign for sign in lacking if sign in held.core], placed),
        _unmatched([sign for sign in lacking if sign in held.place], placed),
        # 铸飞 is not 铸管 either; more than one character is another word for the trade.
        _unmatched(trade, own) if len(trade) == 1 < len(held.trade) else 0,
    )


def _unmatched(lacking: Sequence[str], extra: Sequence[str]) -> int:
    """How many of each are left when those that are alike are taken away in pairs."""
    if not lacking or not extra:
        return 0
    left, more = 0, list(extra)
    for sign in lacking:
        like = next((other for other in more if _alike_signs(sign, other)), None)
        if like is None:
            left += 1
        else:
            more.remove(like)
    return min(left, len(more))


def _company_of(title: str, held: str) -> CompanyParts:
    """The company that a project's name begins with; without a legal form, as long as the owner's."""
    if company := company_in(title):
        return company_parts(company)
    begins = title[: len(held)]
    shared = (Counter(begins) & Counter(held)).total()
    return company_parts(begins if shared >= _BEGINS * len(held) else held)


def features(
    register: Register, records: Sequence[Asked], found: Found, known: Mapping[int, facts.Facts] = MappingProxyType({})
) -> Floats:
    """A row of FEATURES for each pair that was found; `known` are facts by project."""
    lines, positions = found.lines, found.positions
    if not len(lines):
        return np.empty((0, len(FEATURES)), np.float32)
    asked = [records[line] for line in lines.tolist()]
    meant = [register.projects[position] for position in positions.tolist()]
    made: dict[str, Floats] = {}
    _compare_owners(register, asked, positions, made)
    _compare_projects(register, asked, meant, found, made)
    made["near"] = nearness(found.regions[lines], register.regions[positions])
    made["address_alike"] = _alike([one.address for one in asked], [one.address for one in meant])
    ours = [register.owners[at].uscc if at >= 0 else "" for at in register.project_owner[positions].tolist()]
    made["same_uscc"] = _same([one.uscc for one in asked], ours)
    told = facts.compare([one.facts for one in asked], known, [one.id for one in meant])
    made |= {name: told[:, at] for at, name in enumerate(facts.NAMES)}
    _compare_rivals(register, lines, positions, made)
    return np.column_stack([made[name] for name in FEATURES])


def _same(ones: Sequence[str], others: Sequence[str]) -> Floats:
    told = [np.nan if not one or not other else float(one == other) for one, other in zip(ones, others, strict=True)]
    return np.array(told, np.float32)


def _compare_owners(register: Register, asked: Sequence[Asked], positions: Ints, made: dict[str, Floats]) -> None:
    given = [one.party for one in asked]
    # Where no party is named, the project's name is what may hold the owner's.
    said = [one.party or one.project for one in asked]
    aliases = _best_alias(register, said, positions)
    names = [register.aliases[at] if at >= 0 else "" for at in aliases.tolist()]
    no_party = np.array([not one for one in given])
    theirs, ours = _Pairs(said), _Pairs(names)
    their_parts = [company_parts(one) for one in theirs.unique]
    our_parts = [company_parts(one) for one in ours.unique]
    party, owner = theirs.of(their_parts), ours.of(our_parts)
    made["party_given"] = (~no_party).astype(np.float32)
    made["party_same"] = np.where(no_party, np.nan, [one == other for one, other in zip(said, names, strict=True)])
    owners = register.project_owner[positions].tolist()
    known = register.alias_known
    made["party_other"] = np.array(
        [
            float(at not in known.get(one.party, ()) and bool(known.get(one.party)))
            or float(bool(one.enterprise_id) and at >= 0 and register.owners[at].id != one.enterprise_id)
            for one, at in zip(asked, owners, strict=True)
        ],
        np.float32,
    )
    held = [one.stem for one in owner]
    # Of a project's name only its beginning may be the company's.
    stems = [one.stem if told else one.stem[: len(own) + 2] for one, own, told in zip(party, held, given, strict=True)]
    # Legal forms tell no companies apart.
    made["party_alike"] = np.where(no_party, np.nan, _alike(stems, held))
    cores = ours.of([one.core for one in our_parts])
    made["core_covered"] = _covered(cores, stems)
    sound, shape = sounds(), shapes()
    stem_sound = [one.translate(sound) for one in stems]
    made["core_sound"] = _covered(ours.of([one.core.translate(sound) for one in our_parts]), stem_sound)
    stem_shape = [one.translate(shape) for one in stems]
    made["core_shape"] = _covered(ours.of([one.core.translate(shape) for one in our_parts]), stem_shape)
    made["core_length"] = _lengths(cores)
    titles = [bare_title(one.project) for one in asked]
    companies = [
        parts if told else _company_of(title, own.stem)
        for parts, told, title, own in zip(party, given, titles, owner, strict=True)
    ]
    made["unlike"] = np.fromiter(map(_unlike, companies, owner), np.float32, len(owner))
    counts = [np.log1p(register.core_counts.get(one.core, 0)) for one in our_parts]
    made["core_common"] = np.array(ours.of(counts), np.float32)
    shared = _shared(stems, held)
    empty = no_party | _missing(stems, held)
    made["party_extra"] = np.where(empty, np.nan, _lengths(stems) - shared)
    made["party_lacking"] = np.where(empty, np.nan, _lengths(held) - shared)
    sounding = _shared(stem_sound, ours.of([one.stem.translate(sound) for one in our_parts])) / 2
    shaping = _shared(stem_shape, ours.of([one.stem.translate(shape) for one in our_parts])) / 6
    made["party_extra_shape"] = np.where(empty, np.nan, _lengths(stems) - np.maximum(shared, shaping))
    made["party_extra_sound"] = np.where(empty, np.nan, _lengths(stems) - np.maximum(shared, np.floor(sounding)))
    trades = _alike([one.trade for one in party], [one.trade for one in owner])
    made["trade_alike"] = np.where(no_party, np.nan, trades)
    made["place_relation"] = _relation([one.place for one in party], [one.place for one in owner])
    made["branch_relation"] = np.where(
        no_party, np.nan, _relation([one.branch for one in party], [one.branch for one in owner])
    )
    # A group's project may be any subsidiary's, unless its own name says which.
    related = [
        bool(at >= 0 and register.alias_related[at])
        or (subsidiary(said, name) and company_parts(name).stem not in title)
        for at, said, name, title in zip(aliases.tolist(), given, names, titles, strict=True)
    ]
    made["related"] = np.array(related, np.float32)
    made["owner_in_project"] = _covered(cores, titles)
    told = _Pairs(titles)
    made["company_in_project"] = _alike(told.of([company_parts(company_in(one)).stem for one in told.unique]), held)


def _compare_projects(
    register: Register,
    asked: Sequence[Asked],
    meant: Sequence[Any],
    found: Found,
    made: dict[str, Floats],
) -> None:
    titles, names = [bare_title(one.project) for one in asked], [bare_title(one.name) for one in meant]
    made["title_given"] = np.array([bool(one) for one in titles], np.float32)
    missing = _missing(titles, names)
    made["title_same"] = np.where(missing, np.nan, [one == other for one, other in zip(titles, names, strict=True)])
    made["title_alike"] = _alike(titles, names)
    made["title_cosine"] = np.where(missing, np.nan, found.project_cosine)
    told = _Pairs(titles)
    parts = [project_parts(one).words for one in told.unique]
    stated = told.of(parts)
    words = [register.words[at] for at in found.positions.tolist()]
    aliases = [
        register.owners[at].names[0] if at >= 0 and register.owners[at].names else ""
        for at in register.project_owner[found.positions].tolist()
    ]
    made["words_covered"] = _covered(words, stated)
    shared = _shared(words, stated)
    nothing = _missing(words, stated)
    made["words_lacking"] = np.where(nothing, np.nan, _lengths(words) - shared)
    whole = [f"{owner}{own}" for owner, own in zip(aliases, words, strict=True)]
    made["words_extra"] = np.where(missing, np.nan, _lengths(stated) - _shared(whole, stated))
    own = [_own(one) for one in told.unique]
    ordered = told.of(["".join(sorted(one.words)) for one in own])
    cache: dict[str, str] = {}
    kept = [cache.get(one) or cache.setdefault(one, "".join(sorted(one))) for one in words]
    made["words_alike"] = _alike(ordered, kept)
    made["words_length"] = _lengths(words)
    works, theirs = [register.works[at] for at in found.positions.tolist()], told.of([one.works for one in own])
    made["works_covered"] = _covered(works, theirs)
    made["works_alike"] = _alike(theirs, works)
    given, ours = found.masks[found.lines], register.masks[found.positions]
    for at, name in enumerate(("phases", "numbers", "amounts")):
        pair = slice(2 * at, 2 * at + 2)
        made[name] = np.where(missing, np.nan, _agree(given[:, pair], ours[:, pair]))


# Where both sides say it and they differ, a person looks: stages, numbers, capacities, another province or company.
_SAID: Final = [
    list(FEATURES).index(name) for name in ("phases", "numbers", "amounts", "near", "same_uscc", "same_parcel")
]
# Who bears only the name of the owner's parent or group may mean any of its companies.
_RELATED: Final = list(FEATURES).index("related")
_NAMED: Final = list(FEATURES).index("party_given")
_UNLIKE: Final = list(FEATURES).index("unlike")


def contradicting(values: Floats) -> NDArray[np.bool_]:
    """Rows of features in which record and register contradict each other: never linked without a person."""
    made: NDArray[np.bool_] = (
        (values[:, _SAID] == 0).any(axis=1) | (values[:, _RELATED] == 1) | (values[:, _UNLIKE] > 0)
    )
    return made


# An owner's two projects, and a record that names the owner alone: only the land itself tells which it means.
_LEAD: Final = list(FEATURES).index("lead")
_AGREEING_LEAD: Final = list(FEATURES).index("agreeing_lead")
_PARCEL: Final = list(FEATURES).index("same_parcel")


def tied(values: Floats) -> NDArray[np.bool_]:
    """Rows of features for which another project of the record's speaks as loudly, in names and in stage and numbers.

    一期 written before or behind 建设项目 makes one's name more alike than the other's; the stage tells which it is.
    """
    made: NDArray[np.bool_] = (values[:, _LEAD] <= 0) & ~(values[:, _AGREEING_LEAD] > 0) & (values[:, _PARCEL] != 1)
    return made


def unnamed(values: Floats) -> NDArray[np.bool_]:
    """Rows of features of records that name no party."""
    made: NDArray[np.bool_] = values[:, _NAMED] == 0
    return made


def parts_of(register: Register, found: Found) -> NDArray[np.bool_]:
    """Pairs where the record names several stages or numbers and the project bears some of them only."""
    theirs, ours = found.masks[found.lines], register.masks[found.positions]
    made = np.zeros(len(found.lines), bool)
    for at in (0, 2):
        one, other = ours[:, at : at + 2], theirs[:, at : at + 2]
        made |= ((one & other) == one).all(axis=1) & one.any(axis=1) & (one != other).any(axis=1)
    return made


def together(
    raw: NDArray[np.float64], register: Register, found: Found, parts: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The log odds, with the stages of one project that a record names together as sure as the surest of them."""
    if not parts.any():
        return raw
    made, groups = raw.copy(), dict[tuple[int, int, str], list[int]]()
    for at in np.flatnonzero(parts).tolist():
        position = int(found.positions[at])
        # Where in its name a stage stands makes no other works of it.
        works = "".join(sorted(register.words[position]))
        groups.setdefault((int(found.lines[at]), int(register.project_owner[position]), works), []).append(at)
    for several in groups.values():
        made[several] = raw[several].max()
    return made


def _own(title: str) -> ProjectParts:
    """A record's words for its project without the company it begins with."""
    company = company_in(title)
    return project_parts(title[len(company) :] if company and len(company) < len(title) else title)


def _compare_rivals(register: Register, lines: Ints, positions: Ints, made: dict[str, Floats]) -> None:
    holders = register.project_owner[positions]
    each = np.arange(len(lines))
    likeness = np.nan_to_num(made["party_alike"], nan=0) + np.nan_to_num(made["core_covered"], nan=0)
    likeness += np.nan_to_num(made["company_in_project"], nan=0)
    made["owner_lead"] = _lead(likeness, lines, np.where(holders >= 0, holders, -1 - each))
    titled = sum(
        (np.nan_to_num(made[name], nan=0) for name in ("title_alike", "words_covered", "words_alike", "works_alike")),
        np.nan_to_num(made["title_same"], nan=0).astype(np.float32),
    )
    own = lines * (int(holders.max()) + 2) + holders + 1
    made["title_lead"] = _lead(titled, own, each)
    made["lead"] = _lead(titled + likeness, lines, each)
    made["near_lead"] = _lead(made["near"], lines, each)
    made["address_lead"] = _lead(made["address_alike"], lines, each)
    agreeing = sum(
        (np.nan_to_num(made[name], nan=1.0) for name in ("numbers", "amounts")), np.nan_to_num(made["phases"], nan=1.0)
    )
    made["agreeing_lead"] = _lead(agreeing, own, each)
    _, which, counts = np.unique(own, return_inverse=True, return_counts=True)
    made["rivals"] = counts[which].astype(np.float32)
