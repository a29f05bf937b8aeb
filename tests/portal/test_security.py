"""The headers that every answer carries, and methods that are not there."""

from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from portal.cookies import drop_cookie, read_cookie, set_cookie
from portal.security import FORM_COOKIE, SecurityHeaders
from portal.viewing import SIGN_IN_COOKIE
from portal.web import Door


async def _answer(path: str, *, scheme: str = "http", method: str = "GET") -> httpx.Response:
    transport = httpx.ASGITransport(app=SecurityHeaders(Door()))
    async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://register") as client:
        return await client.request(method, path)


@pytest.mark.parametrize("path", ["/static/threegates.css", "/static/nothing", "/health/live"])
async def test_every_answer_carries_the_headers(path: str) -> None:
    headers = (await _answer(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]


async def test_pages_and_the_api_are_not_kept_but_files_of_the_design_may_be() -> None:
    assert (await _answer("/health/live")).headers["cache-control"] == "no-store"
    assert "cache-control" not in (await _answer("/static/threegates.css")).headers


async def test_https_is_told_to_stay_and_http_is_not() -> None:
    told = (await _answer("/health/live", scheme="https")).headers["strict-transport-security"]
    assert told == "max-age=31536000; includeSubDomains"
    assert "strict-transport-security" not in (await _answer("/health/live")).headers


async def test_text_says_its_encoding() -> None:
    assert "charset=utf-8" in (await _answer("/static/threegates.css")).headers["content-type"]


def test_trace_is_not_there(portal: str) -> None:
    answer = httpx.request("TRACE", f"{portal}/", trust_env=False)
    assert answer.status_code == 405


def test_over_https_every_cookie_is_secure_and_nobody_else_s() -> None:
    scope: dict[str, Any] = {"type": "http", "path": "/", "headers": [], "query_string": b"", "server": ("a", 1)}
    for scheme in ("https", "http"):
        request, answer = Request(scope | {"scheme": scheme}), Response()
        set_cookie(request, answer, SIGN_IN_COOKIE, "secret", samesite="lax")
        drop_cookie(request, answer, FORM_COOKIE)
        given = answer.headers.getlist("set-cookie")
        assert all("; HttpOnly" in one and "; Path=/" in one for one in given)
        assert {one.startswith("__Host-threegates_") and "; Secure" in one for one in given} == {scheme == "https"}
        sent = [(b"cookie", given[0].partition(";")[0].encode())]
        assert read_cookie(Request(scope | {"scheme": scheme, "headers": sent}), SIGN_IN_COOKIE) == "secret"
    forged = Request(scope | {"scheme": "https", "headers": [(b"cookie", b"threegates_sign_in=x")]})
    assert read_cookie(forged, SIGN_IN_COOKIE) == ""
