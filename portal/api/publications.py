"""What is made public, over the API: the one list, one publication, and the chain for whoever verifies it."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from portal.api._operations import Operation, needs
from portal.viewing import viewing
from portal.words import TABLES
from registry import clock
from registry.choices import check_choice
from registry.publishing.chain import Link, links
from registry.publishing.publication_file import PublicationFile, publication_file
from registry.publishing.publication_list import (
    ORIGINS,
    SHOWN_STATES,
    PublicationFilter,
    PublicationPage,
    list_publications,
)

router = APIRouter(tags=["publications"], route_class=Operation)


class ChainPage(BaseModel):
    """Links in order; read on from the number of the last. How a digest is made: docs/publication.md."""

    items: list[Link]
    next_after: int | None = None


@router.get("/publications", summary="列出公示与公告 · List publications", openapi_extra=needs("read", public=True))
async def publications(
    request: Request,
    response: Response,
    origin: str | None = None,
    kind: str | None = None,
    state: str | None = None,
    sector: str | None = None,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> PublicationPage:
    """The register's own publications and the notices of others, newest first."""
    response.headers["cache-control"] = "no-store"
    check_choice("origin", origin, allowed=ORIGINS)
    check_choice("kind", kind, allowed=list(TABLES["publication_kind"]))
    check_choice("state", state, allowed=SHOWN_STATES)
    check_choice("sector", sector)
    async with viewing(request) as session:
        wanted = PublicationFilter(origin=origin, kind=kind, state=state, sector=sector)
        return await list_publications(session, wanted, cursor=cursor, limit=limit)


@router.get(
    "/publications/chain", summary="公开的链 · The chain of publications", openapi_extra=needs("read", public=True)
)
async def chain(
    request: Request,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> ChainPage:
    """Every public act with the hash of what it is about and the digest of the link before."""
    async with viewing(request) as session:
        found = await links(session, after=after, limit=limit)
    return ChainPage(items=found, next_after=found[-1].number if len(found) == limit else None)


@router.get(
    "/publications/{publication_id}",
    summary="读取一项公布 · Read a publication",
    openapi_extra=needs("read", public=True),
)
async def publication(request: Request, response: Response, publication_id: int) -> PublicationFile:
    """One publication with its public versions; of a withdrawn one the day and the reason alone."""
    response.headers["cache-control"] = "no-store"
    async with viewing(request) as session:
        return await publication_file(session, publication_id, clock.today())
