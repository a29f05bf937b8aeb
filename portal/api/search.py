"""Search over the API."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request

from portal.api._operations import Operation, needs
from portal.searching import find_as_viewer
from portal.viewing import viewing
from registry.choices import check_choice, feed_ids
from search.queries import HIT_BEGINS, HIT_ENDS, Search

router = APIRouter(tags=["search"], route_class=Operation)


class HitLine(BaseModel):
    """One thing found; `found` are fragments with the words found between ⟦ and ⟧."""

    kind: str
    id: int
    title: str
    fields: dict[str, Any]
    found: dict[str, list[str]]


class FacetLine(BaseModel):
    """One value of a facet."""

    value: str
    count: int
    chosen: bool


class FoundPage(BaseModel):
    """A page of what was found; `degraded`: the index is away and only codes and names were looked up."""

    total: int
    items: list[HitLine]
    facets: dict[str, list[FacetLine]]
    next_cursor: str | None
    suggestions: list[str]
    approximate: bool
    degraded: bool


@router.get("/search", summary="检索 · Search", openapi_extra=needs("read", public=True))
async def search(
    request: Request,
    q: Annotated[str, Query(max_length=200)] = "",
    kind: Annotated[list[str] | None, Query()] = None,
    sector: Annotated[list[str] | None, Query()] = None,
    province: Annotated[list[str] | None, Query()] = None,
    stage: Annotated[list[str] | None, Query()] = None,
    lane: Annotated[list[str] | None, Query()] = None,
    gate: Annotated[list[str] | None, Query()] = None,
    agency: Annotated[list[str] | None, Query()] = None,
    publication_kind: Annotated[list[str] | None, Query()] = None,
    publication_state: Annotated[list[str] | None, Query()] = None,
    suspected_state: Annotated[list[str] | None, Query()] = None,
    mark: Annotated[list[str] | None, Query()] = None,
    product: Annotated[list[str] | None, Query()] = None,
    flagged: bool | None = None,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> FoundPage:
    """Projects, enterprises, records and publications; for officials suspected projects and gate marks too."""
    asked = {"kind": kind, "sector": sector, "province": province, "stage": stage, "lane": lane, "gate": gate}
    asked |= {"agency": agency, "publication_kind": publication_kind, "publication_state": publication_state}
    asked |= {"suspected_state": suspected_state, "mark": mark, "product": product}
    filters = {name: tuple(values) for name, values in asked.items() if values}
    if flagged is not None:
        filters["flagged"] = (str(flagged).lower(),)
    async with viewing(request) as session:
        feeds = await feed_ids(session) if agency else ()
    for name, values in filters.items():
        check_choice(name, *values, allowed=feeds if name == "agency" else None)
    # One may say a province by two digits, as everywhere else; the index says it by six.
    if "province" in filters:
        filters["province"] = tuple(code.ljust(6, "0") for code in filters["province"])
    found = await find_as_viewer(request, Search(q, filters=filters, size=limit, cursor=cursor or None))
    return FoundPage(
        total=found.total,
        items=[
            HitLine(
                kind=hit.kind,
                id=hit.id,
                title=hit.title,
                fields=hit.fields,
                found={
                    name: [one.replace(HIT_BEGINS, "⟦").replace(HIT_ENDS, "⟧") for one in fragments]
                    for name, fragments in hit.found.items()
                },
            )
            for hit in found.hits
        ],
        facets={
            name: [FacetLine(value=one.value, count=one.count, chosen=one.chosen) for one in values]
            for name, values in found.facets.items()
        },
        next_cursor=found.next_cursor,
        suggestions=list(found.suggestions),
        approximate=found.approximate,
        degraded=found.degraded,
    )
