"""Cookies: all HttpOnly and for every path; over https Secure, and named __Host- so that no other host can set them."""

from typing import Literal

from starlette.requests import Request
from starlette.responses import Response


def cookie_name(request: Request, name: str) -> str:
    """The name a cookie has for this request: a first installation without a certificate has plain ones."""
    return f"__Host-{name}" if request.url.scheme == "https" else name


def read_cookie(request: Request, name: str) -> str:
    """Its value; empty where the browser sent none."""
    return request.cookies.get(cookie_name(request, name), "")


def set_cookie(
    request: Request,
    answer: Response,
    name: str,
    value: str,
    *,
    samesite: Literal["lax", "strict"] = "strict",
    max_age: int | None = None,
) -> None:
    """Give the browser a cookie with an answer."""
    secure = request.url.scheme == "https"
    answer.set_cookie(
        cookie_name(request, name), value, max_age=max_age, secure=secure, httponly=True, samesite=samesite
    )


def drop_cookie(request: Request, answer: Response, name: str) -> None:
    """Take a cookie from the browser."""
    answer.delete_cookie(cookie_name(request, name), secure=request.url.scheme == "https", httponly=True)
