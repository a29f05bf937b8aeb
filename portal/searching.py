"""Searching as a viewer: credit of the viewer's region or bank only, and nothing that PostgreSQL withholds by now."""

from dataclasses import dataclass, replace
from typing import Final

from starlette.requests import Request

from portal.viewing import viewing
from registry.audience import CREDIT
from registry.credit_reads import note_credit_read
from registry.reading import rows
from registry.viewers import NATION, Viewer
from search.find import Found, find
from search.queries import Search

_REGIONS: Final = "SELECT unnest(my_regions()) AS region"
# Row-level security leaves a bank's people their own bank's credit alone.
_LENDERS: Final = "SELECT DISTINCT authority FROM records WHERE lender_normal IS NOT NULL AND authority IS NOT NULL"
# What of a page of hits the viewer sees in the register: records where credit is about, the others always.
_SEEN: Final = {
    "record": "SELECT DISTINCT record_id AS id FROM records WHERE record_id = ANY(:ids) AND known_to = 'infinity'",
    "publication": "SELECT id FROM publications WHERE id = ANY(:ids) AND public_since IS NOT NULL "
    "AND withdrawn_at IS NULL",
    "suspected": "SELECT suspected_id AS id FROM suspected_versions WHERE suspected_id = ANY(:ids) "
    "AND known_to = 'infinity'",
}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A record among what was found, for the audit."""

    record_id: int
    act: str


async def find_as_viewer(request: Request, search: Search) -> Found:
    """Find what the viewer of the request may see."""
    viewer: Viewer = request.state.viewer
    search = replace(search, audience=viewer.audience)
    if search.audience not in CREDIT:
        return await _as_registered(request, await find(search), ("publication", "suspected"))
    async with viewing(request) as session:
        if search.audience == "bank":
            lenders = await rows(session, _LENDERS)
            search = replace(search, credit_lenders=tuple(sorted(row["authority"] for row in lenders)))
        elif viewer.region != NATION:
            regions = await rows(session, _REGIONS)
            search = replace(search, credit_regions=tuple(sorted(row["region"] for row in regions)))
    found = await _as_registered(request, await find(search), tuple(_SEEN))
    shown = [_Shown(hit.id, str(hit.fields.get("act", ""))) for hit in found.hits if hit.kind == "record"]
    async with viewing(request) as session:
        await note_credit_read(session, request.state.viewer, "search", search.text[:200], records=shown)
    return found


async def _as_registered(request: Request, found: Found, kinds: tuple[str, ...]) -> Found:
    """Without hits of these kinds that the viewer may not see: the index may lag behind a correction or a withdrawal,
    and the register has the last word."""
    ids = {kind: [hit.id for hit in found.hits if hit.kind == kind] for kind in kinds}
    if not any(ids.values()):
        return found
    seen: set[tuple[str, int]] = set()
    async with viewing(request) as session:
        for kind, some in ids.items():
            if some:
                seen |= {(kind, row["id"]) for row in await rows(session, _SEEN[kind], ids=some)}
    kept = tuple(hit for hit in found.hits if hit.kind not in kinds or (hit.kind, hit.id) in seen)
    dropped = len(found.hits) - len(kept)
    return replace(found, hits=kept, total=found.total - dropped) if dropped else found
