"""The intake's frame: pages without cookies, scripts or third parties; the language stands in the address."""

import secrets
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from portal.language import LANGUAGES, Language, as_language, preferred, speaking
from portal.rendering import environment
from registry.settings import settings

# Only the pages that somebody opened for their script carry one.
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SCRIPT_POLICY: Final = POLICY + "; script-src 'self'; connect-src 'self'"
HEADERS: Final = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "x-robots-tag": "noindex",
}


def language_of(request: Request) -> Language:
    """The language in the address, else the browser's, else the setting's."""
    said = as_language(request.url.path.split("/", 2)[1])
    return said or preferred(request.headers.get("accept-language", "")) or settings().language


def render(
    request: Request, template: str, *, status: int = 200, script: bool = False, size: int = 0, **values: Any
) -> HTMLResponse:
    """A page; `script`: it may run our own script; `size`: it is padded to a multiple of so many bytes."""
    language = language_of(request)
    with speaking(language):
        text = (
            environment()
            .get_template(f"intake/{template}")
            .render(path=request.url.path, home=f"/{language}/", demo=settings().demo, script=script, **values)
        )
    answer = HTMLResponse(padded(text.encode(), size), status)
    answer.headers["content-language"] = LANGUAGES[language][1]
    guard(answer, script=script)
    return answer


def guard(answer: Response, *, script: bool = False) -> None:
    """The headers that every answer has."""
    for name, value in HEADERS.items():
        answer.headers[name] = value
    answer.headers["content-security-policy"] = SCRIPT_POLICY if script else POLICY


def padded(body: bytes, size: int) -> bytes:
    """A page made longer by a comment that nobody sees, to a multiple of `size` bytes."""
    if not size:
        return body
    frame = b"\n<!--%b-->"
    missing = -(len(body) + len(frame) - 2) % size
    return body + frame % secrets.token_hex(missing // 2 + 1).encode()[:missing]
