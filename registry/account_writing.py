"""Changing accounts: made by an administrator, set up by their owner, ended with everything open handed over."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import clock
from registry.auditing import audit
from registry.errors import BadInput, Conflict, NotFound
from registry.handover import hand_over, open_work
from registry.one_time_codes import (
    hash_of_recovery_code,
    new_recovery_codes,
    new_secret,
    opened_secret,
    sealed_secret,
    step_of_code,
)
from registry.passwords import check_new_password, fits, hash_password, one_time_password
from registry.reading import Row, first
from registry.sign_ins import end_sign_ins
from registry.tips.desk_keys import end_keys_of
from registry.viewers import NATION, Viewer

_LOGIN: Final = re.compile(r"[a-z][a-z0-9._-]{2,39}")
INVITATION_LASTS: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What an administrator says of a person."""

    login: str
    name: str
    organisation_id: str
    region: str = ""
    email: str = ""
    language: str = "zh"
    invented: bool = False


async def account_of(session: AsyncSession, account_id: int) -> Row:
    """The row of an account that the viewer may see; raises NotFound."""
    found = await first(session, "SELECT * FROM accounts WHERE id = :id", id=account_id)
    if found is None:
        raise NotFound("There is no such account.")
    return found


async def create_account(
    session: AsyncSession, viewer: Viewer, new: NewAccount, now: datetime, *, password: str | None = None
) -> tuple[int, str]:
    """A new account; returns its number and its one-time password, to be told once.

    With `password` (the demo) the account is ready at once and that password stays.
    """
    viewer.require("accounts")
    if not _LOGIN.fullmatch(new.login):
        raise BadInput(
            "A login name has 3 to 40 characters: small letters, digits, dot, hyphen.",
            where="login",
            remedy="Begin with a letter.",
        )
    if not new.name.strip():
        raise BadInput("The name is missing.", where="name")
    organisation = await first(
        session,
        "SELECT id, region FROM organisations WHERE id = :id AND ended_at IS NULL",
        id=new.organisation_id,
    )
    if organisation is None:
        raise BadInput("There is no such organisation.", where="organisation_id")
    region = new.region or organisation["region"]
    if not await lies_within(session, region, organisation["region"]):
        raise BadInput("The region does not lie within the organisation's.", where="region")
    if await first(session, "SELECT 1 AS one FROM accounts WHERE login = :login", login=new.login):
        raise Conflict("This login name is taken.", where="login")
    given = password or one_time_password()
    row = await first(
        session,
        "INSERT INTO accounts (login, name, email, organisation_id, region, language, state, password_hash, "
        "password_set_at, must_change_password, invented, created_at) VALUES (:login, :name, :email, :organisation, "
        ":region, :language, :state, :hash, :now, :must, :invented, :now) RETURNING id",
        login=new.login,
        name=new.name.strip(),
        email=new.email.strip(),
        organisation=new.organisation_id,
        region=region,
        language=new.language,
        state="invited" if password is None else "active",
        hash=await hash_password(given),
        now=now,
        must=password is None,
        invented=new.invented,
    )
    assert row is not None  # noqa: S101  # RETURNING gives the one row
    after = {"login": new.login, "organisation": new.organisation_id, "region": region}
    await audit(session, viewer, "account.create", "account", str(row["id"]), after=after)
    return int(row["id"]), given


async def lies_within(session: AsyncSession, inner: str, outer: str) -> bool:
    """Whether a region's code is another's or lies within it."""
    if inner == outer or outer == NATION:
        return bool(re.fullmatch(r"\d{6}", inner))
    return bool(
        await first(
            session,
            "SELECT 1 AS one FROM region_within WHERE outer_code = :outer AND inner_code = :inner",
            outer=outer,
            inner=inner,
        )
    )


async def change_password(
    session: AsyncSession, viewer: Viewer, old: str, new: str, now: datetime, *, keep: int | None
) -> None:
    """The viewer's own password; all other sign-ins end, `keep` is the one at hand."""
    account = await account_of(session, viewer.account_id or 0)
    if not await fits(account["password_hash"], old):
        raise BadInput("The present password is not right.", where="old_password")
    check_new_password(new, account["login"], account["name"], account["email"].partition("@")[0])
    if new == old:
        raise BadInput("The new password is the present one.", where="new_password")
    await _set(
        session,
        account["id"],
        "password_hash = :hash, password_set_at = :now, must_change_password = false",
        hash=await hash_password(new),
        now=now,
    )
    await end_sign_ins(session, viewer, account["id"], now, but=keep)
    await audit(session, viewer, "account.change_password", "account", str(account["id"]))


async def reset_account(session: AsyncSession, viewer: Viewer, account_id: int, why: str, now: datetime) -> str:
    """A one-time password in place of password, one-time code and recovery codes; returns it, to be told once."""
    viewer.require("accounts")
    account = await _of_another(session, viewer, account_id)
    given = one_time_password()
    await _set(
        session,
        account_id,
        "password_hash = :hash, password_set_at = :now, must_change_password = true, totp_sealed = NULL, "
        "totp_pending = NULL, failures = 0, locked_until = NULL",
        hash=await hash_password(given),
        now=now,
    )
    await _forget_recovery_codes(session, account_id)
    await end_sign_ins(session, viewer, account_id, now)
    await audit(session, viewer, "account.reset", "account", str(account["id"]), why=why)
    return given


async def unlock_account(session: AsyncSession, viewer: Viewer, account_id: int) -> None:
    """Take away the pause after failures."""
    viewer.require("accounts")
    account = await account_of(session, account_id)
    await _set(session, account_id, "failures = 0, locked_until = NULL")
    before = {"failures": account["failures"]}
    await audit(session, viewer, "account.unlock", "account", str(account_id), before=before)


async def invite(session: AsyncSession, viewer: Viewer, account_id: int, now: datetime) -> str:
    """A one-time invitation to link the account with an identity of the provider; returns it, to be told once."""
    viewer.require("accounts")
    await _of_another(session, viewer, account_id)
    token = secrets.token_urlsafe(32)
    await _set(
        session,
        account_id,
        "invitation_hash = :hash, invitation_ends = :ends",
        hash=hashlib.sha256(token.encode()).digest(),
        ends=now + INVITATION_LASTS,
    )
    await audit(session, viewer, "account.invite", "account", str(account_id))
    return token


async def begin_codes(session: AsyncSession, viewer: Viewer, *, anew: bool = False) -> str:
    """The secret that the viewer is setting up: the one shown before, or a new one."""
    account = await account_of(session, viewer.account_id or 0)
    if not anew and account["totp_pending"] is not None:
        opened = opened_secret(bytes(account["totp_pending"]), account["id"])
        if opened is not None:
            return opened
    secret = new_secret()
    await _set(session, account["id"], "totp_pending = :sealed", sealed=sealed_secret(secret, account["id"]))
    return secret


async def confirm_codes(session: AsyncSession, viewer: Viewer, code: str, now: datetime) -> list[str]:
    """Take the shown secret into use by its first code; returns new recovery codes, to be shown once."""
    account = await account_of(session, viewer.account_id or 0)
    pending = account["totp_pending"]
    secret = opened_secret(bytes(pending), account["id"]) if pending is not None else None
    step = step_of_code(secret, code, now, account["totp_last_step"]) if secret else None
    if step is None:
        raise BadInput(
            "This code is not right.", where="code", remedy="Check the clock of the device; take the next code."
        )
    await _set(
        session, account["id"], "totp_sealed = totp_pending, totp_pending = NULL, totp_last_step = :step", step=step
    )
    await audit(session, viewer, "account.set_up_codes", "account", str(account["id"]))
    return await renew_recovery_codes(session, viewer)


async def renew_recovery_codes(session: AsyncSession, viewer: Viewer) -> list[str]:
    """New recovery codes in place of all earlier ones of the viewer."""
    account_id = viewer.account_id or 0
    await _forget_recovery_codes(session, account_id)
    codes = new_recovery_codes()
    await (await session.connection()).execute(
        text("INSERT INTO recovery_codes (account_id, code_hash) SELECT :id, unnest(CAST(:hashes AS text[]))"),
        {"id": account_id, "hashes": [hash_of_recovery_code(code) for code in codes]},
    )
    await audit(session, viewer, "account.renew_recovery_codes", "account", str(account_id))
    return codes


async def _forget_recovery_codes(session: AsyncSession, account_id: int) -> None:
    await (await session.connection()).execute(
        text("DELETE FROM recovery_codes WHERE account_id = :id"), {"id": account_id}
    )


async def end_account(
    session: AsyncSession, viewer: Viewer, account_id: int, successor_id: int | None, why: str, now: datetime
) -> dict[str, int]:
    """End an account for good: its sign-ins, roles and report keys end, what is open goes to a successor: counts."""
    viewer.require("accounts")
    account = await _of_another(session, viewer, account_id)
    if account["state"] == "ended":
        raise Conflict("This account has ended already.")
    if not why.strip():
        raise BadInput("Say why the account ends.", where="reason")
    waiting = await open_work(session, account_id)
    if any(waiting.values()):
        successor = await first(
            session,
            "SELECT id FROM accounts WHERE id = :id AND organisation_id = :organisation AND state <> 'ended' "
            "AND id <> :leaving",
            id=successor_id or 0,
            organisation=account["organisation_id"],
            leaving=account_id,
        )
        if successor is None:
            raise BadInput(
                "Open work needs a successor of the same organisation.",
                where="successor",
                remedy="Choose who takes it over.",
            )
        await hand_over(session, account_id, successor["id"])
    await end_keys_of(session, viewer, account_id, why, clock.civil_day(now))
    await end_sign_ins(session, viewer, account_id, now)
    await (await session.connection()).execute(
        text(
            "UPDATE role_grants SET revoked_at = :now, revoked_by = :actor "
            "WHERE (account_id = :id OR delegated_by = :id) AND revoked_at IS NULL"
        ),
        {"now": now, "actor": viewer.actor, "id": account_id},
    )
    await _set(session, account_id, "state = 'ended', ended_at = :now, invitation_hash = NULL", now=now)
    await audit(
        session,
        viewer,
        "account.end",
        "account",
        str(account_id),
        why=why,
        before={"state": account["state"]},
        after={"state": "ended", "handed_over": waiting, "successor": successor_id if any(waiting.values()) else None},
    )
    return waiting


async def _of_another(session: AsyncSession, viewer: Viewer, account_id: int) -> Row:
    account = await account_of(session, account_id)
    if account["id"] == viewer.account_id:
        raise BadInput("Nobody does this to their own account.", remedy="Ask another administrator.")
    return account


async def _set(session: AsyncSession, account_id: int, assignments: str, **values: object) -> None:
    """Change columns of an account that the policies let the viewer change."""
    done = await (await session.connection()).execute(
        text(f"UPDATE accounts SET {assignments}, version = version + 1 WHERE id = :id"), {"id": account_id, **values}
    )
    if done.rowcount != 1:
        raise NotFound("There is no such account.")
