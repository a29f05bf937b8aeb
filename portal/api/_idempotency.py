"""Idempotent answers: the same key with the same request gets the same answer, and the work is done once."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Header
from pydantic import BaseModel
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from portal.viewing import viewing
from registry import clock
from registry.errors import BadInput, Conflict
from registry.keys import ANSWERS_KEPT
from registry.reading import first
from registry.viewers import Viewer

# What every creation takes: one's own name for this one request.
IdempotencyKey = Annotated[
    str,
    Header(
        min_length=8,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="Your own name for this request, best a UUID. Sent again within 24 hours it gets the same answer.",
        examples=["3f0c2b7e-5f0c-4f0e-9b0a-7d1f5f3a9c11"],
    ),
]
# Beside the answer: it was given before, and nothing was done again.
REPLAYED: Final = "idempotent-replayed"


class AnswerUnderWay(Conflict):
    """The first request with this key is still being worked on."""

    title = "The first request is still under way"


async def answer_request(
    request: Request,
    key: str,
    body: BaseModel,
    work: Callable[[AsyncSession, Viewer], Awaitable[BaseModel]],
) -> Response:
    """`answer_once` for a whole request, in a transaction of its own as the caller."""
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        operation = f"{request.method} {request.url.path}"
        return await answer_once(session, viewer, operation, key, body, lambda: work(session, viewer))


async def answer_once(
    session: AsyncSession,
    viewer: Viewer,
    operation: str,
    key: str,
    request: BaseModel,
    work: Callable[[], Awaitable[BaseModel]],
) -> Response:
    """Do the work and keep its answer for a day, or give the kept one.

    Keys are the caller's own, and one operation's. Raises BadInput when the key came with another request before,
    AnswerUnderWay while the first request with it is being worked on.
    """
    scope = f"{operation} {viewer.kind} {viewer.key_id or viewer.account_id}"
    asked = hashlib.sha256(request.model_dump_json().encode()).digest()
    connection = await session.connection()
    held = await connection.scalar(
        text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"idempotency {scope} {key}"}
    )
    if not held:
        raise AnswerUnderWay(
            "A request with this Idempotency-Key is still under way.",
            where="Idempotency-Key",
            remedy="Send it again in a moment to get its answer.",
        )
    now = clock.now()
    kept = await first(
        session,
        "SELECT request_hash, status, body FROM idempotent_answers "
        "WHERE key = :key AND scope = :scope AND created_at > :oldest",
        key=key,
        scope=scope,
        oldest=now - ANSWERS_KEPT,
    )
    if kept is not None:
        if bytes(kept["request_hash"]) != asked:
            raise BadInput(
                "This Idempotency-Key came with another request before.",
                where="Idempotency-Key",
                remedy="Take a new key for a new request.",
            )
        return Response(bytes(kept["body"]), kept["status"], media_type="application/json", headers={REPLAYED: "true"})
    body = (await work()).model_dump_json().encode()
    await connection.execute(
        text(
            "INSERT INTO idempotent_answers (key, scope, request_hash, status, body, created_at) "
            "VALUES (:key, :scope, :hash, 200, :body, :at) ON CONFLICT (key, scope) DO UPDATE "
            "SET request_hash = excluded.request_hash, body = excluded.body, created_at = excluded.created_at"
        ),
        {"key": key, "scope": scope, "hash": asked, "body": body, "at": now},
    )
    return Response(body, 200, media_type="application/json")
