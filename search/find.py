"""Finding: projects, enterprises and records in one search, in the index or, when that is away, in the register."""

import hashlib
import html
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from elasticsearch import ApiError, NotFoundError

from registry.errors import Unavailable
from registry.reading import BadCursor, read_cursor, write_cursor
from registry.viewers import Audience
from search.asking import Asked, understand
from search.client import Servers, ask
from search.client import servers as default_servers
from search.look_up import look_up
from search.mapping import TARGETS_OF_AUDIENCE, alias
from search.queries import HIT_BEGINS, HIT_ENDS, Search, body

# Whoever has read so far is better served by a narrower search; the programming interface lists without bound.
DEEPEST: Final = 5000
KEPT_OPEN: Final = "2m"


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found. `fields` are those of search.queries.SHOWN that are known; `found` the same fields, as far as
    words were found in them, as plain text with the words between HIT_BEGINS and HIT_ENDS."""

    kind: str
    id: int
    title: str
    fields: dict[str, Any]
    found: dict[str, list[str]] = field(default_factory=dict)

    def html(self, name: str = "title") -> str:
        """A field as HTML: everything escaped, what was found in <mark>."""
        plain = self.found.get(name) or [str(self.fields.get(name) or "")]
        return "；".join(html.escape(one).replace(HIT_BEGINS, "<mark>").replace(HIT_ENDS, "</mark>") for one in plain)


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet, and how many would be found by choosing it."""

    value: str
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found.

    `approximate`: nothing is precisely what was typed, this is like it; `suggestions` are names that may be meant.
    `degraded`: the index is away; codes, USCCs and names were looked up in the register, the rest is missing.
    `cut`: there is more than anybody may page through.
    """

    total: int
    hits: tuple[Hit, ...]
    facets: dict[str, tuple[FacetValue, ...]] = field(default_factory=dict)
    next_cursor: str | None = None
    suggestions: tuple[str, ...] = ()
    approximate: bool = False
    degraded: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """Where somebody stands in a list: how many were shown, whether they were approximate, the last one's sort values,
    and the point in time that keeps the list still (from the second page on)."""

    shown: int
    approximate: bool
    after: list[Any]
    point: str | None

    def cursor(self, search: Search) -> str:
        return write_cursor(_fingerprint(search), self.shown, self.approximate, self.after, self.point)


def _fingerprint(search: Search) -> str:
    filters = {name: sorted(values) for name, values in search.filters.items() if values}
    who = [search.audience, search.credit_regions, search.credit_lenders]
    said = orjson.dumps([search.text, who, filters], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(said, digest_size=8).hexdigest()


def _place(search: Search) -> _Place | None:
    if not search.cursor:
        return None
    fingerprint, shown, approximate, after, point = read_cursor(search.cursor, 5)
    plain = isinstance(after, list) and all(isinstance(one, str | int | float) for one in after)
    length = 2 if search.text.strip() else 3
    sound = type(shown) is int and type(approximate) is bool and (point is None or isinstance(point, str))
    if (
        fingerprint != _fingerprint(search)
        or not plain
        or len(after) != length
        or not sound
        or not 0 < shown <= DEEPEST
    ):
        raise BadCursor
    return _Place(shown, approximate, after, point)


async def find(search: Search, servers: Servers | None = None) -> Found:
    """Find; when Elasticsearch is away, look codes and names up in the register. Raises BadInput.

    Precise finds come alone; only where there are none, something like them. The first page is read as the index
    stands; whoever reads on gets a point in time, so that pages neither repeat nor leave out.
    """
    servers = servers or default_servers()
    asked = understand(search.text)
    place = _place(search)
    if search.text.strip() and not asked.words:
        return Found(0, ())
    try:
        if place:
            return await _next_page(servers, search, asked, place)
        found = await _first_page(servers, search, asked, approximate=False)
        if asked.words and not found.total and not _found_elsewhere(found):
            found = await _first_page(servers, search, asked, approximate=True)
        return found
    except Unavailable:
        return await _look_up(servers, search, asked)
    except NotFoundError:
        # An index that was never built is as good as away.
        return await _look_up(servers, search, asked)


def _found_elsewhere(found: Found) -> bool:
    """Whether there is something precise outside the chosen facets."""
    return any(value.count for values in found.facets.values() for value in values)


async def _look_up(servers: Servers, search: Search, asked: Asked) -> Found:
    rows = await look_up(servers.database, search, asked)
    hits = tuple(Hit(row["kind"], row["id"], row["title"], row) for row in rows)
    return Found(len(hits), hits[: search.size], degraded=True)


def _indices(servers: Servers, audience: Audience) -> list[str]:
    return [alias(servers.prefix, target) for target in TARGETS_OF_AUDIENCE[audience]]


async def _first_page(servers: Servers, search: Search, asked: Asked, *, approximate: bool) -> Found:
    # What sounds alike is looked for with a dictionary that takes a moment to load the first time.
    made = await ask(body, search, asked, approximate=True) if approximate else body(search, asked)
    answer = await ask(
        servers.elasticsearch.search,
        index=_indices(servers, search.audience),
        # One copy of each shard for one search, so that the same search twice gives the same order.
        preference=_fingerprint(search),
        **made,
    )
    hits, last = _hits(answer)
    total = int(answer["hits"]["total"]["value"])
    suggestions = tuple(dict.fromkeys(hit.title for hit in hits))[:3] if approximate else ()
    cursor = _Place(len(hits), approximate, last, None).cursor(search) if last and len(hits) < total else None
    return Found(total, hits, _facets(search, answer), cursor, suggestions, approximate and total > 0)


async def _next_page(servers: Servers, search: Search, asked: Asked, place: _Place) -> Found:
    client = servers.elasticsearch
    made = await ask(body, search, asked, approximate=place.approximate)
    # A point in time is somebody else's word for indices: behind it stands this lock, whatever the cursor says.
    made["query"]["bool"]["filter"].append({"terms": {"_index": _indices(servers, search.audience)}})
    point = place.point
    try:
        if point is None:
            raise _Expired
        answer = await _read(servers, made, place.after, point)
    except _Expired:
        # The list moved on while nobody read it: from the same place in the list as it is now.
        opened = await ask(client.open_point_in_time, index=_indices(servers, search.audience), keep_alive=KEPT_OPEN)
        point = str(opened["id"])
        try:
            answer = await _read(servers, made, place.after, point)
        except _Expired as error:
            raise BadCursor from error
    hits, last = _hits(answer)
    total = int(answer["hits"]["total"]["value"])
    shown = place.shown + len(hits)
    point = answer.get("pit_id", point)
    more = bool(last) and shown < total
    if not more or shown >= DEEPEST:
        await ask(client.options(ignore_status=404).close_point_in_time, id=point)
    cursor = _Place(shown, place.approximate, last, point).cursor(search) if more and shown < DEEPEST else None
    return Found(
        total, hits, _facets(search, answer), cursor, approximate=place.approximate, cut=more and shown >= DEEPEST
    )


class _Expired(Exception):
    """The point in time is gone, or never was."""


async def _read(servers: Servers, made: dict[str, Any], after: list[Any], point: str) -> Any:
    try:
        answer = await ask(
            servers.elasticsearch.search, pit={"id": point, "keep_alive": KEPT_OPEN}, search_after=after, **made
        )
    except ApiError as error:
        if error.status_code not in (400, 404):
            raise
        raise _Expired from error
    if not answer["_shards"]["total"]:
        raise _Expired
    return answer


def _hits(answer: Any) -> tuple[tuple[Hit, ...], list[Any]]:
    """The hits of an answer, and the sort values of the last one."""
    hits = []
    for raw in answer["hits"]["hits"]:
        fields = {name: value for name, value in raw["_source"].items() if value not in (None, [], "")}
        found = {
            name: [one.replace(HIT_ENDS + HIT_BEGINS, "") for one in fragments]
            for name, fragments in raw.get("highlight", {}).items()
        }
        hits.append(Hit(fields["kind"], fields["id"], fields.get("title", ""), fields, found))
    last: list[Any] = answer["hits"]["hits"][-1]["sort"] if hits else []
    return tuple(hits), last


def _facets(search: Search, answer: Any) -> dict[str, tuple[FacetValue, ...]]:
    made = {}
    for name, counted in answer["aggregations"].items():
        chosen = set(search.filters.get(name, ()))
        values = [
            FacetValue(str(bucket.get("key_as_string", bucket["key"])), bucket["doc_count"], False)
            for bucket in counted["values"]["buckets"]
        ]
        values = [FacetValue(one.value, one.count, one.value in chosen) for one in values]
        # What is chosen stays visible, found or not: else nobody could take it back.
        values += [FacetValue(one, 0, True) for one in sorted(chosen - {value.value for value in values})]
        made[name] = tuple(values)
    return made
