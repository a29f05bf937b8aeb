"""People under the portal's own database role: sign-in, codes, lock-out, roles, delegation, handover, two people."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from argon2 import PasswordHasher
from pyrage.x25519 import Identity
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.account_writing import (
    NewAccount,
    begin_codes,
    change_password,
    confirm_codes,
    create_account,
    end_account,
    reset_account,
)
from registry.accounts import KeyEnded, viewer_of_key, viewer_of_sign_in
from registry.clock import civil_day
from registry.database import transaction
from registry.errors import BadInput, NotAllowed, NotFound
from registry.granting import Grant, delegate_role, grant_role
from registry.key_writing import NewKey, create_key, keys, revoke_key, rotate_key
from registry.organising import NewOrganisation, create_organisation
from registry.passwords import SHORTEST, check_new_password, common_passwords, is_outdated
from registry.proposals import approve, draft, refuse
from registry.reading import first, rows
from registry.settings import settings
from registry.sign_ins import begin_sign_in, end_sign_ins, hash_of_secret
from registry.signing_in import SignedIn, sign_in
from registry.tips.desk_keys import add_key, confirm_key, open_desk
from registry.tips.desks import read_desks
from registry.viewers import NATION, RECOGNISING, Viewer, become

OPERATOR = Viewer("person", actor="operator", region=NATION, permissions=frozenset({"accounts"}))
NOW = datetime.fromisoformat("2026-03-02T09:00:00+08:00")
PASSWORD = "three quiet gates by the river"


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("THREEGATES_DATA_FOLDER", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()


@asynccontextmanager
async def acting(engine: AsyncEngine, viewer: Viewer) -> AsyncIterator[AsyncSession]:
    async with transaction(engine) as session:
        await become(session, viewer)
        yield session


async def person(engine: AsyncEngine, login: str, role: str | None, office: str = "office-a", **more: Any) -> int:
    async with transaction(engine) as session:
        if not await first(session, "SELECT 1 AS one FROM organisations WHERE id = :id", id=office):
            kind = "bank" if office.startswith("bank") else "agency"
            new = NewOrganisation(office, kind, f"示例{office}", "", more.get("region", "130000"))
            await create_organisation(session, OPERATOR, new, NOW)
        account, _ = await create_account(session, OPERATOR, NewAccount(login, login, office), NOW, password=PASSWORD)
        if role:
            await grant_role(session, OPERATOR, Grant(account, role, date(2026, 1, 1), None, "test"), NOW)
    return account


async def enter(engine: AsyncEngine, login: str, code: str = "", at: datetime = NOW, password: str = PASSWORD) -> Any:
    async with acting(engine, RECOGNISING) as session:
        return await sign_in(session, login, password, code, "Firefox, Linux", at)


async def viewer_of(engine: AsyncEngine, taken: SignedIn, at: datetime = NOW) -> Viewer | None:
    async with acting(engine, RECOGNISING) as session:
        return await viewer_of_sign_in(session, hash_of_secret(taken.secret), at)


async def as_demo(engine: AsyncEngine, account: int, at: datetime = NOW) -> Viewer:
    async with acting(engine, RECOGNISING) as session:
        secret = await begin_sign_in(session, account, "demo", "", at)
    found = await viewer_of(engine, SignedIn(account, "", secret), at)
    assert found is not None
    return found


async def test_roles_hold_only_after_codes_are_set_up_and_a_code_is_taken_once(engine: AsyncEngine) -> None:
    await person(engine, "officer", "officer")
    bare = await viewer_of(engine, await enter(engine, "officer"))
    assert bare is not None and not bare.permissions
    async with acting(engine, bare) as session:
        secret = await begin_codes(session, bare)
    totp = pyotp.TOTP(secret)
    async with acting(engine, bare) as session:
        recovery = await confirm_codes(session, bare, totp.at(NOW), NOW)
    assert (await viewer_of(engine, await enter(engine, "officer", recovery[0]))).may("register")  # type: ignore[union-attr]  # a viewer
    assert await enter(engine, "officer", recovery[0]) is None, "a recovery code twice"
    assert await enter(engine, "officer", totp.at(NOW)) is None, "the code of the set-up again"
    assert await enter(engine, "officer", "") is None
    later = NOW + timedelta(minutes=5)
    assert await enter(engine, "officer", totp.at(later - timedelta(seconds=30)), later), "one step late"
    assert await enter(engine, "officer", totp.at(later), later)
    assert await enter(engine, "officer", totp.at(later), later) is None, "the same code twice"
    assert await enter(engine, "officer", totp.at(later + timedelta(seconds=90)), later) is None, "two steps early"


async def test_a_hash_of_former_parameters_is_renewed_at_sign_in(engine: AsyncEngine) -> None:
    account = await person(engine, "reader", "reader")
    former = PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD)
    read = "SELECT password_hash FROM accounts WHERE id = :id"
    async with transaction(engine) as session:
        change = "UPDATE accounts SET password_hash = :hash WHERE id = :id"
        await (await session.connection()).execute(text(change), {"hash": former, "id": account})
    assert await enter(engine, "reader", password="wrong wrong wrong") is None
    async with transaction(engine) as session:
        assert (await rows(session, read, id=account))[0]["password_hash"] == former
    assert await enter(engine, "reader")
    async with transaction(engine) as session:
        renewed = (await rows(session, read, id=account))[0]["password_hash"]
    assert renewed != former and not is_outdated(renewed)
    assert await enter(engine, "reader")


async def test_failures_pause_for_a_while_and_are_audited_without_the_typed_text(engine: AsyncEngine) -> None:
    await person(engine, "reader", "reader")
    for _failure in range(5):
        assert await enter(engine, "reader", password="wrong wrong wrong") is None
    assert await enter(engine, "reader") is None, "paused although the password is right"
    assert await enter(engine, "my secret typed as login") is None
    assert await enter(engine, "reader", at=NOW + timedelta(minutes=2)), "the pause ends by itself"
    async with transaction(engine) as session:
        found = await rows(session, "SELECT actor, why, subject FROM audit_entries WHERE action = 'sign_in.refuse'")
    assert [one["why"] for one in found] == ["password"] * 5 + ["locked", "unknown login"]
    assert "secret" not in str(found)


async def test_a_sign_in_ends_by_idleness_age_and_revocation(engine: AsyncEngine) -> None:
    account = await person(engine, "reader", "reader")
    taken = await enter(engine, "reader")
    assert await viewer_of(engine, taken, NOW + timedelta(minutes=29))
    assert await viewer_of(engine, taken, NOW + timedelta(minutes=31)) is None
    async with transaction(engine) as session:
        await (await session.connection()).execute(text("UPDATE sign_ins SET seen_at = ends_at"))
    assert await viewer_of(engine, taken, NOW + timedelta(hours=7))
    assert await viewer_of(engine, taken, NOW + timedelta(hours=8, seconds=1)) is None
    viewer = await viewer_of(engine, taken)
    assert viewer is not None
    async with acting(engine, viewer) as session:
        assert await end_sign_ins(session, viewer, account, NOW) == 1
    assert await viewer_of(engine, taken) is None


async def test_a_one_time_password_must_be_replaced_and_runs_out(engine: AsyncEngine) -> None:
    account = await person(engine, "reader", "reader")
    async with transaction(engine) as session:
        given = await reset_account(session, OPERATOR, account, "forgotten", NOW)
    assert await enter(engine, "reader") is None
    assert await enter(engine, "reader", password=given, at=NOW + timedelta(days=8)) is None
    viewer = await viewer_of(engine, await enter(engine, "reader", password=given))
    assert viewer is not None and not viewer.permissions
    with pytest.raises(BadInput):
        async with acting(engine, viewer) as session:
            await change_password(session, viewer, given, "password123456", NOW, keep=viewer.sign_in_id)
    async with acting(engine, viewer) as session:
        await change_password(session, viewer, given, "another long sentence", NOW, keep=viewer.sign_in_id)
    taken = await enter(engine, "reader", password="another long sentence")
    own = await viewer_of(engine, taken)
    assert own is not None and not own.permissions, "no role holds before the codes are set up"
    async with acting(engine, own) as session:
        await confirm_codes(session, own, pyotp.TOTP(await begin_codes(session, own)).at(NOW), NOW)
    own = await viewer_of(engine, taken)
    assert own is not None and own.may("internal")


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "password123456",
        "aaaaaaaaaaaaaa",
        "x" * 129,
        "wang.xiaomei12",
        "threegates2026!",
        "三道闸门登记簿发改委12",
        "CounterStrike",
        "woaini5201314",
        "zhangwei198888",
        "Qwertyuiop!@#",
        "tangshan20082008",
    ],
)
def test_passwords_that_may_not_be_chosen(password: str) -> None:
    with pytest.raises(BadInput):
        check_new_password(password, "wang.xiaomei")


def test_most_common_passwords_are_known_and_unconnected_words_are_not_refused() -> None:
    assert len([one for one in common_passwords() if len(one) >= SHORTEST]) >= 5_000
    for sentence in ("plum lantern seven rivers", "四月里骑驴看见三只白鹭过河", "wang xi chi de mo yan tai"):
        check_new_password(sentence, "wang.xiaomei")


async def test_nobody_grants_to_themselves_neither_in_python_nor_in_the_database(engine: AsyncEngine) -> None:
    account = await person(engine, "admin", "administrator")
    viewer = await as_demo(engine, account)
    with pytest.raises(NotAllowed):
        async with acting(engine, viewer) as session:
            await grant_role(session, viewer, Grant(account, "officer", NOW.date(), None, "mine"), NOW)
    with pytest.raises(NotAllowed, match="outside what your account may change"):
        async with acting(engine, viewer) as session:
            await (await session.connection()).execute(
                text(
                    "INSERT INTO role_grants (account_id, role, held_from, granted_by, granted_at) "
                    "VALUES (:id, 'officer', '2026-01-01', 'x', now())"
                ),
                {"id": account},
            )


async def test_an_administrator_sees_neither_other_offices_nor_from_a_bank_the_nation(engine: AsyncEngine) -> None:
    admin = await as_demo(engine, await person(engine, "admin-a", "administrator"))
    banker = await as_demo(engine, await person(engine, "admin-bank", "administrator", "bank-b", region=NATION))
    other = await person(engine, "other", "reader", "office-c")
    for viewer, logins in ((admin, ["admin-a"]), (banker, ["admin-bank"])):
        async with acting(engine, viewer) as session:
            assert [one["login"] for one in await rows(session, "SELECT login FROM accounts")] == logins
        with pytest.raises(NotFound):
            async with acting(engine, viewer) as session:
                await grant_role(session, viewer, Grant(other, "reader", NOW.date(), None, "x"), NOW)
    with pytest.raises(NotAllowed):
        async with acting(engine, banker) as session:
            await create_organisation(session, banker, NewOrganisation("office-z", "agency", "示例", "", NATION), NOW)


async def test_a_delegation_ends_goes_no_further_and_falls_with_the_role(engine: AsyncEngine) -> None:
    giver = await as_demo(engine, await person(engine, "giver", "supervisor"))
    taker_id = await person(engine, "taker", "reader")
    third = await person(engine, "third", "reader")
    until = NOW.date() + timedelta(days=1)
    with pytest.raises(BadInput):
        async with acting(engine, giver) as session:
            await delegate_role(session, giver, Grant(taker_id, "supervisor", NOW.date(), None, "leave"), NOW)
    async with acting(engine, giver) as session:
        await delegate_role(session, giver, Grant(taker_id, "supervisor", NOW.date(), until, "leave"), NOW)
    taker = await as_demo(engine, taker_id)
    assert taker.may("approve") and taker.acts_for == {giver.account_id}
    with pytest.raises(NotAllowed):
        async with acting(engine, taker) as session:
            await delegate_role(session, taker, Grant(third, "supervisor", NOW.date(), until, "x"), NOW)
    assert not (await as_demo(engine, taker_id, NOW + timedelta(days=2))).may("approve")
    async with transaction(engine) as session:
        await (await session.connection()).execute(
            text("UPDATE role_grants SET revoked_at = now() WHERE delegated_by IS NULL AND role = 'supervisor'")
        )
    assert not (await as_demo(engine, taker_id)).may("approve")


async def test_proposals_take_two_people_and_are_handed_over(engine: AsyncEngine) -> None:
    drafter = await as_demo(engine, await person(engine, "drafter", "supervisor"))
    delegate = await person(engine, "delegate", "reader")
    second = await as_demo(engine, await person(engine, "second", "supervisor"))
    until = NOW.date() + timedelta(days=9)
    async with acting(engine, drafter) as session:
        await delegate_role(session, drafter, Grant(delegate, "supervisor", NOW.date(), until, "leave"), NOW)
        one = await draft(session, drafter, "merge", "1", {"into": 2}, "the same project", NOW)
        two = await draft(session, drafter, "merge", "2", {}, "the same project", NOW)
    for nobody in (drafter, await as_demo(engine, delegate)):
        with pytest.raises(NotAllowed):
            async with acting(engine, nobody) as session:
                await approve(session, nobody, one, 1, "", NOW)
    with pytest.raises(DBAPIError, match=r"two_people|owner_is_not_second"):
        async with transaction(engine) as session:
            await (await session.connection()).execute(
                text("UPDATE proposals SET state = 'approved', decided_by = drafted_by")
            )
    async with acting(engine, second) as session:
        await refuse(session, second, one, 1, "not the same", NOW)
    admin = await as_demo(engine, await person(engine, "admin", "administrator"))
    recipient = str(Identity.generate().to_public())
    async with transaction(engine) as session:
        await open_desk(session, admin, "office-a", civil_day(NOW), two_people=False)
    async with acting(engine, drafter) as session:
        mark = await add_key(session, drafter, ("office-a", "A", recipient, drafter.account_id or 0), civil_day(NOW))
    async with acting(engine, second) as session:
        await confirm_key(session, second, "office-a", mark)
    with pytest.raises(BadInput):
        async with acting(engine, admin) as session:
            await end_account(session, admin, drafter.account_id or 0, None, "leaves", NOW)
    async with acting(engine, admin) as session:
        counts = await end_account(session, admin, drafter.account_id or 0, second.account_id, "leaves", NOW)
    assert {kind: number for kind, number in counts.items() if number} == {"proposals": 1}
    with pytest.raises(NotAllowed):
        async with acting(engine, second) as session:
            await approve(session, second, two, 2, "", NOW)
    assert await enter(engine, "drafter") is None
    assert not (await as_demo(engine, delegate)).may("approve")
    # Nothing is sealed any more to who left, and the desk's others are asked to seal again.
    async with transaction(engine) as session:
        desk = next(one for one in await read_desks(session) if one.id == "office-a")
        told = await rows(session, "SELECT kind, organisation_id, path FROM announcements")
        noted = await rows(session, "SELECT actor, why FROM audit_entries WHERE action = 'tip_key.end'")
    assert (desk.group_a, desk.can_receive) == ((), False)
    assert told == [{"kind": "tip.reseal", "organisation_id": "office-a", "path": "/tips"}]
    assert noted == [{"actor": admin.actor, "why": "leaves"}]


async def test_a_key_is_shown_once_and_ends_when_revoked(engine: AsyncEngine) -> None:
    admin = await as_demo(engine, await person(engine, "admin", "administrator"))
    new = NewKey("collector", "office-a", ("read",), NOW + timedelta(days=30))
    async with acting(engine, admin) as session:
        key = await create_key(session, admin, new, NOW)
    async with acting(engine, RECOGNISING) as session:
        found = await viewer_of_key(session, hash_of_secret(key), NOW)
        assert found is not None and found.permissions == {"internal"} and found.scopes == {"read"}
        with pytest.raises(KeyEnded):
            await viewer_of_key(session, hash_of_secret(key), NOW + timedelta(days=31))
    async with acting(engine, admin) as session:
        (row,) = await keys(session, admin)
        assert key not in str(row) and row["last_used_on"] == civil_day(NOW)
        await revoke_key(session, admin, row["id"], NOW)
    async with acting(engine, RECOGNISING) as session:
        with pytest.raises(KeyEnded):
            await viewer_of_key(session, hash_of_secret(key), NOW)


async def test_a_rotated_key_holds_in_both_secrets_for_a_day_and_is_the_same_key(engine: AsyncEngine) -> None:
    admin = await as_demo(engine, await person(engine, "admin", "administrator"))
    new = NewKey("collector", "office-a", ("read",), NOW + timedelta(days=30))
    async with acting(engine, admin) as session:
        old = await create_key(session, admin, new, NOW)
        number = (await keys(session, admin))[0]["id"]
        fresh = await rotate_key(session, admin, number, NOW)
    later = NOW + timedelta(hours=25)
    async with acting(engine, RECOGNISING) as session:
        for secret in (old, fresh):
            found = await viewer_of_key(session, hash_of_secret(secret), NOW)
            assert found is not None and found.key_id == number
        assert await viewer_of_key(session, hash_of_secret(fresh), later)
        with pytest.raises(KeyEnded):
            await viewer_of_key(session, hash_of_secret(old), later)
    async with acting(engine, admin) as session:
        newest = await rotate_key(session, admin, number, later, timedelta())
    async with acting(engine, RECOGNISING) as session:
        assert await viewer_of_key(session, hash_of_secret(newest), later)
        assert await viewer_of_key(session, hash_of_secret(fresh), later) is None
