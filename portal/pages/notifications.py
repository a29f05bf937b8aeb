"""How one is told: mail at once or in a digest, set on the page of one's account; and one's Atom feed."""

from fastapi import APIRouter
from feedgen.feed import FeedGenerator  # type: ignore[import-untyped]  # it has no stubs
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.language import LANGUAGES, _, as_language, speaking
from portal.pages.account import again
from portal.rendering import render
from portal.signing import carry_out, field
from portal.viewing import viewing
from registry import clock
from registry.alerting.wishes import end_feed, read_feed, renew_feed, set_wish
from registry.alerting.wording import Told
from registry.errors import NotAllowed
from registry.settings import settings
from registry.viewers import Viewer

router = APIRouter()


@router.post("/account/notifications")
async def notifications(request: Request) -> Response:
    """Set how one is told."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        await set_wish(session, viewer, field(form, "mail"), warnings=field(form, "warnings") == "yes")
        return RedirectResponse("/account#notifications", 303)

    return await carry_out(request, work, lambda _form, error: again(request, error))


@router.post("/account/feed")
async def feed_address(request: Request) -> Response:
    """A new secret address, shown this once; or none any more."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        if not viewer.permissions:
            raise NotAllowed("Set up your account first.")
        if field(form, "act") == "end":
            await end_feed(session, viewer)
            return RedirectResponse("/account#notifications", 303)
        secret = await renew_feed(session, viewer, clock.now())
        base = settings().public_url or str(request.base_url).rstrip("/")
        return render(request, "shown_once.html", key=f"{base}/feeds/{secret}", go_on="/account#notifications")

    return await carry_out(request, work, lambda _form, error: again(request, error))


@router.get("/feeds/{secret}")
async def feed(request: Request, secret: str) -> Response:
    """A person's Atom feed under its secret address; it holds nothing confidential, and is for no cache."""
    async with viewing(request) as session:
        _viewer, language, told = await read_feed(session, secret, clock.now())
    return Response(
        _atom(told, language, settings().public_url or str(request.base_url).rstrip("/")),
        media_type="application/atom+xml",
        headers={"cache-control": "private, no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex"},
    )


def _atom(told: list[Told], language: str, base: str) -> bytes:
    spoken = as_language(language) or "zh"
    with speaking(spoken):
        title = _("三道闸门：给我的通知")
    written = FeedGenerator()
    # Not the feed's own address: whoever shares an entry shall not share that.
    written.id("urn:threegates:notifications")
    written.title(title)
    written.language(LANGUAGES[spoken][1])
    written.link(href=f"{base}/alerts", rel="alternate")
    written.author(name="threegates")
    written.updated(max((one.at for one in told), default=clock.now()))
    for one in told:
        entry = written.add_entry()
        entry.id(f"urn:threegates:announcement:{one.announcement_id}")
        entry.title(one.title)
        entry.updated(one.at)
        entry.link(href=one.link(base))
        entry.summary(one.line or one.title)
    return bytes(written.atom_str(pretty=True))
