"""Linking: by code, number and name; unlinked where it is not sure; none only where nothing fits for sure."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from registry import dirty
from registry.clock import now
from registry.database import transaction
from registry.enterprise_writing import register_enterprises
from registry.import_items import EnterpriseItem, ProjectItem
from registry.linking import Linked, claim_records, decide, link_changed, relink_all, running
from registry.linking.running import link_waiting
from registry.linking.scoring import score_links
from registry.project_writing import register_projects
from registry.restating import Telling
from registry.review_queue import ReviewFilter, list_reviews
from tests.registry.pages import open_run, page, rows, store
from tests.registry.reviews import FIRST, acting

A, B, C = "91130200MA00000017", "91130200MA00000025", "91130200MA00000033"
CODE, OTHER_CODE = "2017-130200-31-03-000001", "2017-130200-31-03-000009"
ENTERPRISES: list[dict[str, Any]] = [
    {
        "reference": "t:A",
        "name": "唐山甲示例钢铁有限公司",
        "uscc": A,
        "region": "130200",
        "names": [{"name": "唐山甲示例商贸有限公司", "kind": "former", "to": "2016-12-31"}],
    },
    {"reference": "t:B", "name": "唐山乙示例水泥有限公司", "uscc": B, "region": "130200"},
    {"reference": "t:C", "name": "邯郸丙示例玻璃有限公司", "uscc": C, "region": "130400"},
]
PROJECTS: list[dict[str, Any]] = [
    {
        "reference": "t:P1",
        "code": CODE,
        "earlier_codes": ["2015-130200-31-03-000008"],
        "name": "唐山甲示例钢铁有限公司年产100万吨炼钢项目",
        "owner": "t:A",
        "sector": "steel",
    },
    {
        "reference": "t:P2",
        "code": None,
        "name": "唐山乙示例水泥有限公司一期熟料生产线项目",
        "owner": "t:B",
        "sector": "cement",
        "capacities": [{"product": "clinker", "amount": "1000000", "unit": "t/a"}],
    },
    {
        "reference": "t:P3",
        "code": None,
        "name": "唐山乙示例水泥有限公司二期粉磨站项目",
        "owner": "t:B",
        "sector": "cement",
        "capacities": [{"product": "cement", "amount": "600000", "unit": "t/a"}],
    },
]
STEEL = {"industry": "3120", "industry_edition": "2017"}
CEMENT = {"industry": "3011", "industry_edition": "2017"}


async def _register(engine: AsyncEngine, projects: list[dict[str, Any]] = PROJECTS) -> None:
    telling = Telling(actor="test", at=now(), reason="test")
    shared = {"invented": True}
    async with transaction(engine) as session:
        await register_enterprises(
            session, [EnterpriseItem.model_validate({**one, **shared}) for one in ENTERPRISES], telling
        )
        placed = {"region": "130200", "nature": "new_build", "stage": "construction", **shared}
        await register_projects(session, [ProjectItem.model_validate({**placed, **one}) for one in projects], telling)


async def _link(engine: AsyncEngine) -> int:
    changed = 0
    while True:
        async with transaction(engine) as session:
            done = await link_changed(session, now())
        if not done.claimed:
            return changed
        changed += done.changed


async def _stored(engine: AsyncEngine, *records: dict[str, Any]) -> None:
    writer = await open_run(engine)
    placed = [{"source_key": f"r{number}", "region": "130200", **record} for number, record in enumerate(records)]
    await store(engine, writer, page(placed))
    await rows(engine, "UPDATE sync_runs SET state = 'done' RETURNING id")


async def _decided(engine: AsyncEngine) -> tuple[str, str, str | None]:
    """Outcome, method and project of the one record."""
    ((outcome, method, project),) = await rows(
        engine,
        "SELECT outcome, method, p.reference FROM links LEFT JOIN projects AS p ON p.id = project_id "
        "WHERE links.known_to = 'infinity'",
    )
    return outcome, method, project


LINKED = [
    ("present code", {"project_code": CODE}, "project_code", "t:P1"),
    ("earlier code", {"project_code": "2015-130200-31-03-000008"}, "project_code", "t:P1"),
    (
        "code of another party in another region",
        {"project_code": CODE, "party_uscc": C, "region": "440300"},
        "project_code",
        "t:P1",
    ),
    ("number, only project", {"party_uscc": A}, "uscc", "t:P1"),
    ("number, project's name", {"party_uscc": B, "project_name": PROJECTS[1]["name"]}, "uscc", "t:P2"),
    (
        "number, product",
        {"party_uscc": B, "stated_capacity": [{"product": "cement", "amount": "600000", "unit": "t/a"}]},
        "uscc",
        "t:P3",
    ),
    ("name", {"party_name": "唐山甲示例钢铁有限公司"}, "name_region", "t:P1"),
    ("disguised name", {"party_name": "唐山甲\u200b示例 鋼鐵有限公司", "region": "130283"}, "name_region", "t:P1"),
    (
        "former name, on a day it was borne",
        {"party_name": "唐山甲示例商贸有限公司", "acted_on": "2016-05-01"},
        "name_region",
        "t:P1",
    ),
    ("project's name alone", {"project_name": "唐山甲示例钢铁有限公司年产一百万吨炼钢项目"}, "likeness", "t:P1"),
    ("mistyped name", {"party_name": "唐山甲示例钢铁有限公", **STEEL}, "likeness", "t:P1"),
    (
        "abbreviated names",
        {"party_name": "唐山乙示例水泥", "project_name": "乙示例水泥2期粉磨站"},
        "likeness",
        "t:P3",
    ),
    ("unknown code, right name", {"project_code": OTHER_CODE, "party_uscc": A}, "uscc", "t:P1"),
]
NOT_DECIDED = [
    ("several projects", {"party_uscc": B}, "several_projects"),
    ("another stage of the works", {"party_uscc": A, "project_name": "年产300万吨炼钢项目"}, "likely_match"),
    ("the owner elsewhere", {"party_uscc": A, "region": "440300"}, "no_exact_match"),
    ("name in another province", {"party_name": "唐山甲示例钢铁有限公司", "region": "440300"}, "likely_match"),
    (
        "a sector that nobody has there, by somebody who is registered elsewhere",
        {"party_name": "唐山甲示例钢铁有限公司", "region": "440300", **STEEL},
        "likely_match",
    ),
    (
        "name with another's number",
        {"party_name": "唐山甲示例钢铁有限公司", "party_uscc": "91130200MA00000041", **STEEL},
        "contradicting_uscc",
    ),
    (
        "unknown number with a doubtful check digit",
        {"party_uscc": "91130200MA00000041", "details": {"warnings": {"party_uscc": ["uscc-check-digit"]}}, **STEEL},
        "unknown_party",
    ),
    ("nothing said, nothing shown", {}, "unknown_party"),
]
NONE = [
    (
        "somebody else's works",
        {"party_name": "天津丁示例不锈钢有限公司", "project_name": "天津丁示例年产50万吨电炉炼钢项目", **STEEL},
        "no_likely_project",
        "steel",
    ),
    ("unknown code", {"project_code": OTHER_CODE, **STEEL}, "unregistered_code", "steel"),
    ("unknown number", {"party_uscc": "91130200MA00000041", **CEMENT}, "unregistered_uscc", "cement"),
    ("enterprise without a fitting project", {"party_uscc": C, **STEEL}, "no_fitting_project", "steel"),
    ("no project of the sector anywhere near", {"region": "440300", **STEEL}, "no_project_in_place", "steel"),
    ("ships nowhere", {"region": None, "project_name": "某厂5万吨级船坞建设项目"}, "no_project_in_place", "ships"),
]


@pytest.mark.parametrize(("record", "method", "project"), [one[1:] for one in LINKED], ids=[one[0] for one in LINKED])
async def test_linked(engine: AsyncEngine, record: dict[str, Any], method: str, project: str) -> None:
    await _register(engine)
    if "acted_on" in record:
        record = {**record, "acted_on": now().date().replace(2016, 5, 1)}
    await _stored(engine, record)
    await _link(engine)
    assert await _decided(engine) == ("linked", method, project)
    ((score, evidence),) = await rows(engine, "SELECT score, evidence FROM links WHERE known_to = 'infinity'")
    assert 0.8 <= score <= 1
    assert evidence


@pytest.mark.parametrize(("record", "method"), [one[1:] for one in NOT_DECIDED], ids=[one[0] for one in NOT_DECIDED])
async def test_not_decided(engine: AsyncEngine, record: dict[str, Any], method: str) -> None:
    await _register(engine)
    await _stored(engine, record)
    await _link(engine)
    assert await _decided(engine) == ("unlinked", method, None)


@pytest.mark.parametrize(("record", "method", "sector"), [one[1:] for one in NONE], ids=[one[0] for one in NONE])
async def test_none_fits(engine: AsyncEngine, record: dict[str, Any], method: str, sector: str) -> None:
    await _register(engine)
    await _stored(engine, record)
    await _link(engine)
    assert await _decided(engine) == ("none", method, None)
    assert await rows(engine, "SELECT shown_sector FROM links WHERE known_to = 'infinity'") == [(sector,)]


async def test_an_owner_without_a_number_could_be_anybody(engine: AsyncEngine) -> None:
    """Where the register does not know every USCC, an unknown USCC accuses nobody."""
    del_number = [{**one, "uscc": None} if one["reference"] == "t:B" else one for one in ENTERPRISES]
    telling = Telling(actor="test", at=now(), reason="test")
    async with transaction(engine) as session:
        await register_enterprises(session, [EnterpriseItem.model_validate(one) for one in del_number], telling)
    await _register_projects_only(engine)
    await _stored(engine, {"party_uscc": "91130200MA00000041", **CEMENT})
    await _link(engine)
    assert (await _decided(engine))[0] == "unlinked"


async def _register_projects_only(engine: AsyncEngine) -> None:
    placed = {"region": "130200", "nature": "new_build", "stage": "construction", "invented": True}
    async with transaction(engine) as session:
        telling = Telling(actor="test", at=now(), reason="test")
        await register_projects(session, [ProjectItem.model_validate({**placed, **one}) for one in PROJECTS], telling)


async def test_how_a_name_was_hidden_stays_with_the_link(engine: AsyncEngine) -> None:
    await _register(engine)
    hidden = {"party_name": "唐山甲\u200b示例钢铁有限公司", "project_name": "Ⅱ期炼钢（１００万吨）"}
    await _stored(engine, hidden, {"party_name": "唐山甲示例钢铁有限公司", "project_name": "炼钢：二期"})
    await _link(engine)
    found = await rows(
        engine,
        "SELECT r.source_key, l.evidence -> 'disguise' FROM links AS l JOIN records AS r USING (record_id) "
        "WHERE l.known_to = 'infinity' ORDER BY 1",
    )
    async with acting(engine, FIRST) as session:
        listed = await list_reviews(session, FIRST, ReviewFilter(state="disguised", region="130000"), now())
        assert (listed.total, [one.party_name for one in listed.items]) == (1, [hidden["party_name"]])
    assert [tuple(row) for row in found] == [
        ("r0", {"party_name": ["invisible"], "project_name": ["full_width"]}),
        ("r1", None),
    ]
    async with transaction(engine) as session:
        await relink_all(session)
    assert await _link(engine) == 0


@pytest.mark.parametrize(
    ("record", "sector"),
    [
        ({"project_name": "甲钢铁有限公司职工宿舍楼", "party_name": "甲钢铁有限公司"}, None),
        ({"project_name": "年产80万吨电炉炼钢项目", "act": "loan", "kind": "working_capital"}, None),
        ({"project_name": "年产80万吨电炉炼钢项目", "act": "loan", "kind": "construction"}, "steel"),
        ({"project_name": "铸造车间", "industry": "3391", "industry_edition": "2017"}, None),
        ({"industry": "3216", "industry_edition": "2017"}, None),  # more than electrolytic aluminium
        ({"industry": "3216", "industry_edition": "2017", "project_name": "年产10万吨电解铝项目"}, "aluminium"),
        ({"industry": "3216", "industry_edition": "2017", "details": {"kwh_per_tonne": "13500"}}, "aluminium"),
        ({"industry": "3216", "industry_edition": "2017", "details": {"kwh_per_tonne": None}}, None),
        ({"industry": "3216", "industry_edition": "2017", "project_name": "示例预焙槽改造项目"}, "aluminium"),
        ({"industry": "3216", "industry_edition": "2017", "project_name": "示例再生铝项目"}, None),
        ({"project_name": "示例铜电解槽项目"}, None),  # pots of other metals
        # 3130 of 2011 is casting, of 2017 rolling.
        ({"industry": "3130", "industry_edition": "2011"}, None),
        ({"industry": "3130", "industry_edition": "2017"}, "steel"),
        # What is stated outweighs what it is called: a casting furnace that makes crude steel.
        ({**CEMENT, "stated_capacity": [{"product": "crude_steel", "amount": "1", "unit": "t/a"}]}, "steel"),
    ],
)
async def test_the_sector_that_a_record_shows(engine: AsyncEngine, record: dict[str, Any], sector: str | None) -> None:
    await _stored(engine, record)
    await _link(engine)
    assert await rows(engine, "SELECT shown_sector FROM links WHERE known_to = 'infinity'") == [(sector,)]


async def test_linking_again_changes_nothing_and_a_change_keeps_history(engine: AsyncEngine) -> None:
    await _register(engine)
    await _stored(engine, {"party_uscc": B, "source_modified": "2020-01-01T00:00:00+00:00"})
    assert await _link(engine) == 1
    async with transaction(engine) as session:
        await relink_all(session)
    assert await _link(engine) == 0
    corrected = {"party_uscc": A, "source_modified": "2020-01-02T00:00:00+00:00"}
    await _stored(engine, corrected)
    assert await _link(engine) == 1
    history = await rows(engine, "SELECT outcome, known_to = 'infinity' FROM links ORDER BY known_from, known_to")
    assert history == [("unlinked", False), ("linked", True)]


async def test_a_project_registered_later_takes_its_records_along(engine: AsyncEngine) -> None:
    await _register(engine, PROJECTS[1:])
    await _stored(engine, {"project_code": CODE, **STEEL})
    await _link(engine)
    assert (await _decided(engine))[0] == "none"
    async with transaction(engine) as session:
        purposes: tuple[dirty.Purpose, ...] = ("judge", "index")
        for purpose in purposes:
            await dirty.settle(session, purpose, await dirty.claim(session, purpose))
    await _register(engine)
    assert await _link(engine) == 1
    assert await _decided(engine) == ("linked", "project_code", "t:P1")
    marked = await rows(engine, "SELECT purpose, kind FROM dirty_marks WHERE purpose <> 'link' ORDER BY 1, 2")
    assert {("judge", "record"), ("judge", "project"), ("index", "record"), ("index", "project")} <= set(marked)


async def test_a_record_leads_judging_to_its_project_and_a_mark_to_the_one_it_left(
    engine: AsyncEngine,
) -> None:
    async def awaiting(purpose: str) -> list[tuple[str]]:
        return await rows(engine, f"SELECT DISTINCT kind FROM dirty_marks WHERE purpose = '{purpose}' ORDER BY 1")

    async def settled() -> None:
        async with transaction(engine) as session:
            for purpose in dirty.PURPOSES:
                await dirty.settle(session, purpose, await dirty.claim(session, purpose))

    await _register(engine)
    await settled()
    await _stored(engine, {"project_code": CODE, "source_modified": "2020-01-01T00:00:00+00:00", **STEEL})
    await _link(engine)
    assert (await _decided(engine))[2] == "t:P1"
    assert await awaiting("judge") == [("record",)]
    assert await awaiting("index") == [("project",), ("record",)]
    await settled()
    await _stored(engine, {"party_uscc": B, "source_modified": "2020-01-02T00:00:00+00:00"})
    await _link(engine)
    assert (await _decided(engine))[2] is None
    assert await awaiting("judge") == [("project",), ("record",)]


async def test_what_an_unsettled_run_brought_is_not_linked_for_another_reason(engine: AsyncEngine) -> None:
    await _register(engine, PROJECTS[1:])
    writer = await open_run(engine)
    await store(engine, writer, page([{"source_key": "r0", "project_code": CODE, "region": "130200"}]))
    await _link(engine)
    await _register(engine)
    await _link(engine)
    assert await rows(engine, "SELECT count(*) FROM links") == [(0,)]


async def test_a_persons_decision_stands(engine: AsyncEngine) -> None:
    await _register(engine)
    await _stored(engine, {"party_uscc": B})
    await _link(engine)
    at = now() + timedelta(seconds=1)
    await rows(engine, "UPDATE links SET known_to = :at RETURNING 1", at=at)
    await rows(
        engine,
        "INSERT INTO links (record_id, project_id, outcome, method, decided_by, known_from) "
        "SELECT r.record_id, p.id, 'linked', 'person', '甲', :at FROM records AS r, projects AS p "
        "WHERE p.reference = 't:P2' RETURNING 1",
        at=at,
    )
    async with transaction(engine) as session:
        await relink_all(session)
    assert await _link(engine) == 0
    assert await _decided(engine) == ("linked", "person", "t:P2")


async def test_scores_against_a_truth(engine: AsyncEngine) -> None:
    await _register(engine)
    await _stored(
        engine, {"party_uscc": A}, {"party_uscc": B}, {"project_code": OTHER_CODE, **STEEL}, {"party_uscc": A}
    )
    await _link(engine)
    truth = {("land", "r0"): {"t:P1"}, ("land", "r1"): {"t:P2"}, ("land", "r2"): set[str](), ("land", "r3"): {"t:P3"}}
    async with transaction(engine) as session:
        score = (await score_links(session, truth))["land"]
    assert (score.records, score.linked, score.unlinked, score.none, score.wrong, score.missed) == (4, 2, 1, 1, 1, 1)


async def test_all_that_waits_is_linked_by_batches_side_by_side_as_by_one(engine: AsyncEngine) -> None:
    await _register(engine)
    named = [{"party_name": one["name"], "act": "land_grant", **STEEL} for one in ENTERPRISES]
    await _stored(engine, *named, *named, *named)
    done: list[Linked] = []
    await link_waiting(engine, done.append, limit=2, side_by_side=3)
    before = await rows(engine, _LINKS)
    assert len(before) == 3 * len(ENTERPRISES) <= sum(one.records for one in done)
    async with transaction(engine) as session:
        await relink_all(session)
    assert await _link(engine) == 0
    assert await rows(engine, _LINKS) == before


async def test_what_is_less_than_a_batch_for_each_is_shared_out(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "LEAST", 2)
    await _register(engine)
    await _link(engine)
    await _stored(engine, *({"party_name": one["name"], **STEEL} for one in (ENTERPRISES * 4)[:8]))
    done: list[Linked] = []
    await link_waiting(engine, done.append, side_by_side=2)
    assert [one.claimed for one in done] == [4, 4]


async def test_where_one_batch_fails_the_others_end_and_what_was_not_done_stays_marked(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _register(engine)
    await _stored(engine, {"party_name": ENTERPRISES[0]["name"], "act": "land_grant", **STEEL})

    async def fail(*_: object) -> None:
        raise RuntimeError("no weights")

    monkeypatch.setattr("registry.linking.active_model", fail)
    with pytest.raises(RuntimeError, match="no weights"):
        await asyncio.wait_for(link_waiting(engine, lambda _: None), 30)
    monkeypatch.undo()
    assert await rows(engine, "SELECT DISTINCT kind FROM dirty_marks WHERE purpose = 'link' ORDER BY 1")
    await link_waiting(engine, lambda _: None)
    assert not await rows(engine, "SELECT 1 FROM dirty_marks WHERE purpose = 'link'")


_LINKS = "SELECT record_id, project_id, outcome, method FROM links WHERE known_to = 'infinity' ORDER BY 1, 2"


async def test_a_title_borne_in_another_province_excludes_nothing_and_is_no_candidate(engine: AsyncEngine) -> None:
    works = [
        PROJECTS[0] | {"reference": region, "code": None, "earlier_codes": [], "name": "高炉大修改造", "region": region}
        for region in ("130200", "440300")
    ]
    await _register(engine, works)
    await _stored(engine, {"project_name": "高炉大修改造", "act": "land_grant", "region": "370100", **STEEL})
    await _link(engine)
    ((outcome,),) = await rows(engine, "SELECT outcome FROM links WHERE known_to = 'infinity'")
    # Its region may be what is wrong: a person looks, and no flag follows.
    assert outcome == "unlinked"
    async with transaction(engine) as session:
        connection = await session.connection()
        ids = await rows(engine, "SELECT record_id FROM records")
        await claim_records(connection, [one for (one,) in ids])
        await decide(connection)
        assert (await connection.exec_driver_sql("SELECT count(*) FROM candidates")).scalar_one() == 0
