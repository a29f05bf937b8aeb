"""Likeness: what names say, where texts lie, scores as the trees' sum, what is for a person, what is told anew."""

import json
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.clock import now
from registry.database import transaction
from registry.errors import BadInput
from registry.link_words import FEATURES
from registry.linking import relink_all
from registry.linking.facts import Facts, compare
from registry.linking.features import features
from registry.linking.model import SHIPPED, read_model, shipped
from registry.linking.models import active_model, adopt, model_of, use_shipped
from registry.linking.name_parts import bare_title, company_parts, project_parts
from registry.linking.places import region_in, region_number
from registry.linking.register import Asked, Owner, Project, Register, find
from registry.linking.relinking import preview_relinking
from registry.linking.thresholds import AUTOMATIC_AT_LEAST
from registry.linking.weighing import speaking, weigh
from registry.names import normalise
from tests.registry.pages import rows
from tests.registry.test_linking import PROJECTS, STEEL, _link, _register, _stored

OWNERS = [
    Owner(1, ("唐山甲示例钢铁有限公司", "唐山旧示例轧钢有限公司")),
    Owner(2, ("唐山乙示例钢铁有限公司",)),
]
NAMES = [
    "唐山甲示例钢铁有限公司年产100万吨炼钢1期项目",
    "唐山甲示例钢铁有限公司年产100万吨炼钢2期项目",
    "2号高炉大修改造项目",
]


def register() -> Register:
    return Register([Project(10 + at, name, 1 if at < 2 else 2, "130283") for at, name in enumerate(NAMES)], OWNERS)


def asked(party: str, project: str, region: str = "130200") -> Asked:
    return Asked(1, normalise(party).text, normalise(project).text, region)


@pytest.mark.parametrize(
    ("name", "place", "core", "branch"),
    [
        ("唐山合信钢铁有限公司", "唐山", "合信", ""),
        ("安阳钢铁股份有限公司", "安阳", "安阳", ""),
        ("鞍钢股份有限公司鲅鱼圈钢铁分公司", "", "鞍钢", "鲅鱼圈钢铁分公司"),
        ("河北东海特钢集团有限公司", "河北", "东海", ""),
        ("申请人：唐山合信钢铁有限公司（盖章）", "唐山", "合信", ""),
    ],
)
def test_what_a_companys_name_consists_of(name: str, place: str, core: str, branch: str) -> None:
    parts = company_parts(normalise(name).text)
    assert (parts.place, parts.core, parts.branch) == (place, core, branch)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("一期年产一百万吨炼钢", "年产1000000t炼钢第1期"),
        ("#2高炉1280立方米", "2号高炉1,280m³"),
        ("关于Ⅱ期工程环境影响报告书的批复", "二期工程"),
        ("烧结机265㎡一期", "265平方米烧结机1期"),
    ],
)
def test_stages_numbers_and_amounts_are_one_however_they_are_written(one: str, other: str) -> None:
    first, second = (project_parts(normalise(name).text) for name in (one, other))
    assert (first.phases, first.numbers, first.amounts) == (second.phases, second.numbers, second.amounts)


def test_what_an_approvals_title_puts_around_a_project_is_left_out() -> None:
    assert bare_title("关于炼钢技改项目环境影响报告书的批复") == "炼钢技改项目"
    assert bare_title("批复") == "批复"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("河北省唐山市唐海县工业区", "130209"),
        ("湖北省襄樊市", "420600"),
        ("江苏张家港", "320582"),
        ("上海市宝山区", "310113"),
        ("城区", ""),
    ],
)
def test_addresses_lie_in_regions_of_today(text: str, code: str) -> None:
    assert region_in(text) == code


def test_old_codes_are_those_of_today() -> None:
    assert region_number("130230") == 130209
    assert region_number("13") == region_number("") == 0


def test_the_stage_decides_among_an_owners_projects() -> None:
    for stage, project in (("一期", 10), ("Ⅱ期", 11)):
        weighed = weigh(register(), shipped(), [asked("唐山甲示例钢铁", f"100万吨炼钢{stage}")])
        assert weighed.projects[weighed.automatic].tolist() == [project]


def test_the_owner_s_name_alone_tells_none_of_its_projects() -> None:
    weighed = weigh(register(), shipped(), [asked("唐山甲示例钢铁有限公司", "")])
    assert {10, 11} <= set(weighed.projects.tolist()) and not weighed.automatic.any()


def test_a_stage_tells_which_though_another_is_called_more_alike() -> None:
    names = ["光伏玻璃窑炉建设项目(1期)", "光伏玻璃窑炉2期建设项目", "光伏玻璃窑炉建设项目(3期)"]
    held = Register([Project(10 + at, name, 1, "130283") for at, name in enumerate(names)], OWNERS)
    told = weigh(held, shipped(), [asked("唐山甲示例钢铁有限公司", "光伏玻璃窑炉Ⅰ期建设项目")])
    assert told.projects[told.automatic].tolist() == [10]


def test_a_record_of_two_stages_belongs_to_both() -> None:
    weighed = weigh(register(), shipped(), [asked("唐山甲示例钢铁有限公司", f"{NAMES[0].replace('1期', '1期、2期')}")])
    assert sorted(weighed.projects[weighed.automatic].tolist()) == [10, 11]


def test_stages_stand_where_they_like() -> None:
    held = register()
    held.put([Project(20, "球团技改项目1期", 2, "130283"), Project(21, "球团2期技改项目", 2, "130283")], [])
    weighed = weigh(held, shipped(), [asked("唐山乙示例钢铁有限公司", "球团一期及二期技改项目")])
    assert sorted(weighed.projects[weighed.automatic].tolist()) == [20, 21]


@pytest.mark.parametrize(
    ("party", "owner", "unlike"),
    [
        ("唐山宝信钢铁", "唐山合信钢铁有限公司", 1),
        ("唐山文丰钢铁", "唐山丰达钢铁有限公司", 1),
        ("唐山和信刚铁", "唐山合信钢铁有限公司", 0),  # sounds alike
        ("唐山信合钢铁", "唐山合信钢铁有限公司", 0),  # moved
        ("河北省唐山合信实业", "合信钢铁有限公司", 0),
        ("承德合信钢铁", "唐山合信钢铁有限公司", 2),
    ],
)
def test_who_is_another_company(party: str, owner: str, unlike: int) -> None:
    held = Register([Project(1, "2号高炉项目", 1, "130200")], [Owner(1, (owner,))])
    record = asked(party, "2号高炉项目")
    values = features(held, [record], find(held, [record]))
    assert values[0, list(FEATURES).index("unlike")] == unlike
    assert not (unlike and weigh(held, shipped(), [record]).automatic.any())


def test_a_groups_record_is_no_subsidiarys_without_a_person() -> None:
    held = Register(
        [Project(1, "2号高炉项目", 1, "371100")],
        [Owner(1, ("山东示例集团日照有限公司",), related=("鲁上示例控股集团",))],
    )
    for party in ("山东示例集团有限公司", "鲁上示例控股集团"):
        weighed = weigh(held, shipped(), [asked(party, "2号高炉项目", "371100")])
        assert weighed.projects.tolist() == [1]
        assert not weighed.automatic.any()
    assert weigh(held, shipped(), [asked("山东示例集团日照公司", "2号高炉项目", "371100")]).automatic.all()


def test_what_is_stated_beside_names_is_compared() -> None:
    stated = Facts((date(2015, 1, 1),), (("crude_steel", "t/a", 1e6),), frozenset({"P1"}), frozenset({("yuan", 5.0)}))
    known = {
        1: Facts(
            (date(2016, 1, 1),), (("crude_steel", "t/a", 8e5),), frozenset({"P1", "P2"}), frozenset({("yuan", 5.0)})
        ),
        2: Facts((), (("cement", "t/a", 1e6),), frozenset({"P3"}), frozenset({("yuan", 6.0)})),
    }
    first, second, unknown = compare([stated] * 3, known, [1, 2, 3])
    assert first.tolist() == pytest.approx([1, 0.8, 365 / 365.25, 1, 1])
    assert second.tolist() == pytest.approx([0, np.nan, np.nan, 0, 0], nan_ok=True)
    assert np.isnan(unknown).all()


def test_a_former_name_counts() -> None:
    weighed = weigh(register(), shipped(), [asked("唐山旧示例轧钢", "年产100万吨炼钢2期")])
    assert weighed.projects[weighed.automatic].tolist() == [11]


@pytest.mark.parametrize(
    ("party", "project", "region"),
    [
        ("唐山甲示例钢铁有限公司", "唐山甲示例钢铁有限公司年产300万吨炼钢1期项目", "130200"),
        ("唐山甲示例钢铁有限公司", NAMES[0].replace("1期", "4期"), "130200"),
        ("唐山乙示例钢铁有限公司", "3号高炉大修改造项目", "130200"),
        ("唐山甲示例钢铁有限公司", NAMES[0], "440300"),
    ],
)
def test_what_contradicts_is_for_a_person(party: str, project: str, region: str) -> None:
    weighed = weigh(register(), shipped(), [asked(party, project, region)])
    assert not weighed.automatic.any()
    assert len(weighed.projects)


def test_a_near_namesake_is_not_taken_for_the_owner() -> None:
    weighed = weigh(register(), shipped(), [asked("唐山丰示例钢铁有限公司", "唐山丰示例钢铁有限公司3号转炉项目")])
    assert not weighed.automatic.any()


def test_what_a_person_barred_is_never_proposed() -> None:
    record = asked("唐山甲示例钢铁", "100万吨炼钢一期")
    assert 10 in weigh(register(), shipped(), [record]).projects
    assert 10 not in weigh(register(), shipped(), [record], barred=frozenset({(1, 10)})).projects


def test_a_project_put_anew_is_found_under_its_new_name_alone() -> None:
    held = register()
    held.put([Project(12, "3号焦炉项目", 2, "130283")], [OWNERS[1]])
    found = find(held, [asked("唐山乙示例钢铁", "3号焦炉项目")])
    assert [held.projects[at].name for at in found.positions.tolist() if held.projects[at].id == 12] == ["3号焦炉项目"]
    held.put([], [], gone=[12])
    assert 12 not in {held.projects[at].id for at in find(held, [asked("", "3号焦炉项目")]).positions.tolist()}


def test_the_weights_of_the_features_sum_to_the_score() -> None:
    held, record, model = register(), asked("唐山甲示例钢", "炼钢一期"), shipped()
    values = features(held, [record], find(held, [record]))
    assert np.allclose(model.weights(values).sum(axis=1) + model.baseline + model.root, model.raw(values), atol=1e-3)
    told = speaking(model, values[:1])[0]
    assert told
    assert {one["feature"] for one in told} <= FEATURES.keys()
    assert abs(told[0]["weight"]) == max(abs(one["weight"]) for one in told)


def test_weights_of_another_time_link_from_no_lower_score_than_is_found_right_now() -> None:
    told = json.loads(SHIPPED.read_text(encoding="utf-8"))
    assert read_model(json.dumps(told | {"automatic": 0.5})).automatic == AUTOMATIC_AT_LEAST
    assert read_model(json.dumps(told | {"automatic": 0.99})).automatic == 0.99


def test_weights_for_other_features_are_refused() -> None:
    with pytest.raises(BadInput, match="other features"):
        read_model('{"features": ["length"]}')


async def test_weights_are_adopted_and_given_back(engine: AsyncEngine) -> None:
    from registry.linking.model import SHIPPED

    weights = SHIPPED.read_text(encoding="utf-8").replace('"review":0.03', '"review":0.04')
    async with transaction(engine) as session:
        connection = await session.connection()
        assert (await active_model(connection)).version == shipped().version
        mine = await adopt(connection, weights, "tester", now())
        assert (await active_model(connection)).review == 0.04
        await use_shipped(connection, now())
        assert (await active_model(connection)).version == shipped().version
        # Old scores can be told again.
        assert (await model_of(connection, mine.version)).review == 0.04


RECORD = {"party_name": "唐山甲示例钢铁", "project_name": "甲示例100万吨炼钢", **STEEL}


async def test_the_score_is_stored_with_what_speaks_and_comes_again(engine: AsyncEngine) -> None:
    await _register(engine)
    await _stored(engine, RECORD)
    await _link(engine)
    found = await rows(engine, "SELECT method, score, evidence FROM links WHERE known_to = 'infinity'")
    ((method, score, evidence),) = found
    assert method == "likeness"
    assert evidence["model"] == shipped().version
    assert evidence["speaking"]
    async with transaction(engine) as session:
        await relink_all(session)
    assert await _link(engine) == 0
    assert await rows(engine, "SELECT method, score, evidence FROM links WHERE known_to = 'infinity'") == [
        (method, score, evidence)
    ]


async def test_a_preview_says_what_relinking_would_change_and_changes_nothing(engine: AsyncEngine) -> None:
    await _register(engine, PROJECTS[1:])
    await _stored(engine, RECORD)
    await _link(engine)
    before = await rows(engine, "SELECT record_id, outcome FROM links ORDER BY version_id")
    assert before[0][1] != "linked"
    await _register(engine, PROJECTS)
    preview = await preview_relinking(engine)
    assert (preview.records, sum(preview.kinds.values())) == (1, 1)
    assert preview.examples[0].after == "linked"
    assert await rows(engine, "SELECT record_id, outcome FROM links ORDER BY version_id") == before
    # Relinking what the new project touches does it.
    await _link(engine)
    assert (await preview_relinking(engine)).kinds.total() == 0


async def test_a_persons_word_outlasts_the_linker(engine: AsyncEngine) -> None:
    await _register(engine)
    await _stored(engine, RECORD)
    await _link(engine)
    async with transaction(engine) as session:
        connection = await session.connection()
        await connection.execute(
            text(
                "INSERT INTO link_decisions (record_id, verdict, project_ids, actor, decided_at) "
                "SELECT record_id, 'reject', ARRAY[project_id], 'tester', :at FROM links WHERE known_to = 'infinity'"
            ),
            {"at": now()},
        )
        await relink_all(session)
    await _link(engine)
    assert await rows(engine, "SELECT project_id FROM links WHERE known_to = 'infinity'") == [(None,)]
    assert await rows(engine, "SELECT count(*) FROM link_candidates WHERE known_to = 'infinity'") == [(0,)]


UNKNOWN: dict[str, Any] = {"party_name": "天津丁示例不锈钢有限公司", "region": "120110", **STEEL}


async def test_records_of_one_unknown_project_are_gathered_across_gates(engine: AsyncEngine) -> None:
    await _register(engine)
    day = now().date() - timedelta(days=400)
    await _stored(
        engine,
        {**UNKNOWN, "act": "land_grant", "project_name": "年产50万吨电炉炼钢项目", "acted_on": day},
        {
            **UNKNOWN,
            "act": "eia_approval",
            "project_name": "天津丁示例不锈钢50万吨电炉炼钢",
            "party_name": "丁示例不锈钢公司",
        },
        {**UNKNOWN, "act": "loan", "kind": "construction", "project_name": None},
        {
            **UNKNOWN,
            "act": "land_grant",
            "project_name": "年产50万吨电炉炼钢项目",
            "party_name": "天津戊示例特钢有限公司",
        },
    )
    await _link(engine)
    found = await rows(
        engine,
        "SELECT records, lanes, party_name FROM suspected_versions WHERE known_to = 'infinity' ORDER BY records DESC",
    )
    assert [(records, lanes) for records, lanes, _ in found] == [(3, 3), (1, 1)]
    # Registered now: its records find it, and nothing is suspected of them any more.
    await _register(
        engine,
        [*PROJECTS, {**PROJECTS[0], "reference": "t:P9", "code": None, "earlier_codes": [], "region": "120110",
                     "name": "天津丁示例不锈钢有限公司年产50万吨电炉炼钢项目", "owner": "t:A"}],
    )  # fmt: skip
    await _link(engine)
    left = await rows(engine, "SELECT count(*) FROM suspected_members WHERE known_to = 'infinity'")
    assert left[0][0] < 4
