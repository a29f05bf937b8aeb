"""Sessions of browsers: begun at sign-in, seen while used, ended by their owner, an administrator or time."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.accounts import IDLE
from registry.auditing import audit
from registry.errors import BadInput, NotFound
from registry.reading import Row, rows
from registry.viewers import Viewer

LONGEST: Final = timedelta(hours=8)
SHORTEST_PURPOSE: Final = 4
LONGEST_PURPOSE: Final = 200
_SEEN_EVERY: Final = timedelta(minutes=1)


def hash_of_secret(secret: str) -> bytes:
    """The hash under which a sign-in is known, as portal.viewing reckons it."""
    return hashlib.sha256(secret.encode()).digest()


async def begin_sign_in(session: AsyncSession, account_id: int, method: str, device: str, now: datetime) -> str:
    """A new session of an account; returns the secret for the browser's cookie, which is kept nowhere."""
    secret = secrets.token_urlsafe(32)
    await (await session.connection()).execute(
        text(
            "INSERT INTO sign_ins (account_id, secret_hash, method, device, began_at, seen_at, ends_at) "
            "VALUES (:account, :hash, :method, :device, :now, :now, :ends)"
        ),
        {
            "account": account_id,
            "hash": hash_of_secret(secret),
            "method": method,
            "device": device,
            "now": now,
            "ends": now + LONGEST,
        },
    )
    return secret


async def keep_awake(session: AsyncSession, sign_in_id: int, now: datetime) -> None:
    """Note that a session is used, once a minute; a second request at that moment does not wait."""
    await (await session.connection()).execute(
        text(
            "UPDATE sign_ins SET seen_at = :now WHERE id = ("
            "SELECT id FROM sign_ins WHERE id = :id AND seen_at < :before FOR UPDATE SKIP LOCKED)"
        ),
        {"id": sign_in_id, "now": now, "before": now - _SEEN_EVERY},
    )


async def say_purpose(session: AsyncSession, viewer: Viewer, purpose: str) -> None:
    """Note what the viewer reads credit for during this sign-in; it stands in the audit, here and with each reading."""
    said = " ".join(purpose.replace("\x00", "").split())
    if not SHORTEST_PURPOSE <= len(said) <= LONGEST_PURPOSE:
        raise BadInput(
            f"The purpose is said in {SHORTEST_PURPOSE} to {LONGEST_PURPOSE} characters.",
            where="purpose",
            remedy="Name the task or the file that the credit is read for.",
        )
    await (await session.connection()).execute(
        text("UPDATE sign_ins SET purpose = :said WHERE id = :id"), {"said": said, "id": viewer.sign_in_id}
    )
    await audit(session, viewer, "credit.state_purpose", "account", str(viewer.account_id), why=said)


async def open_sign_ins(session: AsyncSession, account_id: int, now: datetime) -> list[Row]:
    """The sessions of an account that still hold, newest first: id, method, device, began_at, seen_at, ends_at."""
    return await rows(
        session,
        "SELECT id, method, device, began_at, seen_at, ends_at FROM sign_ins "
        "WHERE account_id = :account AND revoked_at IS NULL AND ends_at > :now AND seen_at > :idle ORDER BY id DESC",
        account=account_id,
        now=now,
        idle=now - IDLE,
    )


async def end_sign_in(session: AsyncSession, viewer: Viewer, account_id: int, sign_in_id: int, now: datetime) -> None:
    """End one session of an account; raises NotFound where it has none such."""
    ended = await end_sign_ins(session, viewer, account_id, now, only=sign_in_id)
    if not ended:
        raise NotFound("There is no such sign-in.")


async def end_sign_ins(
    session: AsyncSession,
    viewer: Viewer,
    account_id: int,
    now: datetime,
    *,
    only: int | None = None,
    but: int | None = None,
) -> int:
    """End the sessions of an account, all, only one, or all but one; returns how many."""
    ended = await rows(
        session,
        "UPDATE sign_ins SET revoked_at = :now, revoked_by = :actor WHERE account_id = :account "
        "AND revoked_at IS NULL AND (CAST(:only AS bigint) IS NULL OR id = :only) "
        "AND (CAST(:but AS bigint) IS NULL OR id <> :but) RETURNING id",
        now=now,
        actor=viewer.actor,
        account=account_id,
        only=only,
        but=but,
    )
    if ended:
        after = {"ended": [one["id"] for one in ended]}
        await audit(session, viewer, "sign_in.end", "account", str(account_id), after=after)
    return len(ended)
