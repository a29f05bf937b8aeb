"""Administrators change people and organisations: only their own, with a trace, never over what somebody else wrote."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.account_changing import change_account
from registry.account_writing import end_account
from registry.database import transaction
from registry.errors import BadInput, Conflict, NotAllowed, NotFound
from registry.key_writing import NewKey, create_key
from registry.organising import change_organisation, end_organisation
from registry.reading import end_of_day, first, rows
from registry.viewers import NATION
from tests.registry.test_people import NOW, OPERATOR, acting, as_demo, data_folder, person

__all__ = ["data_folder"]


async def test_a_change_is_entered_with_before_and_after_and_a_second_one_does_not_overwrite_it(
    engine: AsyncEngine,
) -> None:
    admin = await as_demo(engine, await person(engine, "admin-a", "administrator"))
    somebody = await person(engine, "somebody", "reader")
    async with acting(engine, admin) as session:
        await change_account(session, admin, somebody, {"name": "示例新名", "region": "130200", "login": "x"}, 1)
    with pytest.raises(Conflict, match="meanwhile"):
        async with acting(engine, admin) as session:
            await change_account(session, admin, somebody, {"name": "示例另名"}, 1)
    async with transaction(engine) as session:
        row = await first(session, "SELECT login, name, region, version FROM accounts WHERE id = :id", id=somebody)
        entry = await first(
            session, "SELECT before, after, actor FROM audit_entries WHERE action = 'account.change' ORDER BY id DESC"
        )
    assert row == {"login": "somebody", "name": "示例新名", "region": "130200", "version": 2}
    assert entry == {
        "before": {"name": "somebody", "region": "130000"},
        "after": {"name": "示例新名", "region": "130200"},
        "actor": "admin-a",
    }


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"name": " "}, "name"),
        ({"region": "110000"}, "region"),
        ({"region": "x"}, "region"),
        ({"language": "fr"}, "language"),
    ],
)
async def test_what_does_not_fit_is_refused_at_its_field(
    engine: AsyncEngine, changes: dict[str, str], where: str
) -> None:
    admin = await as_demo(engine, await person(engine, "admin-a", "administrator"))
    somebody = await person(engine, "somebody", "reader")
    with pytest.raises(BadInput) as refused:
        async with acting(engine, admin) as session:
            await change_account(session, admin, somebody, changes, 1)
    assert refused.value.where == where


async def test_nobody_changes_the_own_region_nor_another_offices_people(engine: AsyncEngine) -> None:
    own = await person(engine, "admin-a", "administrator")
    admin = await as_demo(engine, own)
    other = await person(engine, "other", "reader", "office-c")
    async with acting(engine, admin) as session:
        with pytest.raises(NotAllowed):
            await change_account(session, admin, own, {"region": "130200"}, 1)
        with pytest.raises(NotFound):
            await change_account(session, admin, other, {"name": "x"}, 1)
        with pytest.raises(NotAllowed):
            await change_organisation(session, admin, "office-a", {"name_zh": "x"})


async def test_an_organisation_ends_when_its_people_have_left_and_its_keys_with_it(engine: AsyncEngine) -> None:
    nation = await as_demo(engine, await person(engine, "admin-n", "administrator", "office-n", region=NATION))
    leaving = await person(engine, "leaving", "reader", "bank-b", region=NATION)
    async with acting(engine, nation) as session:
        key = NewKey("示例密钥", "bank-b", ("read",), end_of_day(NOW.date()), 60)
        await create_key(session, OPERATOR, key, NOW)
        with pytest.raises(Conflict, match="still has people"):
            await end_organisation(session, nation, "bank-b", "合并", NOW)
        await change_organisation(
            session, nation, "bank-b", {"lender_names": ["示例银行（唐山）分行"], "lanes": ["credit"]}
        )
        await end_account(session, nation, leaving, None, "离职", NOW)
        with pytest.raises(BadInput):
            await end_organisation(session, nation, "bank-b", " ", NOW)
        await end_organisation(session, nation, "bank-b", "合并", NOW)
        with pytest.raises(NotFound):
            await change_organisation(session, nation, "bank-b", {"name_zh": "x"})
        with pytest.raises(NotAllowed):
            await end_organisation(session, nation, "office-n", "x", NOW)
    async with transaction(engine) as session:
        keys = await rows(session, "SELECT revoked_by FROM api_keys WHERE organisation_id = 'bank-b'")
        bank = await first(session, "SELECT lender_names, ended_at FROM organisations WHERE id = 'bank-b'")
    assert [one["revoked_by"] for one in keys] == ["admin-n"]
    assert bank == {"lender_names": ["示例银行唐山分行"], "ended_at": NOW}
