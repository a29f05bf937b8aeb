"""Queries as plain dictionaries: built on named fields, no query syntax, no client."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from registry.errors import BadInput
from registry.names import pinyin
from registry.viewers import Audience
from search.asking import Asked, Word, misspelt_readings, readings
from search.mapping import AUDIENCE_WORD, CREDIT_TARGETS, TARGETS_OF_AUDIENCE

Query = dict[str, Any]

LARGEST_PAGE: Final = 100
# Marks around what was found, in plain text: whoever shows it escapes the text and then puts its own marks in.
HIT_BEGINS: Final = "\ue000"
HIT_ENDS: Final = "\ue001"

# Where a record's gate marks stand, in the one of its two documents that is for those who may know of them.
MARKED: Final = "marks"
# The facets by the names that addresses and the command line use, and the fields behind them.
FACETS: Final[dict[str, str]] = {
    "kind": "kind",
    "publication_kind": "publication_kind",
    "publication_state": "publication_state",
    "suspected_state": "suspected_state",
    "mark": MARKED,
    "product": "products",
    "sector": "sector",
    "province": "province",
    "stage": "stage",
    "nature": "nature",
    "flagged": "flagged",
    "gate": "flagged_lanes",
    "lane": "lanes",
    "agency": "agencies",
    "act": "act",
    "outcome": "outcome",
    "invented": "invented",
}
_YES_OR_NO: Final = frozenset({"flagged", "invented"})

# What a hit carries; the rest is for searching only.
SHOWN: Final[tuple[str, ...]] = (
    "kind",
    "id",
    "title",
    "title_en",
    "names",
    "owner",
    "owner_id",
    "place",
    "code",
    "uscc",
    "number",
    "sector",
    "region",
    "province",
    "stage",
    "nature",
    "lanes",
    "agencies",
    "records",
    "projects",
    "flagged",
    "flags",
    "flagged_lanes",
    "rules",
    "act",
    "acted_on",
    "outcome",
    "authority",
    "marks",
    "publication_kind",
    "publication_state",
    "suspected_state",
    "products",
    "project_ids",
    "enterprise_ids",
    "amount",
    "invented",
    "synthetic",
)
_HIGHLIGHTED: Final[tuple[str, ...]] = ("title", "title_en", "names", "owner", "number", "place")


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody searches for: the text, who they are, what they narrowed it to, and how far they have read.

    `filters` maps a facet's name to the values of which one must hold; yes-or-no facets take "true" or "false".
    """

    text: str = ""
    audience: Audience = "public"
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    size: int = 20
    cursor: str | None = None
    # Of credit: only records of these regions, or lent under these names; None asks nothing.
    credit_regions: tuple[str, ...] | None = None
    credit_lenders: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse what is not a facet, and pages that are too large."""
        for name, values in self.filters.items():
            if name not in FACETS:
                raise BadInput(f"There is no facet “{name}”.", where=name, remedy=f"Facets: {', '.join(FACETS)}.")
            if name in _YES_OR_NO and set(values) - {"true", "false"}:
                raise BadInput(f"“{name}” is true or false.", where=name)
            if len(values) > 50 or any(len(value) > 100 for value in values):
                raise BadInput(f"Too many or too long values of “{name}”.", where=name)
        if not 1 <= self.size <= LARGEST_PAGE:
            raise BadInput(f"A page has 1 to {LARGEST_PAGE} results.", where="size")


def _constant(query: Query, boost: float) -> Query:
    return {"constant_score": {"filter": query, "boost": boost}}


def _best(queries: Iterable[Query]) -> Query:
    """Whichever of these says most; how exactly something was named never adds up from vague parts."""
    return {"dis_max": {"queries": list(queries)}}


def _phrase(name: str, text: str, boost: float) -> Query:
    return _constant({"match_phrase": {name: text}}, boost)


def _term(name: str, value: str, boost: float) -> Query:
    return _constant({"term": {name: value}}, boost)


def _prefix(name: str, value: str, boost: float) -> Query:
    return _constant({"prefix": {name: value}}, boost)


def precise(asked: Asked) -> Query:
    """Everything typed is there: as a code, a number, or each word as part of a name, a reading, an owner, a place."""
    choices = [_term("codes", code, 5000) for code in asked.codes]
    choices += [_term("numbers", number, 4000) for number in asked.numbers]
    choices.append({"bool": {"must": [_precise_word(word) for word in asked.words]}})
    return {"bool": {"must": [_best(choices)], "should": _whole(asked)}}


def _whole(asked: Asked) -> list[Query]:
    """What puts one thing that fits before another: the whole name, then short names, then kinds."""
    ranked = [
        _term("kind", "enterprise", 3),
        _term("kind", "project", 2),
        _term("flagged", "true", 1),
    ]
    if asked.normal:
        ranked += [
            _term("title_exact", asked.normal, 2000),
            _term("names_exact", asked.normal, 1000),
            {"match": {"title_normal": {"query": asked.normal, "boost": 0.01}}},
        ]
    return ranked


def _precise_word(word: Word) -> Query:
    queries = [
        _phrase("number", word.typed, 200),
        _phrase("place", word.typed, 150),
        _phrase("product", word.typed, 140),
    ]
    if word.normal:
        queries += [
            _term("title_exact", word.normal, 1000),
            _term("names_exact", word.normal, 900),
            _prefix("title_exact", word.normal, 800),
            _phrase("title_normal", word.normal, 600),
            _phrase("names_normal", word.normal, 300),
            _phrase("owner_normal", word.normal, 250),
        ]
    queries += [_phrase("title", word.typed, 600), _phrase("names", word.typed, 300), _phrase("owner", word.typed, 250)]
    queries += _latin_word(word) if word.latin else _parted_word(word)
    return _best(queries)


def _latin_word(word: Word) -> list[Query]:
    queries = [
        _constant({"match_phrase_prefix": {name: word.typed}}, boost)
        for name, boost in (("title_en", 350), ("names", 300))
    ]
    lower = word.typed.lower()
    queries += [_phrase("pinyin", reading, 340) for reading in readings(lower, unfinished=False)]
    if len(lower) >= 2:
        queries += [
            _constant({"match_phrase_prefix": {"pinyin": {"query": reading, "max_expansions": 30}}}, 320)
            for reading in readings(lower)
        ]
        queries += [_prefix("pinyin_joined", lower, 360), _prefix("initials", lower, 200)]
    if word.compact:
        queries += [_term("codes", word.compact, 5000), _term("numbers", word.typed.upper(), 4000)]
        if len(word.compact) >= 4 and any(one.isdigit() for one in word.compact):
            queries.append(_prefix("codes", word.compact, 900))
    return queries


def _parted_word(word: Word) -> list[Query]:
    """A word whose parts stand in different places: 唐山炼钢, half of it in the owner, half in the name."""
    pairs = word.pairs
    if len(pairs) < 2:
        return []
    fields = ("title_normal", "names_normal", "owner_normal", "place")
    found = [_best(_phrase(name, pair, 1) for name in fields) for pair in pairs]
    # One seam for each three pairs: shorter words must be there whole.
    needed = len(pairs) - len(pairs) // 3
    every = {"multi_match": {"query": word.normal, "type": "cross_fields", "operator": "and", "fields": list(fields)}}
    return [_constant({"bool": {"must": [every], "should": found, "minimum_should_match": needed}}, 80)]


def tolerant(asked: Asked) -> Query:
    """Something like what was typed: for when nothing is precisely that."""
    words = [_tolerant_word(word) for word in asked.words]
    needed = len(words) if len(words) <= 2 else len(words) - 1
    return {"bool": {"must": [{"bool": {"should": words, "minimum_should_match": needed}}], "should": _whole(asked)}}


def _tolerant_word(word: Word) -> Query:
    queries = [_precise_word(word)]
    if word.latin:
        queries += [
            _constant({"match": {name: {"query": word.typed, "fuzziness": "AUTO", "prefix_length": 1}}}, 60)
            for name in ("title_en", "names")
        ]
        queries += [_phrase("pinyin", reading, 50) for reading in misspelt_readings(word.typed)]
        if len(word.compact) >= 8:
            queries.append(
                _constant({"fuzzy": {"codes": {"value": word.compact, "fuzziness": 2, "prefix_length": 2}}}, 70)
            )
    elif len(word.normal) >= 2:
        # Chinese is typed by its sound: the wrong character mostly has the right reading.
        queries.append(_phrase("pinyin", pinyin(word.typed), 70))
        queries += [
            _constant({"match": {name: {"query": word.normal, "minimum_should_match": "3<70%"}}}, boost)
            for name, boost in (("title_normal", 40), ("names_normal", 30), ("owner_normal", 25))
        ]
    return _best(queries)


def restriction(name: str, values: tuple[str, ...]) -> Query:
    """One facet narrowed to some values."""
    return {"terms": {FACETS[name]: list(values)}}


def _others(search: Search, but: str | None = None) -> list[Query]:
    """What the facets are narrowed to; unless marks are asked for, the second documents of records stand back."""
    narrowed = [restriction(name, values) for name, values in search.filters.items() if values and name != but]
    if but != "mark" and not search.filters.get("mark") and "marked" in TARGETS_OF_AUDIENCE[search.audience]:
        narrowed.append({"bool": {"must_not": [{"exists": {"field": MARKED}}]}})
    return narrowed


def facets(search: Search) -> Query:
    """Counts for each facet, narrowed by all the others but not by itself: what one would find by choosing anew."""
    return {
        name: {
            "filter": {"bool": {"filter": _others(search, but=name)}},
            "aggs": {"values": {"terms": {"field": of, "size": 50}}},
        }
        for name, of in FACETS.items()
    }


def ordered(search: Search) -> list[Query]:
    """Best first; where nothing was asked for, what is flagged most and then by the reading of the name."""
    if search.text.strip():
        return [{"_score": {"order": "desc"}}, {"key": {"order": "asc"}}]
    return [{"flags": {"order": "desc"}}, {"pinyin_joined": {"order": "asc"}}, {"key": {"order": "asc"}}]


def _together(name: str, text: str) -> Query:
    """As a phrase: phrases of two are looked up in a field beside the named one, where nothing can be highlighted."""
    return {"intervals": {name: {"match": {"query": text, "max_gaps": 0, "ordered": True}}}}


def highlight(asked: Asked) -> Query:
    """Which words were found, as plain text between HIT_BEGINS and HIT_ENDS."""
    found: list[Query] = []
    for word in asked.words:
        for text in dict.fromkeys(one for one in (word.typed, word.normal) if one):
            found += [_together(name, text) for name in _HIGHLIGHTED if name != "title_en"]
        if word.latin:
            found.append({"match": {"title_en": {"query": word.typed, "fuzziness": "AUTO", "prefix_length": 1}}})
            found.append({"match_phrase_prefix": {"title_en": word.typed}})
        for pair in word.pairs if not word.latin and len(word.pairs) > 1 else ():
            found += [_together(name, pair) for name in ("title", "owner", "place")]
    return {
        "pre_tags": [HIT_BEGINS],
        "post_tags": [HIT_ENDS],
        "number_of_fragments": 0,
        "require_field_match": True,
        "highlight_query": {"bool": {"should": found}},
        "fields": {name: {} for name in _HIGHLIGHTED},
    }


def within_reach(search: Search) -> Query:
    """The condition that whoever asks may see a document: by its audience, and credit of their region or own bank."""
    targets = TARGETS_OF_AUDIENCE[search.audience]
    words = sorted({AUDIENCE_WORD[target] for target in targets if target not in CREDIT_TARGETS})
    credit_words = sorted({AUDIENCE_WORD[target] for target in targets if target in CREDIT_TARGETS})
    open_: Query = {"terms": {"audience": words}}
    if not credit_words:
        return open_
    credit: list[Query] = [{"terms": {"audience": credit_words}}]
    if search.credit_regions is not None:
        credit.append({"terms": {"region": list(search.credit_regions)}})
    if search.credit_lenders is not None:
        credit.append({"terms": {"authority": list(search.credit_lenders)}})
    return {"bool": {"should": [open_, {"bool": {"filter": credit}}], "minimum_should_match": 1}}


def body(search: Search, asked: Asked, *, approximate: bool = False, with_facets: bool = True) -> Query:
    """The whole request but for where to search and how far somebody has read.

    Nothing is left to the caller of Elasticsearch: whatever was typed is a value in here and never syntax. The public
    searches public indices; that every document must say it is public stands behind that as a second lock.
    """
    allowed: list[Query] = [within_reach(search)]
    scope: Query = {"filter": allowed, "must_not": [{"term": {"deleted": True}}]}
    if asked.words:
        scope["must"] = [tolerant(asked) if approximate else precise(asked)]
    made: Query = {
        "query": {"bool": scope},
        "sort": ordered(search),
        "size": search.size,
        "track_total_hits": True,
        "source": {"includes": list(SHOWN)},
    }
    if chosen := _others(search):
        made["post_filter"] = {"bool": {"filter": chosen}}
    if with_facets:
        made["aggregations"] = facets(search)
    if asked.words:
        made["highlight"] = highlight(asked)
    return made
