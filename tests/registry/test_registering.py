"""Registering and correcting: idempotent, with history, refusing what contradicts, all on a real database."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.database import transaction
from registry.describing import with_description
from registry.dirty import PURPOSES
from registry.errors import BadInput, Conflict, NotFound
from registry.registering import (
    EnterpriseItem,
    ItemsRejected,
    NoticeItem,
    Outcome,
    ProjectItem,
    SourceItem,
    Telling,
    correct_approval,
    correct_enterprise,
    correct_project,
    read_items,
    register_enterprises,
    register_notices,
    register_projects,
    register_sources,
)

AT = datetime(2026, 1, 5, 8, tzinfo=UTC)
CODE = "2017-130200-31-02-000001"

ENTERPRISE: dict[str, Any] = {
    "reference": "test:E1",
    "uscc": "91130200MA00000017",
    "name": "唐山示例甲钢铁有限公司",
    "region": "130200",
    "names": [{"name": "示例甲钢", "kind": "short"}],
    "owners": [{"name": "示例集团", "share": "60.5", "kind": "parent"}],
    "invented": True,
}
PROJECT: dict[str, Any] = {
    "reference": "test:P1",
    "code": CODE,
    "name": "年产一百万吨炼钢项目（一期）",
    "owner": "test:E1",
    "sector": "steel",
    "industry": "3120",
    "industry_edition": "2017",
    "region": "130200",
    "nature": "new_build",
    "stage": "construction",
    "capacities": [{"product": "crude_steel", "amount": "1000000", "unit": "t/a"}],
    "approvals": [{"reference": "A1", "kind": "filing", "issued": "2017-06-01", "expires": "2019-05-31"}],
    "equipment": [{"reference": "U1", "class": "converter", "size": "120", "unit": "t"}],
    "invented": True,
}


def telling(minutes: int = 0, reason: str = "test") -> Telling:
    return Telling("tester", AT + timedelta(minutes=minutes), reason)


async def enterprises(engine: AsyncEngine, *raw: Mapping[str, Any], minutes: int = 0) -> Outcome:
    items, rows, problems = read_items(EnterpriseItem, raw)
    assert not problems
    async with transaction(engine) as session:
        return await register_enterprises(session, items, telling(minutes), rows=rows)


async def projects(engine: AsyncEngine, *raw: Mapping[str, Any], minutes: int = 0, valid_only: bool = False) -> Outcome:
    items, rows, problems = read_items(ProjectItem, raw)
    assert not problems
    async with transaction(engine) as session:
        return await register_projects(session, items, telling(minutes), rows=rows, valid_only=valid_only)


async def fetch(engine: AsyncEngine, query: str, **values: Any) -> list[Any]:
    async with engine.connect() as connection:
        return list(await connection.execute(text(query), values))


async def counts(engine: AsyncEngine) -> dict[str, int]:
    tables = [
        *("enterprise_versions", "enterprise_names", "project_versions", "project_codes", "capacity_lines"),
        *("approvals", "equipment"),
    ]
    return {table: (await fetch(engine, f"SELECT count(*) FROM {table}"))[0][0] for table in tables}


async def test_what_is_said_again_changes_nothing(engine: AsyncEngine) -> None:
    assert (await enterprises(engine, ENTERPRISE)).new == ["test:E1"]
    assert (await projects(engine, PROJECT)).new == ["test:P1"]
    before = await counts(engine)
    async with transaction(engine) as session:
        await (await session.connection()).execute(text("DELETE FROM dirty_marks"))
    assert (await enterprises(engine, ENTERPRISE, minutes=1)).unchanged == ["test:E1"]
    outcome = await projects(engine, PROJECT, minutes=1)
    assert (outcome.unchanged, outcome.new, outcome.changed) == (["test:P1"], [], {})
    assert await counts(engine) == before
    assert await fetch(engine, "SELECT * FROM dirty_marks") == []


async def test_names_are_stored_normal_and_with_their_reading(engine: AsyncEngine) -> None:
    await enterprises(engine, ENTERPRISE | {"name": "長治示例甲钢铁有限公司"})
    (row,) = await fetch(engine, "SELECT name, name_pinyin FROM enterprise_versions")
    assert row.name == "長治示例甲钢铁有限公司"
    assert row.name_pinyin.startswith("chang zhi")
    await projects(engine, PROJECT)
    (project,) = await fetch(engine, "SELECT name_normal FROM project_versions")
    assert project.name_normal == "年产100万吨炼钢项目1期"


async def test_a_changed_item_is_a_correction_with_history(engine: AsyncEngine) -> None:
    await enterprises(engine, ENTERPRISE)
    await projects(engine, PROJECT)
    changed = PROJECT | {"stage": "operating", "capacities": [{"product": "crude_steel", "amount": 2, "unit": "t/a"}]}
    outcome = await projects(engine, changed, minutes=5)
    assert outcome.changed == {"test:P1": ["capacities", "stage"]}
    rows = await fetch(engine, "SELECT stage, known_from, known_to FROM project_versions ORDER BY version_id")
    assert [row.stage for row in rows] == ["construction", "operating"]
    assert rows[0].known_to == rows[1].known_from == AT + timedelta(minutes=5)
    marks = await fetch(engine, "SELECT DISTINCT purpose FROM dirty_marks WHERE kind = 'project'")
    assert {mark.purpose for mark in marks} == set(PURPOSES)


async def test_a_dated_change_ends_the_earlier_description_and_keeps_it(engine: AsyncEngine) -> None:
    await enterprises(engine, ENTERPRISE)
    await projects(engine, PROJECT)
    await projects(engine, PROJECT | {"stage": "operating", "held_from": "2020-03-01"}, minutes=1)
    rows = await fetch(
        engine,
        "SELECT stage, held_from, held_to FROM project_versions WHERE known_to = 'infinity' ORDER BY held_to",
    )
    assert [tuple(row) for row in rows] == [
        ("construction", None, date(2020, 2, 29)),
        ("operating", date(2020, 3, 1), None),
    ]


def test_descriptions_fit_among_those_held() -> None:
    held: list[dict[str, Any]] = [
        {"stage": "a", "held_from": None, "held_to": date(2019, 12, 31)},
        {"stage": "c", "held_from": date(2020, 1, 1), "held_to": None},
    ]
    between = with_description(held, {"stage": "b"}, date(2019, 6, 1))
    assert [(row["stage"], row["held_to"]) for row in between] == [
        ("a", date(2019, 5, 31)),
        ("b", date(2019, 12, 31)),
        ("c", None),
    ]
    assert [row["stage"] for row in with_description(held, {"stage": "x"}, None)] == ["a", "x"]


async def test_lists_left_out_stay_and_approvals_never_go(engine: AsyncEngine) -> None:
    await enterprises(engine, ENTERPRISE)
    await projects(engine, PROJECT)
    bare = {key: value for key, value in PROJECT.items() if key not in ("capacities", "approvals", "equipment")}
    assert (await projects(engine, bare, minutes=1)).unchanged == ["test:P1"]
    second = {"reference": "A2", "kind": "filing", "issued": "2019-06-01"}
    assert (await projects(engine, PROJECT | {"approvals": [second]}, minutes=2)).changed == {"test:P1": ["approvals"]}
    rows = await fetch(engine, "SELECT reference FROM approvals WHERE known_to = 'infinity' ORDER BY reference")
    assert [row.reference for row in rows] == ["A1", "A2"]


async def test_two_furnaces_of_one_kind_are_summed(engine: AsyncEngine) -> None:
    await enterprises(engine, ENTERPRISE)
    line = {"product": "pig_iron", "amount": "500000.50", "unit": "t/a"}
    await projects(engine, PROJECT | {"capacities": [line, line]})
    rows = await fetch(engine, "SELECT amount FROM capacity_lines")
    assert [str(row.amount) for row in rows] == ["1000001.00"]


async def test_a_late_approval_is_known_from_its_day_and_not_later_than_now(engine: AsyncEngine) -> None:
    await enterprises(engine, ENTERPRISE)
    late = {"reference": "A9", "kind": "filing", "issued": "2017-06-01", "known_from": "2019-08-01"}
    await projects(engine, PROJECT | {"approvals": [late]})
    (row,) = await fetch(engine, "SELECT known_from FROM approvals")
    assert row.known_from == datetime(2019, 7, 31, 16, tzinfo=UTC)
    with pytest.raises(ItemsRejected, match="known later"):
        await projects(engine, PROJECT | {"approvals": [late | {"known_from": "2026-02-01"}]}, minutes=1)


async def test_correcting_an_approval_keeps_what_was_known(engine: AsyncEngine) -> None:
    await enterprises(engine, ENTERPRISE)
    await projects(engine, PROJECT)
    ((approval, version),) = await fetch(engine, "SELECT approval_id, version_id FROM approvals")
    async with transaction(engine) as session:
        assert await correct_approval(
            session, approval, {"issued": date(2017, 1, 1)}, telling(9, "the paper says so"), expected_version=version
        )
    rows = await fetch(engine, "SELECT issued, reason, actor, known_to FROM approvals ORDER BY version_id")
    assert [row.issued for row in rows] == [date(2017, 6, 1), date(2017, 1, 1)]
    assert (rows[1].reason, rows[1].actor, rows[0].known_to) == (
        "the paper says so",
        "tester",
        AT + timedelta(minutes=9),
    )
    with pytest.raises(Conflict):
        async with transaction(engine) as session:
            await correct_approval(session, approval, {"number": "1"}, telling(10), expected_version=version)
    with pytest.raises(ItemsRejected, match="before issued"):
        async with transaction(engine) as session:
            await correct_approval(session, approval, {"revoked": "2001-01-01"}, telling(11))
    with pytest.raises(NotFound):
        async with transaction(engine) as session:
            await correct_approval(session, 10**9, {"number": "1"}, telling(12))


async def test_corrections_need_a_reason_and_refuse_unknown_and_fixed_fields(engine: AsyncEngine) -> None:
    await enterprises(engine, ENTERPRISE)
    project = (await projects(engine, PROJECT)).ids["test:P1"]
    for changes, reason, word in (
        ({"stage": "operating"}, " ", "reason"),
        ({"stag": "operating"}, "typo", "no such field"),
        ({"reference": "other"}, "typo", "cannot be corrected"),
        ({"stage": "opened"}, "typo", "not one of"),
    ):
        with pytest.raises(BadInput, match=word):
            async with transaction(engine) as session:
                await correct_project(session, project, changes, telling(1, reason))
    async with transaction(engine) as session:
        assert await correct_project(session, project, {"stage": "operating"}, telling(2)) == ["stage"]
    async with transaction(engine) as session:
        assert await correct_project(session, project, {"stage": "operating"}, telling(3)) == []
    rows = await fetch(engine, "SELECT count(*) FROM approvals WHERE known_to = 'infinity'")
    assert rows[0][0] == 1


async def test_a_renamed_enterprise_keeps_its_former_name(engine: AsyncEngine) -> None:
    one = (await enterprises(engine, ENTERPRISE)).ids["test:E1"]
    await projects(engine, PROJECT)
    async with transaction(engine) as session:
        changed = await correct_enterprise(
            session, one, {"name": "唐山示例乙钢铁有限公司"}, telling(1, "renamed"), held_from=date(2022, 1, 1)
        )
    assert {"name", "names"} <= set(changed)
    rows = await fetch(
        engine, "SELECT name, kind, held_to FROM enterprise_names WHERE known_to = 'infinity' ORDER BY kind"
    )
    assert [tuple(row) for row in rows] == [
        ("唐山示例甲钢铁有限公司", "former", date(2021, 12, 31)),
        ("唐山示例乙钢铁有限公司", "registered", None),
        ("示例甲钢", "short", None),
    ]
    assert await fetch(engine, "SELECT 1 FROM dirty_marks WHERE kind = 'project' AND purpose = 'index'")


async def test_a_new_code_keeps_the_old_one_as_earlier(engine: AsyncEngine) -> None:
    await enterprises(engine, ENTERPRISE)
    project = (await projects(engine, PROJECT)).ids["test:P1"]
    async with transaction(engine) as session:
        await correct_project(
            session, project, {"code": "2509-320193-89-01-544060"}, telling(1), held_from=date(2025, 9, 1)
        )
    rows = await fetch(engine, "SELECT code, kind FROM project_codes WHERE known_to = 'infinity' ORDER BY kind")
    assert [tuple(row) for row in rows] == [("2509-320193-89-01-544060", "current"), (CODE, "earlier")]


async def test_an_earlier_code_of_another_project_is_its_lineage(engine: AsyncEngine) -> None:
    await enterprises(engine, ENTERPRISE)
    first = await projects(engine, PROJECT)
    heir = {"reference": "test:P2", "code": "2018-130200-31-02-000002", "earlier_codes": [CODE]}
    heir = PROJECT | heir | {"equipment": []}
    second = await projects(engine, heir, minutes=1)
    rows = await fetch(engine, "SELECT project_id, predecessor_id FROM project_lineage")
    assert [tuple(row) for row in rows] == [(second.ids["test:P2"], first.ids["test:P1"])]
    await projects(engine, heir, minutes=2)
    assert len(await fetch(engine, "SELECT 1 FROM project_lineage")) == 1


async def test_a_code_names_one_project(engine: AsyncEngine) -> None:
    await enterprises(engine, ENTERPRISE)
    await projects(engine, PROJECT)
    with pytest.raises(ItemsRejected, match="already names"):
        await projects(engine, PROJECT | {"reference": "test:P2", "equipment": []}, minutes=1)
    # without a reference of its own the code is the key
    keyless = {key: value for key, value in PROJECT.items() if key != "reference"}
    assert (await projects(engine, keyless, minutes=2)).unchanged == ["test:P1"]


async def test_owners_are_found_by_code_and_name_or_registered(engine: AsyncEngine) -> None:
    known = (await enterprises(engine, ENTERPRISE)).ids["test:E1"]
    base = {key: value for key, value in PROJECT.items() if key not in ("owner", "code", "equipment")}
    outcome = await projects(
        engine,
        base | {"reference": "p1", "owner_uscc": "91130200MA00000017"},
        base | {"reference": "p2", "owner_name": "唐山示例甲鋼鐵有限公司"},
        base | {"reference": "p3", "owner_name": "唐山示例丙钢铁有限公司"},
        base | {"reference": "p4", "owner_name": "唐山示例丙钢铁有限公司"},
        base
        | {"reference": "p5", "owner_uscc": "91130200MA0000002", "owner_name": "示例丁"}
        | {"owner_uscc": "91110000600037341L"},
    )
    assert len(outcome.enterprises_added) == 2
    rows = await fetch(
        engine, "SELECT reference, owner_id FROM project_versions JOIN projects ON id = project_id ORDER BY reference"
    )
    owners = {row.reference: row.owner_id for row in rows}
    assert owners["p1"] == owners["p2"] == known
    assert owners["p3"] == owners["p4"] != known
    with pytest.raises(ItemsRejected, match="No enterprise"):
        await projects(engine, base | {"reference": "p6", "owner_uscc": "91130200699229617X"}, minutes=1)


async def test_invalid_rows_stop_everything_unless_valid_rows_are_asked_for(engine: AsyncEngine) -> None:
    await enterprises(engine, ENTERPRISE)
    good, bad = PROJECT, PROJECT | {"reference": "test:P2", "code": None, "owner": "nobody", "equipment": []}
    with pytest.raises(ItemsRejected) as caught:
        await projects(engine, good, bad)
    assert [(one.row, one.column, one.value) for one in caught.value.problems] == [(2, "owner", "nobody")]
    assert await fetch(engine, "SELECT 1 FROM projects") == []
    outcome = await projects(engine, good, bad, valid_only=True)
    assert (outcome.new, [one.row for one in outcome.rejected]) == (["test:P1"], [2])


async def test_equipment_stands_in_one_project(engine: AsyncEngine) -> None:
    await enterprises(engine, ENTERPRISE)
    await projects(engine, PROJECT)
    with pytest.raises(ItemsRejected, match="another project"):
        await projects(engine, PROJECT | {"reference": "test:P2", "code": None}, minutes=1)


async def test_an_earlier_instant_than_the_register_knows_is_refused(engine: AsyncEngine) -> None:
    await enterprises(engine, ENTERPRISE)
    with pytest.raises(Conflict, match="learnt"):
        await enterprises(engine, ENTERPRISE | {"address": "elsewhere"}, minutes=-60)


async def test_warnings_do_not_stop(engine: AsyncEngine) -> None:
    await enterprises(engine, ENTERPRISE)
    outcome = await projects(engine, PROJECT | {"code": "2509-320193-89-01-544061"})
    assert {one.column for one in outcome.warnings} == {"code"}
    assert len(outcome.warnings) == 2  # the check digit, and the province


async def test_notices_are_replaced_by_reference_and_never_tied_by_name(engine: AsyncEngine) -> None:
    await enterprises(engine, ENTERPRISE)
    notice = {
        "reference": "n1",
        "kind": "capacity_replacement",
        "sector": "steel",
        "title": "示例公告",
        "source": "notices",
        "items": [
            {"role": "build", "enterprise_name": "唐山示例甲钢铁有限公司", "capacity": "500万吨"},
            {"role": "exit", "enterprise_name": "示例", "enterprise_reference": "test:E1", "size": "450"},
        ],
    }
    items, _, problems = read_items(NoticeItem, [notice])
    assert not problems
    with pytest.raises(ItemsRejected, match="not registered"):
        async with transaction(engine) as session:
            await register_notices(session, items)
    async with transaction(engine) as session:
        assert await register_sources(session, [SourceItem(id="notices", title="t")]) == 1
        assert await register_sources(session, [SourceItem(id="notices", title="t")]) == 0
        assert (await register_notices(session, items)).new == ["n1"]
        assert (await register_notices(session, items)).unchanged == ["n1"]
    rows = await fetch(engine, "SELECT enterprise_id, capacity, capacity_unit FROM notice_items ORDER BY id")
    assert [(row.enterprise_id is None, row.capacity_unit) for row in rows] == [(True, "万吨"), (False, "")]
    items, _, _ = read_items(NoticeItem, [notice | {"items": notice["items"][:1]}])
    async with transaction(engine) as session:
        assert (await register_notices(session, items)).changed == {"n1": ["items"]}
    assert len(await fetch(engine, "SELECT 1 FROM notice_items")) == 1


async def test_a_region_that_never_was_is_kept_with_a_warning(engine: AsyncEngine) -> None:
    owner = {**ENTERPRISE, "region": "130299"}
    outcome = await enterprises(engine, owner)
    assert [(one.column, one.value) for one in outcome.warnings] == [("region", "130299")]
    odd = {**PROJECT, "code": None, "region": "999999", "equipment": None}
    known = {**odd, "reference": "test:P2", "region": "130200"}
    outcome = await projects(engine, odd, known)
    (warning,) = outcome.warnings
    assert (warning.row, warning.column, warning.value) == (1, "region", "999999")
    assert "区划" in warning.zh
    assert "never in force" in warning.en
    assert await fetch(engine, "SELECT region FROM project_versions ORDER BY project_id") == [("999999",), ("130200",)]
    # 崇文区 went in 2010: its code was in force once.
    assert (await projects(engine, {**known, "region": "110103"}, minutes=1)).warnings == []
