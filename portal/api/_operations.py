"""What every operation of the API does beside its own work: admits callers by scope, tells ETags, pages and ends.

The scope that an operation needs stands once, in the `security` of its description (`needs`), and is enforced from
there.
"""

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any, Final

import orjson
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from portal.api._deprecations import DEPRECATED
from portal.security import comes_from_here
from portal.viewing import KeyNeeded, recognise
from registry.database import transaction
from registry.errors import NotAllowed
from registry.roles import SCOPES, Permission
from registry.viewers import PUBLIC, Viewer

# The schemes of the description by which somebody is known.
KEY_SCHEME: Final = "key"
COOKIE_SCHEME: Final = "sign_in"
UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class ScopeMissing(NotAllowed):
    """The key was not given what the operation needs."""

    title = "The key lacks a scope"

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__(
            f"This key lacks the scope “{scope}”.",
            where=scope,
            remedy="Use a key that has it, or ask your administrator for one; what is public is read without a key.",
        )


def needs(*scopes: str, public: bool = False) -> dict[str, Any]:
    """The `openapi_extra` of an operation: one of the scopes for keys, of their permissions for people; or nobody."""
    for scope in scopes:
        if scope not in SCOPES:
            raise ValueError(f"There is no scope {scope}.")
    anybody: list[dict[str, list[str]]] = [{}] if public else []
    permissions = sorted(frozenset[Permission]().union(*(SCOPES[scope] for scope in scopes)))
    return {"security": [*anybody, *({KEY_SCHEME: [scope]} for scope in scopes), {COOKIE_SCHEME: permissions}]}


class Operation(APIRoute):
    """A route of the API."""

    @property
    def is_public(self) -> bool:
        """Whether it answers the public too."""
        return {} in self._security()

    @property
    def scopes(self) -> list[str]:
        """The scopes of which a key needs one, the usual one first."""
        return [one[KEY_SCHEME][0] for one in self._security() if KEY_SCHEME in one]

    def _security(self) -> list[dict[str, list[str]]]:
        found: list[dict[str, list[str]]] = (self.openapi_extra or {}).get("security", [])
        if not any(KEY_SCHEME in one for one in found):
            raise ValueError(f"{self.path} names no scope: openapi_extra=needs(…).")
        return found

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Around the work itself: before it the caller is admitted, after it the answer gets its headers."""
        work = super().get_route_handler()
        paged = "next_cursor" in getattr(self.response_model, "model_fields", {})

        async def handle(request: Request) -> Response:
            await self.admit(request)
            answer = await work(request)
            if request.method in ("GET", "HEAD") and answer.status_code == 200:
                if paged:
                    _tell_next_page(request, answer)
                answer = _tell_tag(request, answer)
            if ending := DEPRECATED.get((request.method, self.path)):
                for name, value in ending.headers().items():
                    answer.headers.append(name, value)
            return answer

        return handle

    async def caller(self, request: Request) -> Viewer:
        """Who calls."""
        if "authorization" not in request.headers and not request.cookies:
            return PUBLIC
        async with transaction() as session:
            return await recognise(request, session)

    async def admit(self, request: Request) -> None:
        """Recognise the caller and refuse who may not; whoever was admitted stands in `request.state.recognised`."""
        viewer = await self.caller(request)
        request.state.recognised = viewer
        if viewer.kind == "public" and not self.is_public:
            raise KeyNeeded(
                "This needs a key.", remedy="Send “Authorization: Bearer KEY”; see docs/api.md for the key."
            )
        if viewer.kind == "key" and viewer.scopes.isdisjoint(self.scopes):
            raise ScopeMissing(self.scopes[0])
        if not self.is_public:
            _require_one(viewer, frozenset[Permission]().union(*(SCOPES[scope] for scope in self.scopes)))
        if viewer.kind == "person" and request.method in UNSAFE and comes_from_here(request) is not True:
            raise NotAllowed(
                "A change with a sign-in's cookie must come from a page of this register.",
                where="Origin",
                remedy="Send it from a page of this register, or with a key in Authorization.",
            )


def _require_one(viewer: Viewer, permissions: frozenset[Permission]) -> None:
    """Refuse a person without the permission, and a key whose organisation may not do it."""
    if not viewer.permissions & permissions:
        viewer.require(min(permissions))


def _tell_next_page(request: Request, answer: Response) -> None:
    cursor = orjson.loads(bytes(answer.body))["next_cursor"]
    if cursor:
        address = request.url.include_query_params(cursor=cursor)
        answer.headers.append("link", f'<{address.path}?{address.query}>; rel="next"')


def _tell_tag(request: Request, answer: Response) -> Response:
    """The answer with its ETag, or 304 where the caller has it already; kept by nobody else where it is not public.

    The tag is of the JSON, the same whether it is compressed or not: there are no ranges that could mix the two.
    """
    digest = hashlib.blake2b(bytes(answer.body), digest_size=12).hexdigest()
    state = getattr(request.state, "project_state", "")
    tag = f'"{state}-{digest}"' if state else f'"{digest}"'
    public = request.state.recognised.kind == "public"
    headers = {
        "etag": tag,
        "cache-control": "no-cache" if public else "no-store",
        "vary": "Authorization, Cookie, Accept-Language",
    }
    answer.headers.update(headers)
    if tag in tags(request.headers.get("if-none-match", "")) or request.headers.get("if-none-match", "").strip() == "*":
        kept = {name: answer.headers[name] for name in ("link",) if name in answer.headers}
        return Response(status_code=304, headers=headers | kept)
    return answer


def tags(header: str) -> list[str]:
    """The entity tags of a header, the mark of weakness taken off: proxies that compress put it there."""
    return [one.strip().removeprefix("W/") for one in header.split(",") if one.strip()]
