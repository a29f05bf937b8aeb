"""Publications as the public reads them: one, its versions, the feed, the table, and how a notice comes to be."""

from typing import Any, Final
from xml.etree import ElementTree

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.choosing import sort_out
from portal.csv_tables import MOST_EXPORTED, csv_table
from portal.language import LANGUAGES, _, current_language
from portal.publication_words import law_of
from portal.rendering import render
from portal.viewing import viewing
from portal.words import word
from registry import clock
from registry.errors import NotFound
from registry.publishing.building import objection_days
from registry.publishing.publication_file import publication_file
from registry.publishing.publication_list import PublicationFilter, PublicationSummary, list_publications
from registry.viewers import NATION
from registry.working_days import is_reckoned, working_day_after

router = APIRouter()

FILTERS: Final = {
    "origin": "publication_origin",
    "kind": "publication_kind",
    "state": "publication_state",
    "sector": "sector",
    "province": "province",
}
COLUMNS: Final = (
    *("reference", "origin", "kind", "state", "title_zh", "title_en", "on_date", "objections_until", "issuer"),
    *("region", "region_name", "sector", "version", "corrected", "withdrawn_reason", "synthetic", "unverified"),
    "address",
)
_ATOM: Final = "http://www.w3.org/2005/Atom"


@router.get("/notices")
async def notices(request: Request, cursor: str = "") -> Response:
    """Everything that is made public, of this register and of others, newest first."""
    asked = {name: (value,) for name in FILTERS if (value := request.query_params.get(name))}
    kept, errors = sort_out(asked, FILTERS)
    chosen = {name: kept.get(name, ("",))[0] for name in FILTERS}
    async with viewing(request) as session:
        page = await list_publications(session, _filter(request, chosen), cursor=cursor)
    return render(request, "notices.html", page=page, chosen=chosen, errors=errors, q=_text(request))


def _text(request: Request) -> str:
    return request.query_params.get("q", "").strip()[:100].replace("\0", "")


def _filter(request: Request, chosen: dict[str, str]) -> PublicationFilter:
    kept: dict[str, Any] = {name: value or None for name, value in chosen.items()}
    return PublicationFilter(**kept, text=_text(request) or None)


@router.get("/publications")
async def publications(request: Request) -> Response:
    """The register's own stand in the one list."""
    return RedirectResponse("/notices?origin=register", 303)


@router.get("/publications/how")
async def how(request: Request) -> Response:
    """How a notice comes to be, and how to object, reply and appeal."""
    today = clock.today()
    async with viewing(request) as session:
        days = await objection_days(session, NATION, today)
    last = working_day_after(today, days)
    return render(request, "publication_how.html", days=days, last=last, reckoned=is_reckoned(last), today=today)


@router.get("/publications/{publication_id:int}")
async def publication(request: Request, publication_id: int) -> Response:
    """What is in force or on display, with the reply of the accused beside it; or the tombstone."""
    async with viewing(request) as session:
        file = await publication_file(session, publication_id, clock.today())
    return render(
        request, "publication.html", file=file, version=file.in_force or file.on_display, law=law_of,
        status=410 if file.withdrawn_at else 200,
    )  # fmt: skip


@router.get("/publications/{publication_id:int}/versions/{version_number:int}")
async def version(request: Request, publication_id: int, version_number: int) -> Response:
    """One version, also one that a later one replaced; of a withdrawn publication none."""
    async with viewing(request) as session:
        file = await publication_file(session, publication_id, clock.today())
    found = next((one for one in file.versions if one.number == version_number), None)
    if found is None:
        raise NotFound("There is no such version, or it was withdrawn.", where="version")
    return render(request, "publication.html", file=file, version=found, law=law_of)


async def _all(request: Request) -> list[PublicationSummary]:
    asked = {name: (value,) for name in FILTERS if (value := request.query_params.get(name))}
    kept, _errors = sort_out(asked, FILTERS)
    chosen = {name: kept.get(name, ("",))[0] for name in FILTERS}
    async with viewing(request) as session:
        return (await list_publications(session, _filter(request, chosen), limit=MOST_EXPORTED)).items


@router.get("/publications.csv")
async def table(request: Request) -> Response:
    """The list as a table; texts that a spreadsheet would take for formulas are marked as texts."""
    return csv_table("publications.csv", COLUMNS, await _all(request))


@router.get("/publications.atom")
async def feed(request: Request) -> Response:
    """The newest of the register's own publications as an Atom feed, tombstones included."""
    async with viewing(request) as session:
        items = (await list_publications(session, PublicationFilter(origin="register"), limit=50)).items
    base = str(request.base_url).rstrip("/")
    ElementTree.register_namespace("", _ATOM)
    root = ElementTree.Element(
        f"{{{_ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": LANGUAGES[current_language()][1]}
    )
    changed = [one.changed_at for one in items if one.changed_at]
    for tag, said in (
        ("title", _("三道闸门：公示与公告")),
        ("id", f"{base}/publications.atom"),
        ("updated", (max(changed) if changed else clock.now()).isoformat()),
    ):
        ElementTree.SubElement(root, f"{{{_ATOM}}}{tag}").text = said
    ElementTree.SubElement(root, f"{{{_ATOM}}}link", {"rel": "self", "href": f"{base}/publications.atom"})
    for one in items:
        entry = ElementTree.SubElement(root, f"{{{_ATOM}}}entry")
        title = one.title_zh if current_language() == "zh" else one.title_en
        state = word("publication_state", one.state)
        for tag, said in (
            ("title", f"{state}{_('：')}{title or one.reference}"),
            ("id", f"{base}{one.address}"),
            ("updated", one.changed_at.isoformat() if one.changed_at else ""),
            ("summary", one.withdrawn_reason or word("publication_kind", one.kind)),
        ):
            ElementTree.SubElement(entry, f"{{{_ATOM}}}{tag}").text = said
        ElementTree.SubElement(ElementTree.SubElement(entry, f"{{{_ATOM}}}author"), f"{{{_ATOM}}}name").text = (
            one.issuer or "threegates"
        )
        ElementTree.SubElement(entry, f"{{{_ATOM}}}link", {"href": f"{base}{one.address}"})
    return Response(
        ElementTree.tostring(root, encoding="utf-8", xml_declaration=True),
        media_type="application/atom+xml",
        headers={"cache-control": "no-store"},
    )
