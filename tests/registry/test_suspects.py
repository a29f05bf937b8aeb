"""Suspected projects: their file and list, who sees them, mergers and registrations by two people."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.database import transaction
from registry.errors import BadInput, Conflict, NotAllowed, NotFound
from registry.suspect_file import SuspectFilter, list_suspects, suspect_file
from registry.suspect_writing import draft_change, settle_change
from registry.viewers import PUBLIC, Viewer
from tests.registry.pages import rows
from tests.registry.reviews import (
    CHIEF,
    FINANCE,
    FIRST,
    READER,
    SECOND,
    acting,
    later,
    link,
    make_world,
    project_id,
    record_id,
    viewer,
)
from tests.registry.test_reviewing import LOAN, said


async def people(engine: AsyncEngine) -> None:
    """Accounts, since proposals name them."""
    async with transaction(engine) as session:
        connection = await session.connection()
        await connection.execute(
            text(
                "INSERT INTO organisations (id, kind, name_zh, name_en, region, created_at) "
                "VALUES ('office', 'agency', '示例', '', '000000', now())"
            )
        )
        for number in range(1, 8):
            await connection.execute(
                text(
                    "INSERT INTO accounts (login, name, organisation_id, region, state, created_at) "
                    "VALUES (:login, :login, 'office', '000000', 'active', now())"
                ),
                {"login": f"person{number}"},
            )


async def two(engine: AsyncEngine, *more: dict[str, Any]) -> tuple[int, int]:
    """Two suspected projects of one record each, made by reviewers."""
    await make_world(engine, {}, {"act": "eia_approval", "area_hectares": None}, *more)
    await people(engine)
    one = await said(engine, FIRST, "new_project", reason="未登记")
    other = await said(engine, FIRST, "new_project", 1, key="r1", reason="未登记")
    assert one.suspected_id and other.suspected_id and one.suspected_id != other.suspected_id
    return one.suspected_id, other.suspected_id


async def file_of(engine: AsyncEngine, who: Viewer, suspected: int) -> Any:
    async with acting(engine, who) as session:
        return await suspect_file(session, who, suspected)


async def test_records_of_one_project_come_together(engine: AsyncEngine) -> None:
    one, _other = await two(engine, {"act": "energy_assessment", "area_hectares": None})
    await said(engine, SECOND, "new_project", 2, key="r2", suspected_id=one, reason="同一项目")
    file = await file_of(engine, READER, one)
    assert (file.records, file.lanes, file.state) == (2, 2, "open")
    assert [record.act for record in file.records_of] == ["land_grant", "energy_assessment"]
    assert next(step.reason for step in file.history if step.what == "joined") == "同一项目"
    async with acting(engine, READER) as session:
        listed = await list_suspects(session, READER, SuspectFilter())
        assert (listed.items[0].suspected_id, listed.total) == (one, 2)
        assert (await list_suspects(session, READER, SuspectFilter(lanes=2))).total == 1
        assert (await list_suspects(session, READER, SuspectFilter(q="炼钢"))).total == 2
        assert (await list_suspects(session, READER, SuspectFilter(q="%"))).total == 0


async def test_the_public_sees_none(engine: AsyncEngine) -> None:
    one, _other = await two(engine)
    with pytest.raises(NotAllowed):
        await file_of(engine, PUBLIC, one)
    async with acting(engine, PUBLIC) as session:
        for table in ("suspected_versions", "suspected_members", "suspected_projects", "link_decisions"):
            found = await (await session.connection()).execute(text(f"SELECT count(*) FROM {table}"))
            assert found.scalar_one() == 0


async def test_what_is_of_credit_alone_is_for_finance(engine: AsyncEngine) -> None:
    await make_world(engine, LOAN, {})
    made = await said(engine, FINANCE, "new_project", reason="未登记")
    assert (await file_of(engine, FINANCE, made.suspected_id)).credit_only
    hebei, guangdong = (viewer(7, "reader", lanes=("credit",), region=region) for region in ("130000", "440000"))
    assert (await file_of(engine, hebei, made.suspected_id)).credit_only
    for who in (READER, guangdong):
        with pytest.raises(NotFound):
            await file_of(engine, who, made.suspected_id)
        async with acting(engine, who) as session:
            assert (await list_suspects(session, who, SuspectFilter())).total == 0
    # With a record of land beside it officials see that one, and nothing of the loan.
    await said(engine, FINANCE, "new_project", 1, key="r1", suspected_id=made.suspected_id)
    file = await file_of(engine, READER, made.suspected_id)
    assert [record.act for record in file.records_of] == ["land_grant"]
    assert (await file_of(engine, FINANCE, made.suspected_id)).lanes == 2
    with pytest.raises(NotAllowed, match="of credit"):
        async with acting(engine, FIRST) as session:
            await draft_change(session, FIRST, made.suspected_id, "dismiss", None, "不是", later(2))


async def test_a_merger_is_drafted_by_one_and_approved_by_another(engine: AsyncEngine) -> None:
    one, other = await two(engine)
    async with acting(engine, FIRST) as session:
        number = await draft_change(session, FIRST, other, "merge", one, "同一地块", later(2))
    with pytest.raises(Conflict):
        async with acting(engine, SECOND) as session:
            await draft_change(session, SECOND, other, "dismiss", None, "重复", later(2))
    for who in (FIRST, SECOND):
        with pytest.raises(NotAllowed):
            async with acting(engine, who) as session:
                await settle_change(session, who, number, 1, "approve", "", later(3))
    (shown,) = (await file_of(engine, CHIEF, other)).proposals
    assert (shown.state, shown.content, shown.mine) == ("open", {"into": one}, False)
    async with acting(engine, CHIEF) as session:
        await settle_change(session, CHIEF, number, 1, "approve", "属实", later(4))
    file = await file_of(engine, READER, one)
    assert (file.records, file.lanes) == (2, 2)
    gone = await file_of(engine, READER, other)
    assert (gone.state, gone.merged_into, gone.records_of) == ("merged", one, [])
    with pytest.raises(Conflict):
        await said(engine, FIRST, "new_project", 5, key="r1", suspected_id=other)


async def test_several_records_are_split_off_together(engine: AsyncEngine) -> None:
    acts = ("energy_assessment", "discharge_permit")
    one, _other = await two(engine, *({"act": act, "area_hectares": None} for act in acts))
    for key in ("r2", "r3"):
        await said(engine, FIRST, "new_project", 1, key=key, suspected_id=one, reason="同一项目")
    members = [record.record_id for record in (await file_of(engine, READER, one)).records_of]
    assert len(members) == 3
    async with acting(engine, FIRST) as session:
        for records, told in (([], "which"), ([10**6], "which"), (members, "leaves some")):
            with pytest.raises(BadInput, match=told):
                await draft_change(session, FIRST, one, "split", None, "两块地", later(2), records=records)
        number = await draft_change(session, FIRST, one, "split", None, "两块地", later(2), records=members[1:])
    async with acting(engine, CHIEF) as session:
        await settle_change(session, CHIEF, number, 1, "approve", "属实", later(3))
    stayed = await file_of(engine, READER, one)
    assert [record.record_id for record in stayed.records_of] == members[:1]
    async with acting(engine, READER) as session:
        listed = await list_suspects(session, READER, SuspectFilter(region="130000"))
        assert not (await list_suspects(session, READER, SuspectFilter(region="440000"))).items
    made = await file_of(engine, READER, max(line.suspected_id for line in listed.items))
    assert [record.record_id for record in made.records_of] == members[1:]
    assert made.records_of[0].evidence == {"split_from": one}


async def test_registered_after_all_links_its_records(engine: AsyncEngine) -> None:
    one, _other = await two(engine)
    project = await project_id(engine)
    async with acting(engine, FIRST) as session:
        number = await draft_change(session, FIRST, one, "register", project, "已补登记", later(2))
    async with acting(engine, CHIEF) as session:
        await settle_change(session, CHIEF, number, 1, "approve", "属实", later(3))
    assert await link(engine, await record_id(engine)) == [("linked", project, "person3")]
    file = await file_of(engine, READER, one)
    assert (file.state, file.project_id) == ("registered", project)
    marked = {tuple(row) for row in await rows(engine, "SELECT purpose, kind FROM dirty_marks")}
    assert {("judge", "project"), ("index", "record")} <= marked


async def test_refused_or_withdrawn_nothing_changes(engine: AsyncEngine) -> None:
    one, other = await two(engine)
    async with acting(engine, FIRST) as session:
        number = await draft_change(session, FIRST, one, "dismiss", None, "只是办公楼", later(2))
    async with acting(engine, CHIEF) as session:
        await settle_change(session, CHIEF, number, 1, "refuse", "不足以认定", later(3))
    async with acting(engine, FIRST) as session:
        number = await draft_change(session, FIRST, one, "merge", other, "同址", later(4))
    async with acting(engine, FIRST) as session:
        await settle_change(session, FIRST, number, 1, "withdraw", "", later(5))
    file = await file_of(engine, FIRST, one)
    assert file.state == "open"
    assert [proposal.state for proposal in file.proposals] == ["withdrawn", "refused"]


async def test_what_is_not_accepted(engine: AsyncEngine) -> None:
    one, _other = await two(engine)
    cases: list[tuple[Any, int | None, type[Exception]]] = [
        ("merge", one, BadInput),
        ("merge", None, BadInput),
        ("merge", 999_999, NotFound),
        ("register", 999_999, NotFound),
    ]
    for action, target, error in cases:
        with pytest.raises(error):
            async with acting(engine, FIRST) as session:
                await draft_change(session, FIRST, one, action, target, "理由", later(2))
    with pytest.raises(NotAllowed):
        async with acting(engine, READER) as session:
            await draft_change(session, READER, one, "dismiss", None, "理由", later(2))
