"""What the pages of people share: the cookie of a sign-in, forms of people, the way to the sign-in and back."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.cookies import drop_cookie, set_cookie
from portal.error_words import in_reader_language
from portal.rendering import render
from portal.security import FORM_COOKIE, check_form_token
from portal.viewing import SIGN_IN_COOKIE, viewing
from registry.errors import BadInput, Conflict, NotAllowed, NotFound, ThreegatesError
from registry.viewers import Viewer

MOST_FIELDS = 320
# Twice as long once it is encoded, and servers between here and the reader cut lines of 8,000 characters.
LONGEST_BACK: Final = 2000
_BROWSERS = ("Edg", "Firefox", "Chrome", "Safari")
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux")

Step = TypeVar("Step")
Work = Callable[[AsyncSession, Viewer, FormData], Awaitable[Response]]


def own_path(back: str) -> str:
    """The path to go back to: one of our own, else the start; never another host, nor the sign-in itself."""
    plain = back.isprintable() and back.startswith("/") and not back.startswith(("//", "/\\")) and "\\" not in back
    if not plain or len(back) > LONGEST_BACK or urlsplit(back).netloc or back.startswith("/sign-"):
        return "/"
    return back


def to_sign_in(request: Request) -> Response:
    """To the sign-in, and from there back to this page."""
    back = own_path(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
    return RedirectResponse(f"/sign-in?{urlencode({'back': back})}" if request.method == "GET" else "/sign-in", 303)


def device_of(request: Request) -> str:
    """The browser and system in words, enough to know one's own again."""
    agent = request.headers.get("user-agent", "")
    browser = next((name for name in _BROWSERS if name in agent), "")
    system = next((name for name in _SYSTEMS if name in agent), "")
    return ", ".join(part for part in ("Edge" if browser == "Edg" else browser, system) if part)


def signed_in(request: Request, secret: str, to: str) -> Response:
    """Go on, signed in; the form token of the time before is not taken along."""
    answer = RedirectResponse(to, 303)
    # Lax, not Strict: whoever comes back from the identity provider would arrive without it.
    set_cookie(request, answer, SIGN_IN_COOKIE, secret, samesite="lax")
    drop_cookie(request, answer, FORM_COOKIE)
    return answer


def field(form: FormData, name: str) -> str:
    """A plain field, trimmed; empty where it is missing or a file."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def number(form: FormData, name: str) -> int | None:
    """A field that names something by its number; None where it is none."""
    text = field(form, name)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def chosen(form: FormData, name: str) -> tuple[str, ...]:
    """All values of a field that may be given several times."""
    return tuple(value for value in form.getlist(name) if isinstance(value, str))


def step_named(steps: Mapping[str, Step], form: FormData) -> Step:
    """What a form's field `step` asks for; BadInput where the page has no such step."""
    step = steps.get(field(form, "step"))
    if step is None:
        raise BadInput("There is no such step.", where="step")
    return step


async def person_form(request: Request) -> FormData:
    """A form that our own page sent; what it holds is checked by whoever takes it."""
    form = await request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=8 * 1024)
    check_form_token(request, form.get("form_token"))
    return form


async def carry_out(
    request: Request,
    work: Work,
    again: Callable[[FormData, ThreegatesError], Awaitable[Response]],
    permission: str = "",
) -> Response:
    """Do what a form asks as the person who sent it; a refusal shows the page `again` with what is wrong."""
    form = await person_form(request)
    try:
        async with viewing(request) as session:
            viewer: Viewer = request.state.viewer
            if viewer.kind != "person":
                return to_sign_in(request)
            if permission == "accounts":
                viewer.require("accounts")
            return await work(session, viewer, form)
    except (BadInput, Conflict, NotAllowed, NotFound) as error:
        if permission and isinstance(error, NotAllowed) and error.where == permission:
            raise
        return await again(form, error)


def errors_of(error: ThreegatesError | None, fields: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    """A refusal at its field, or in general where it belongs to none."""
    if error is None:
        return {}, []
    said = " ".join(part for part in (in_reader_language(error.message), in_reader_language(error.remedy)) if part)
    return ({error.where: said}, []) if error.where in fields else ({}, [said])


def form_page(
    request: Request, template: str, error: ThreegatesError | None, fields: tuple[str, ...], **values: Any
) -> Response:
    """A page with forms, with what a refusal says at its field, and the refusal's status."""
    errors, general = errors_of(error, fields)
    return render(request, template, status=error.status if error else 200, errors=errors, general=general, **values)
