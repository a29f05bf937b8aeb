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
from registry.reading import rows
from registry.suspect_file import SuspectFilter, list_suspects
from registry.viewers import Viewer
from search.find import FacetValue
from search.queries import Search

router = APIRouter()

# The facets of the page in their order, each with the table of words that its values come from.
SHOWN_FACETS: Final[dict[str, str]] = {
    "kind": "found",
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
    """Projects, enterprises and records."""
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
        asked = SuspectFilter(state=None, q=q.replace("\x00", "").strip()[:LONGEST_QUERY])
        suspects = (
            (await list_suspects(session, viewer, asked, limit=1)).total if asked.q and viewer.may("internal") else 0
        )
        named = CaseFilter("all", q=asked.q)
        cases = (
            (await list_cases(session, viewer, named, clock.today(), limit=1)).total
            if asked.q and viewer.may("internal")
            else 0
        )
    name = "name_zh" if current_language() == "zh" else "name_en"
    yes_or_no = [(said[code], text) for code, text in choices("flagged")]
    agencies = [(feed["id"], feed[name]) for feed in feeds]
    # A record lies in any lane, and so may a finding.
    tables: dict[str, str | Choices] = {**SHOWN_FACETS, "gate": "lane", "flagged": yes_or_no, "agency": agencies}
    filters, errors = sort_out(filters, tables)
    # Addresses name a province by two digits, the index by six.
    filters |= {"province": tuple(code.ljust(6, "0") for code in filters["province"])} if "province" in filters else {}
    found = await find_as_viewer(request, Search(q, filters=filters, cursor=cursor or None))
    if found.total == 1 and len(found.hits) == 1 and q and not cursor and found.hits[0].fields.get("code") == q.strip():
        return RedirectResponse(f"/{found.hits[0].kind}s/{found.hits[0].id}", 303)
    return render(
        request,
        "search.html",
        q=q,
        suspects=suspects,
        cases=cases,
        found=found,
        filters=filters,
        errors=errors,
        facets={name: facet_choices(name, found.facets.get(name, ()), feeds) for name in SHOWN_FACETS},
    )


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
