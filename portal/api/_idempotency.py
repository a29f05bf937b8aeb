"""Idempotent answers: the same key with the same request gets the same answer, and the work is done once."""

import hashlib
from collections.abc import Awaitable, Callable

from pydantic import BaseModel
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.responses import Response

from registry import clock
from registry.errors import Conflict
from registry.reading import first


async def answer_once(
    session: AsyncSession, scope: str, key: str, request: BaseModel, work: Callable[[], Awaitable[BaseModel]]
) -> Response:
    """Do the work and keep its answer, or give the kept one; raises Conflict when the key came with another request."""
    asked = hashlib.sha256(request.model_dump_json().encode()).digest()
    connection = await session.connection()
    # Two requests with one key at once: the second waits here and then finds the answer of the first.
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"idempotency {scope} {key}"}
    )
    kept = await first(
        session,
        "SELECT request_hash, status, body FROM idempotent_answers WHERE key = :key AND scope = :scope",
        key=key,
        scope=scope,
    )
    if kept is not None:
        if bytes(kept["request_hash"]) != asked:
            raise Conflict(
                "This Idempotency-Key came with another request before.",
                where="Idempotency-Key",
                remedy="Take a new key for a new request.",
            )
        return Response(
            bytes(kept["body"]), kept["status"], media_type="application/json", headers={"idempotent-replayed": "true"}
        )
    body = (await work()).model_dump_json().encode()
    await connection.execute(
        text(
            "INSERT INTO idempotent_answers (key, scope, request_hash, status, body, created_at) "
            "VALUES (:key, :scope, :hash, 200, :body, :at)"
        ),
        {"key": key, "scope": scope, "hash": asked, "body": body, "at": clock.now()},
    )
    return Response(body, 200, media_type="application/json")
