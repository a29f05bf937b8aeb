"""What guards every page: response headers, the size of bodies, and forms that only our own pages can send."""

import hmac
import secrets
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from portal.cookies import read_cookie
from portal.layers import Layer, telling
from registry.errors import NotAllowed, ThreegatesError
from registry.settings import settings
from registry.tips.desk_work import LARGEST_SEALED_PART

# No inline script or style anywhere: pages stay safe even where a text was not escaped.
CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
# Only told over https: browsers ignore it elsewhere, and a first installation has no certificate yet.
TRANSPORT_SECURITY: Final = "max-age=31536000; includeSubDomains"
LARGEST_BODY: Final = 2 * 1024 * 1024
# path prefix -> the largest body it takes, where it differs: files of projects, of questions at the gate, and sealed
# parts of reports that their officers sealed again
LARGER_BODIES: Final = {
    **dict.fromkeys(
        ("/projects/import", "/gate-check/batch", "/api/gate-check/batch", "/api/v1/gate-check/batch"),
        16 * 1024 * 1024,
    ),
    "/tip-parts/": LARGEST_SEALED_PART,
}
CASE_FILES: Final = "/case-files/"

FORM_COOKIE: Final = "threegates_form"
FORM_FIELD: Final = "form_token"


class TooLarge(ThreegatesError):
    """The body is larger than this address takes."""

    status = 413
    title = "The body is too large"


class SecurityHeaders(Layer):
    """Adds the headers to every answer."""

    async def around(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add what the answer does not say itself."""

        def tell(headers: MutableHeaders) -> None:
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("content-security-policy", CONTENT_POLICY)
            if not scope["path"].startswith("/static"):
                headers.setdefault("cache-control", "no-store")
            if scope.get("scheme") == "https":
                headers.setdefault("strict-transport-security", TRANSPORT_SECURITY)

        await self.app(scope, receive, telling(send, tell))


class BodyLimit(Layer):
    """Refuses bodies above the limit: by their announced length at once, else as soon as they pass it."""

    async def around(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what is received."""
        limit = _limit_of(scope["path"])
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        received = 0
        too_large = announced.isdigit() and int(announced) > limit

        async def receive_counted() -> Message:
            nonlocal received
            if too_large:
                raise _too_large(limit)
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > limit:
                    raise _too_large(limit)
            return message

        await self.app(scope, receive_counted, send)


def _limit_of(path: str) -> int:
    """The largest body that an address takes; a case's file may be as large as the settings say, and a form around."""
    if path.startswith(CASE_FILES):
        return settings().case_file_megabytes * 2**20 + 64 * 1024
    return next((size for prefix, size in LARGER_BODIES.items() if path.startswith(prefix)), LARGEST_BODY)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The body is larger than {limit // 1024} KiB.", remedy="Send fewer items at once, or split the file."
    )


def form_token(request: Request) -> str:
    """The token of this browser's forms; a new one where it has none (the answer must then set the cookie)."""
    token = getattr(request.state, "form_token", None) or read_cookie(request, FORM_COOKIE)
    if len(token) < 32:
        token = secrets.token_urlsafe(32)
    request.state.form_token = token
    return str(token)


def comes_from_here(request: Request) -> bool | None:
    """Whether a page of this register sent the request, or the reader by hand; None where the browser does not say."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return None if origin is None else urlsplit(origin).netloc == request.headers.get("host", "")


def check_form_token(request: Request, given: object) -> None:
    """Refuse a form that our own page did not make for this browser."""
    kept = read_cookie(request, FORM_COOKIE)
    if (
        comes_from_here(request) is False
        or len(kept) < 32
        or not isinstance(given, str)
        or not hmac.compare_digest(kept.encode(), given.encode())
    ):
        raise NotAllowed(
            "The form was not sent from a page of this register.",
            remedy="Open the page again and send the form once more; cookies must be allowed.",
        )
