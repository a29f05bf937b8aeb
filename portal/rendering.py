"""The frame: one environment of templates, one `render`, the language of a request."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import ChainableUndefined, ChoiceLoader, Environment, FileSystemLoader, PackageLoader, PrefixLoader
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from portal import units
from portal.cookies import read_cookie, set_cookie
from portal.language import (
    LANGUAGES,
    Language,
    _,
    _n,
    as_language,
    current_language,
    preferred,
    speaking,
)
from portal.layers import Layer
from portal.navigation import navigation
from portal.security import FORM_COOKIE, form_token
from portal.words import choices, reason_words, rule_choices, rule_plain, rule_title, word, words
from registry.settings import settings
from registry.viewers import PUBLIC, Viewer

TEMPLATES: Final = Path(__file__).with_name("templates")
STATIC: Final = Path(__file__).with_name("static")
LANGUAGE_COOKIE: Final = "threegates_language"
_YEAR_IN_SECONDS: Final = 365 * 24 * 3600


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates with their words, units and the design system's macros."""
    made = Environment(
        loader=ChoiceLoader(
            [
                FileSystemLoader(TEMPLATES),
                PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
            ]
        ),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=ChainableUndefined,  # the design system's macros ask for parameters that were not given
    )
    made.globals.update(
        _=_,
        _n=_n,
        word=word,
        words=words,
        choices=choices,
        reason_words=reason_words,
        rule_choices=rule_choices,
        rule_plain=rule_plain,
        rule_title=rule_title,
        language=current_language,
        languages=LANGUAGES,
        static=static_address,
    )
    made.filters.update(
        day=units.day,
        instant=units.instant,
        number=units.number,
        area=units.area,
        highlighted=highlighted,
    )
    made.globals.update(quantity=units.quantity, period=units.period)
    return made


@lru_cache(maxsize=64)
def static_address(name: str) -> str:
    """The address of a static file, with its time of change so that browsers may keep it."""
    return f"/static/{name}?v={int((STATIC / name).stat().st_mtime)}"


def highlighted(fragment: str) -> Markup:
    """A search fragment whose hits stand between \\ue000 and \\ue001, escaped, with the hits marked."""
    return Markup(  # noqa: S704  # escaped on the same line before the marks are put in
        str(Markup.escape(fragment)).replace("\ue000", "<mark>").replace("\ue001", "</mark>")
    )


def choose_language(request: Request) -> Language:
    """The language of a request: the address's, the cookie's, the browser's, the setting's."""
    chosen = getattr(request.state, "language", None)
    if chosen is None:
        chosen = (
            as_language(request.query_params.get("lang"))
            or as_language(read_cookie(request, LANGUAGE_COOKIE))
            or preferred(request.headers.get("accept-language", ""))
            or settings().language
        )
        request.state.language = chosen
    language: Language = chosen
    return language


class LanguageOfRequest(Layer):
    """Speaks the request's language while it is answered."""

    async def around(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set the language around the request."""
        with speaking(choose_language(Request(scope))):
            await self.app(scope, receive, send)


def address_with(request: Request, **changes: str | None) -> str:
    """This page's address with some query parameters changed; None takes one away."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in changes]
    kept += [(name, value) for name, value in changes.items() if value is not None]
    return request.url.path + (f"?{urlencode(kept)}" if kept else "")


def render(
    request: Request, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """A page inside the frame, in the request's language; `values` are what its template shows."""
    language = choose_language(request)
    viewer: Viewer = getattr(request.state, "viewer", PUBLIC)
    intake = settings().intake_address
    with speaking(language):
        bar, beside = navigation(viewer, request.url.path, getattr(request.state, "waiting", {}), intake)
        text = (
            environment()
            .get_template(template)
            .render(
                request=request,
                path=request.url.path,
                viewer=viewer,
                audience=viewer.audience,
                bar=bar,
                beside=beside,
                demo=getattr(request.state, "demo", False),
                intake=intake,
                form_token=form_token(request),
                address_with=lambda **changes: address_with(request, **changes),
                **values,
            )
        )
    answer = HTMLResponse(text, status_code=status, headers=dict(headers or {}))
    answer.headers["content-language"] = LANGUAGES[language][1]
    answer.headers["vary"] = "Cookie, Accept-Language"
    if as_language(request.query_params.get("lang")):
        set_cookie(request, answer, LANGUAGE_COOKIE, language, samesite="lax", max_age=_YEAR_IN_SECONDS)
    if read_cookie(request, FORM_COOKIE) != request.state.form_token:
        set_cookie(request, answer, FORM_COOKIE, request.state.form_token)
    return answer
