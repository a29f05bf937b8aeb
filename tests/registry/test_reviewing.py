"""Reviewing: what a decision changes, who must second it, what undoing puts back, who may do neither."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from registry import dirty
from registry.account_writing import end_account
from registry.clock import now
from registry.database import transaction
from registry.errors import BadInput, Conflict, NotAllowed, NotFound, ThreegatesError
from registry.handover import ENDS_WITH_THEM, OPEN_WORK, open_work
from registry.linking import link_changed, relink_all
from registry.review_file import review_file
from registry.review_queue import ReviewFilter, list_reviews, next_review, review_progress
from registry.reviewing import Saying, decide, undo
from registry.viewers import Viewer
from tests.registry.pages import rows
from tests.registry.reviews import (
    CHIEF,
    FINANCE,
    FIRST,
    OFFICER,
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

LARGE = {"area_hectares": "35"}
LOAN = {"act": "loan", "amount": "5000000", "area_hectares": None, "kind": "construction"}


async def said(engine: AsyncEngine, who: Viewer, verdict: Any, minutes: int = 0, key: str = "r0", **more: Any) -> Any:
    """Decide about a record."""
    saying = Saying(await record_id(engine, key), verdict, more.pop("reason", "名称和地点相符"), **more)
    async with acting(engine, who) as session:
        return await decide(session, who, saying, later(minutes))


async def marks(engine: AsyncEngine) -> set[tuple[str, str]]:
    """What is marked."""
    return {tuple(row) for row in await rows(engine, "SELECT purpose, kind FROM dirty_marks")}


async def total(engine: AsyncEngine, who: Viewer, **wanted: Any) -> int:
    """How many are listed."""
    async with acting(engine, who) as session:
        return (await list_reviews(session, who, ReviewFilter(**wanted), later(9))).total


async def test_accepting_links_the_record_by_the_persons_word(engine: AsyncEngine) -> None:
    await make_world(engine)
    record, project = await record_id(engine), await project_id(engine)
    decided = await said(engine, FIRST, "accept", project_ids=(project,))
    assert decided.in_force
    assert await link(engine, record) == [("linked", project, "person1")]
    assert await marks(engine) == {(purpose, kind) for purpose in dirty.PURPOSES[1:] for kind in ("record", "project")}
    assert await total(engine, FIRST) == 0
    assert await total(engine, FIRST, state="decided") == 1
    # What the linker said is history, not gone.
    kept = await rows(engine, "SELECT count(*) FROM links")
    assert kept[0][0] == 2
    (audited,) = await rows(engine, "SELECT action, why FROM audit_entries")
    assert tuple(audited) == ("review.decide", "名称和地点相符")


async def test_linking_leaves_alone_what_a_person_decided(engine: AsyncEngine) -> None:
    await make_world(engine)
    record, project = await record_id(engine), await project_id(engine)
    await said(engine, FIRST, "accept", project_ids=(project,))
    async with transaction(engine) as session:
        await relink_all(session)
    async with transaction(engine) as session:
        await link_changed(session, now())
    assert await link(engine, record) == [("linked", project, "person1")]


async def test_a_record_may_belong_to_several(engine: AsyncEngine) -> None:
    await make_world(engine)
    both = (await project_id(engine), await project_id(engine, "t:P2"))
    await said(engine, FIRST, "accept", project_ids=both)
    assert [one[1] for one in await link(engine, await record_id(engine))] == sorted(both)


async def test_rejecting_leaves_the_record_to_linking(engine: AsyncEngine) -> None:
    await make_world(engine)
    record = await record_id(engine)
    await said(engine, FIRST, "reject", reason="同名不同厂")
    assert await link(engine, record) == [("unlinked", None, "linker")]
    assert await marks(engine) == {("link", "record")}
    ((rejected,),) = await rows(engine, "SELECT project_ids FROM link_decisions")
    assert sorted(rejected) == sorted([await project_id(engine), await project_id(engine, "t:P2")])
    assert await total(engine, FIRST) == 0


async def test_a_new_project_becomes_a_suspected_one(engine: AsyncEngine) -> None:
    await make_world(engine)
    record = await record_id(engine)
    decided = await said(engine, FIRST, "new_project", reason="登记簿中没有此项目")
    assert await link(engine, record) == [("none", None, "person1")]
    (row,) = await rows(
        engine,
        "SELECT suspected_id, state, sector, records, lanes, project_name, credit_only FROM suspected_versions "
        "WHERE known_to = 'infinity'",
    )
    assert tuple(row) == (decided.suspected_id, "open", "steel", 1, 1, "年产100万吨炼钢技改项目", False)


async def test_unsure_keeps_it_waiting_for_somebody_else(engine: AsyncEngine) -> None:
    await make_world(engine)
    record = await record_id(engine)
    await said(engine, FIRST, "unsure", reason="地址看不清")
    assert (await total(engine, FIRST), await total(engine, FIRST, state="unsure")) == (0, 1)
    async with acting(engine, SECOND) as session:
        assert await next_review(session, SECOND, ReviewFilter(state="unsure"), later(1)) == record
        progress = await review_progress(session, SECOND, later(1))
    assert (progress.open, progress.unsure, progress.decided_today) == (0, 1, 1)


async def test_above_the_stake_another_person_must_say_the_same(engine: AsyncEngine) -> None:
    await make_world(engine, LARGE)
    record, project = await record_id(engine), await project_id(engine)
    waiting = await said(engine, FIRST, "accept", project_ids=(project,))
    assert not waiting.in_force
    assert waiting.stake == {"area_hectares": {"value": "35", "limit": "20"}}
    assert await link(engine, record) == [("unlinked", None, "linker")]
    assert (await total(engine, FIRST), await total(engine, FIRST, state="second")) == (0, 1)
    with pytest.raises(NotAllowed):
        await said(engine, FIRST, "accept", 1, project_ids=(project,))
    acting_for_the_first = viewer(7, "reviewer", acts_for=frozenset({1}))
    with pytest.raises(NotAllowed):
        await said(engine, acting_for_the_first, "accept", 1, project_ids=(project,))
    seconded = await said(engine, SECOND, "accept", 2, project_ids=(project,), reason="同意")
    assert seconded.in_force
    assert await link(engine, record) == [("linked", project, "person2")]
    ((named,),) = await rows(engine, f"SELECT seconds FROM link_decisions WHERE id = {seconded.decision_id}")
    assert named == waiting.decision_id


NOTHING = dict.fromkeys(OPEN_WORK, 0)


async def test_a_first_opinion_goes_to_the_successor_of_whoever_leaves(engine: AsyncEngine) -> None:
    await make_world(engine, LARGE)
    project = await project_id(engine)
    await rows(
        engine,
        "WITH office AS (INSERT INTO organisations (id, kind, name_zh, name_en, lanes, region, lender_names, invented, "
        "created_at) VALUES ('office', 'agency', '示例', '', '{}', '000000', '{}', true, now()) RETURNING id) "
        "INSERT INTO accounts (id, login, name, organisation_id, region, state, invented, created_at) "
        "SELECT one, concat('person', one), '示例', office.id, '000000', 'active', true, now() "
        "FROM office, generate_series(1, 9) AS one RETURNING id",
    )
    waiting = await said(engine, FIRST, "accept", project_ids=(project,))
    chief = viewer(9, "administrator")
    async with acting(engine, chief) as session:
        with pytest.raises(BadInput, match="successor"):
            await end_account(session, chief, 1, None, "离任", later(1))
        # Work of every kind is moved by who may read none of it.
        assert await end_account(session, chief, 1, 2, "离任", later(1)) == {**NOTHING, "opinions": 1}
        assert await open_work(session, 2) == {**NOTHING, "opinions": 1}
    with pytest.raises(NotAllowed, match="took over"):
        await said(engine, SECOND, "accept", 2, project_ids=(project,))
    async with acting(engine, SECOND) as session:
        await undo(session, SECOND, waiting.decision_id, "重新核对", later(3))
    await said(engine, SECOND, "accept", 4, project_ids=(project,))
    assert (await said(engine, CHIEF, "accept", 5, project_ids=(project,))).in_force
    async with acting(engine, chief) as session:
        assert await open_work(session, 2) == NOTHING


async def test_whatever_is_somebody_s_is_handed_over(engine: AsyncEngine) -> None:
    """A column that names an account as more than who acted once is open work: registry.handover must move it."""
    named = await rows(
        engine,
        "SELECT conrelid::regclass::text, attname::text FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid "
        "AND attnum = ANY (conkey) WHERE contype = 'f' AND confrelid = 'accounts'::regclass",
    )
    acted = {"account_id", "delegated_by", "successor_id"}
    owned = {table for table, column in named if column not in acted and (not column.endswith("_by"))}
    assert "proposals" in owned and owned - set(OPEN_WORK) == ENDS_WITH_THEM


async def test_another_opinion_is_not_a_second_one(engine: AsyncEngine) -> None:
    await make_world(engine, LARGE)
    project, other = await project_id(engine), await project_id(engine, "t:P2")
    await said(engine, FIRST, "accept", project_ids=(project,))
    contradicting = await said(engine, SECOND, "accept", 1, project_ids=(other,), reason="是水泥项目")
    assert not contradicting.in_force
    settled = await said(engine, FIRST, "accept", 2, project_ids=(other,), reason="看错了")
    assert settled.in_force
    assert await link(engine, await record_id(engine)) == [("linked", other, "person1")]


async def test_undoing_puts_back_what_stood(engine: AsyncEngine) -> None:
    await make_world(engine)
    record, project = await record_id(engine), await project_id(engine)
    decided = await said(engine, FIRST, "accept", project_ids=(project,))
    with pytest.raises(NotAllowed):
        async with acting(engine, SECOND) as session:
            await undo(session, SECOND, decided.decision_id, "不对", later(1))
    async with acting(engine, FIRST) as session:
        await undo(session, FIRST, decided.decision_id, "看错了", later(2))
    assert await link(engine, record) == [("unlinked", None, "linker")]
    assert await total(engine, FIRST) == 1
    assert ("link", "record") in await marks(engine)
    with pytest.raises(Conflict):
        async with acting(engine, FIRST) as session:
            await undo(session, FIRST, decided.decision_id, "再撤", later(3))
    async with acting(engine, FIRST) as session:
        file = await review_file(session, FIRST, record, later(4))
    assert [(one.verdict, one.undone) for one in file.history] == [("undo", False), ("accept", True)]
    again = await said(engine, SECOND, "new_project", 5)
    async with acting(engine, CHIEF) as session:
        await undo(session, CHIEF, again.decision_id, "应由原承办人核对", later(6))
    assert await link(engine, record) == [("unlinked", None, "linker")]
    ((state,),) = await rows(engine, "SELECT state FROM suspected_versions WHERE known_to = 'infinity'")
    assert state == "empty"


async def test_undoing_a_second_opinion_leaves_the_first(engine: AsyncEngine) -> None:
    await make_world(engine, LARGE)
    project = await project_id(engine)
    await said(engine, FIRST, "accept", project_ids=(project,))
    seconded = await said(engine, SECOND, "accept", 1, project_ids=(project,))
    async with acting(engine, SECOND) as session:
        await undo(session, SECOND, seconded.decision_id, "再核", later(2))
    assert await total(engine, FIRST, state="second") == 1


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"verdict": "accept"}, BadInput),
        ({"verdict": "accept", "project_ids": (999_999,)}, NotFound),
        ({"verdict": "new_project", "suspected_id": 999_999}, NotFound),
        ({"verdict": "unsure", "reason": "  "}, BadInput),
        ({"verdict": "unsure", "reason": "长" * 3000}, BadInput),
        ({"verdict": "unsure", "seen": "0-0"}, Conflict),
    ],
)
async def test_what_is_not_accepted(engine: AsyncEngine, more: dict[str, Any], error: type[ThreegatesError]) -> None:
    await make_world(engine)
    with pytest.raises(error):
        await said(engine, FIRST, more.pop("verdict"), **more)
    assert await rows(engine, "SELECT id FROM link_decisions") == []


async def test_decided_is_decided_until_undone(engine: AsyncEngine) -> None:
    await make_world(engine)
    await said(engine, FIRST, "accept", project_ids=(await project_id(engine),))
    with pytest.raises(Conflict):
        await said(engine, SECOND, "new_project", 1)


async def test_who_may_look_and_who_may_decide(engine: AsyncEngine) -> None:
    await make_world(engine, {}, LOAN)
    loan = await record_id(engine, "r1")
    with pytest.raises(NotAllowed):
        await total(engine, READER)
    assert await total(engine, OFFICER) == 1
    assert await total(engine, FINANCE) == 2
    await rows(
        engine,
        "INSERT INTO organisations (id, kind, name_zh, name_en, lanes, region, created_at) "
        "VALUES ('office', 'agency', '示例', '', '{credit}', '000000', now()) RETURNING id",
    )
    assert await total(engine, FINANCE) == 1, "an office has the lanes it is for"
    with pytest.raises(NotAllowed):
        await said(engine, OFFICER, "unsure")
    with pytest.raises(NotFound):
        await said(engine, FIRST, "unsure", key="r1")
    async with acting(engine, FINANCE) as session:
        assert (await review_file(session, FINANCE, loan, later(0))).lane == "credit"
    elsewhere = viewer(8, "reviewer", region="440000")
    assert await total(engine, elsewhere) == 0
    with pytest.raises(NotAllowed):
        await said(engine, elsewhere, "unsure")


async def test_the_database_itself_refuses_foreign_hands(engine: AsyncEngine) -> None:
    await make_world(engine)
    record = await record_id(engine)
    insert = text(
        "INSERT INTO link_decisions (record_id, verdict, actor, account_id, decided_at) "
        "VALUES (:record, 'unsure', 'x', :account, now())"
    )
    for who, account in ((OFFICER, 5), (FIRST, 2)):
        with pytest.raises(NotAllowed, match="outside what your account may change"):
            async with acting(engine, who) as session:
                await (await session.connection()).execute(insert, {"record": record, "account": account})


async def test_the_file_lays_both_sides_beside_each_other(engine: AsyncEngine) -> None:
    await make_world(engine)
    async with acting(engine, FIRST) as session:
        file = await review_file(session, FIRST, await record_id(engine), later(0))
    assert file.may_decide and file.waiting and file.disguised and not file.stake
    assert file.signals["party_name"] == ["invisible", "traditional"]
    best = file.candidates[0]
    assert (best.score, best.explanation[0].feature) == (0.82, "owner_name")
    lines = {line.name: line for line in best.lines}
    party = lines["party_name"].pair
    assert party is not None and party.disguised and not party.equal
    assert [piece.kind for piece in party.one] == ["same", "unseen", "same", "written", "same"]
    assert lines["region"].agrees is True


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"band": "likely"}, 1),
        ({"band": "doubtful"}, 0),
        ({"province": "13"}, 1),
        ({"province": "44"}, 0),
        ({"sector": "steel"}, 1),
        ({"sector": "cement"}, 0),
        ({"lane": "land"}, 1),
        ({"lane": "environment"}, 0),
        ({"agency": "mnr"}, 1),
        ({"agency": "mee"}, 0),
        ({"stake": False}, 1),
        ({"stake": True}, 0),
    ],
)
async def test_filters(engine: AsyncEngine, wanted: dict[str, Any], found: int) -> None:
    await make_world(engine)
    assert await total(engine, FIRST, **wanted) == found


async def test_pages_and_next_go_through_the_queue_once(engine: AsyncEngine) -> None:
    await make_world(engine, *({} for _number in range(5)))
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        async with acting(engine, FIRST) as session:
            listed = await list_reviews(session, FIRST, ReviewFilter(), later(0), cursor=cursor, limit=2)
        seen += [one.record_id for one in listed.items]
        cursor = listed.next_cursor
    assert len(seen) == len(set(seen)) == 5
    walked: list[int] = []
    after: int | None = None
    while True:
        async with acting(engine, FIRST) as session:
            after = await next_review(session, FIRST, ReviewFilter(), later(0), after=after)
        if after is None:
            break
        walked.append(after)
    assert walked == seen
