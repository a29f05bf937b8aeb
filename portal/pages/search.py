"""Search with facets; works as a plain form, pages by cursor, says when it is degraded."""

from collections.abc import Iterable
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.choosing import Choices, sort_out
from portal.language import current_language
from portal.pages.suspected import LONGEST_QUERY
from portal.rendering import render
from portal.searching import find_as_viewer
from portal.viewing import viewing
from portal.words import TABLES, choices, word
from registry import clock
from registry.cases.case_list import CaseFilter, list_cases
from registry.choices import CHOICES
from registry.reading import rows
from registry.viewers import Viewer
from search.find import FacetValue, Hit
from search.queries import Search

router = APIRouter()

# The facets of the page in their order, each with the table of words that its values come from.
SHOWN_FACETS: Final[dict[str, str]] = {
    "kind": "found",
    "publication_kind": "own_publication_kind",
    "publication_state": "publication_state",
    "suspected_state": "suspected_state",
    "mark": "mark",
    "product": "product",
    "sector": "sector",
    "province": "province",
    "stage": "stage",
    "flagged": "flagged",
    "gate": "lane",
    "lane": "lane",
    "agency": "agency",
}


@router.get("/search")
async def search(request: Request, q: str = "", cursor: str = "") -> Response:
    """Projects, enterprises, records and publications; for officials suspected projects, and a way to cases."""
    filters = {
        name: tuple(value for value in request.query_params.getlist(name) if value)
        for name in SHOWN_FACETS
        if any(request.query_params.getlist(name))
    }
    said = {"yes": "true", "no": "false"}
    if "flagged" in filters:
        filters["flagged"] = tuple(said.get(value, value) for value in filters["flagged"])
    async with viewing(request) as session:
        feeds = await rows(session, "SELECT id, name_zh, name_en FROM feeds ORDER BY id")
        # They are few, and for officials alone: not in the index, which everybody searches.
        viewer: Viewer = request.state.viewer
        named = CaseFilter("all", q=q.replace("\x00", "").strip()[:LONGEST_QUERY])
        cases = (
            (await list_cases(session, viewer, named, clock.today(), limit=1)).total
            if named.q and viewer.may("internal")
            else 0
        )
    name = "name_zh" if current_language() == "zh" else "name_en"
    yes_or_no = [(said[code], text) for code, text in choices("flagged")]
    agencies = [(feed["id"], feed[name]) for feed in feeds]
    # A record lies in any lane, and so may a finding.
    tables: dict[str, str | Choices] = {**SHOWN_FACETS, "gate": "lane", "flagged": yes_or_no, "agency": agencies}
    # What was withdrawn or is only reported is not in the index.
    stated = CHOICES["publication_state"]
    tables["publication_state"] = [(code, word("publication_state", code)) for code in stated]
    filters, errors = sort_out(filters, tables)
    # Addresses name a province by two digits, the index by six.
    filters |= {"province": tuple(code.ljust(6, "0") for code in filters["province"])} if "province" in filters else {}
    found = await find_as_viewer(request, Search(q, filters=filters, cursor=cursor or None))
    if found.total == 1 and len(found.hits) == 1 and q and not cursor and found.hits[0].fields.get("code") == q.strip():
        return RedirectResponse(address_of(found.hits[0]), 303)
    return render(
        request,
        "search.html",
        q=q,
        # Without the index they are looked up in their own list.
        suspects=found.degraded and viewer.may("internal") and bool(q.strip()),
        cases=cases,
        found=found,
        address_of=address_of,
        filters=filters,
        errors=errors,
        facets={name: facet_choices(name, found.facets.get(name, ()), feeds) for name in SHOWN_FACETS},
    )


def address_of(hit: Hit) -> str:
    """The page of something found."""
    return f"/{hit.kind}/{hit.id}" if hit.kind == "suspected" else f"/{hit.kind}s/{hit.id}"


def facet_choices(name: str, values: Iterable[FacetValue], feeds: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    """(code, word, count) of a facet: in the order of the table of words, where there is one."""
    counts = {one.value: one.count for one in values}
    if name == "agency":
        names = {feed["id"]: feed["name_zh" if current_language() == "zh" else "name_en"] for feed in feeds}
        return [(code, names.get(code) or code, count) for code, count in counts.items()]
    if name == "flagged":
        said = {"true": "yes", "false": "no"}
        return [(code, word("flagged", said[code]), counts.get(code, 0)) for code in said]
    if name == "province":
        return sorted((code, word("province", code), count) for code, count in counts.items())
    table = TABLES[SHOWN_FACETS[name]]
    ordered = [code for code in table if code in counts] + [code for code in counts if code not in table]
    return [(code, word(SHOWN_FACETS[name], code), counts[code]) for code in ordered]
