"""Signing in with a password and a code: one answer for whatever is wrong, and a pause after too many failures."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.auditing import audit
from registry.one_time_codes import hash_of_recovery_code, opened_secret, step_of_code
from registry.passwords import fits, hash_password, is_outdated
from registry.reading import Row, first, rows
from registry.sign_ins import begin_sign_in
from registry.viewers import Viewer

# After so many failures each further one doubles the pause, up to the longest: guessing slows, nobody is shut out.
FREE_FAILURES: Final = 5
FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(minutes=15)
# A password that somebody else made is good for so long.
ONE_TIME_PASSWORD_LASTS: Final = timedelta(days=7)

_ACCOUNT: Final = """
SELECT a.*, o.ended_at AS organisation_ended_at FROM accounts AS a JOIN organisations AS o ON o.id = a.organisation_id
WHERE a.login = :login FOR UPDATE OF a
"""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in that was taken: the account and the secret for the cookie."""

    account_id: int
    login: str
    secret: str


async def sign_in(
    session: AsyncSession, login: str, password: str, code: str, device: str, now: datetime
) -> SignedIn | None:
    """A new session for the right login, password and code; else None, whatever was wrong.

    The transaction must be kept in both cases: a refusal counts and stands in the audit.
    """
    account = await first(session, _ACCOUNT, login=login)
    # The password is always checked: neither an unknown login nor a pause answers sooner.
    right = await fits(account["password_hash"] if account else "", password)
    if account is None:
        await _note_refusal(session, login, "unknown login")
        return None
    locked = account["locked_until"] is not None and account["locked_until"] > now
    why = "locked" if locked else _why_not(account, right=right, now=now)
    if not why and not await _second_factor(session, account, code, now):
        why = "code"
    if why:
        if not locked:
            await _count_failure(session, account, now)
        await _note_refusal(session, account["login"], why, account["organisation_id"])
        return None
    await (await session.connection()).execute(
        text("UPDATE accounts SET failures = 0, locked_until = NULL, state = 'active' WHERE id = :id"),
        {"id": account["id"]},
    )
    if is_outdated(account["password_hash"]):
        await (await session.connection()).execute(
            text("UPDATE accounts SET password_hash = :hash WHERE id = :id"),
            {"hash": await hash_password(password), "id": account["id"]},
        )
    return await begin(session, account, "password", device, now)


async def begin(session: AsyncSession, account: Row, method: str, device: str, now: datetime) -> SignedIn:
    """Begin a session of an account that has proved itself, and note it."""
    secret = await begin_sign_in(session, account["id"], method, device, now)
    viewer = Viewer("person", account["id"], actor=account["login"], organisation_id=account["organisation_id"])
    await audit(session, viewer, "sign_in.begin", "account", str(account["id"]), after={"method": method})
    return SignedIn(account["id"], account["login"], secret)


def _why_not(account: Row, *, right: bool, now: datetime) -> str:
    if not right:
        return "password"
    if account["state"] == "ended" or account["organisation_ended_at"] is not None:
        return "ended"
    set_at = account["password_set_at"]
    if account["must_change_password"] and (set_at is None or set_at + ONE_TIME_PASSWORD_LASTS < now):
        return "one-time password too old"
    return ""


async def _second_factor(session: AsyncSession, account: Row, code: str, now: datetime) -> bool:
    if account["totp_sealed"] is None:
        return True
    secret = opened_secret(bytes(account["totp_sealed"]), account["id"])
    step = step_of_code(secret, code, now, account["totp_last_step"]) if secret else None
    if step is not None:
        await (await session.connection()).execute(
            text("UPDATE accounts SET totp_last_step = :step WHERE id = :id"), {"step": step, "id": account["id"]}
        )
        return True
    used = await rows(
        session,
        "UPDATE recovery_codes SET used_at = :now WHERE account_id = :id AND code_hash = :hash AND used_at IS NULL "
        "RETURNING id",
        now=now,
        id=account["id"],
        hash=hash_of_recovery_code(code),
    )
    return bool(used)


async def _count_failure(session: AsyncSession, account: Row, now: datetime) -> None:
    failures = account["failures"] + 1
    over = failures - FREE_FAILURES
    until = None if over < 0 else now + min(FIRST_PAUSE * 2 ** min(over, 10), LONGEST_PAUSE)
    await (await session.connection()).execute(
        text("UPDATE accounts SET failures = :failures, locked_until = :until WHERE id = :id"),
        {"failures": failures, "until": until, "id": account["id"]},
    )


async def _note_refusal(session: AsyncSession, login: str, why: str, organisation_id: str = "") -> None:
    # Somebody may type a password where the login goes: of unknown ones only the length is kept.
    known = why != "unknown login"
    viewer = Viewer("sign_in", actor=login if known else "", organisation_id=organisation_id)
    after = None if known else {"characters": len(login)}
    await audit(session, viewer, "sign_in.refuse", "account", login if known else "", why=why, after=after)
