"""Facts of the law: told by reference with history, and what they bear on is judged again."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.database import transaction
from registry.import_problems import ItemsRejected
from registry.law_fact_writing import FACT_KINDS, tell_facts
from registry.outcomes import Outcome
from registry.restating import Telling
from tests.registry.worlds import CODE, OWNER, at, changed, findings, keep, nation, project, record, scenario, value


async def tell(engine: AsyncEngine, kind: str, when: int, *said: dict[str, Any]) -> Outcome:
    items = [FACT_KINDS[kind].item.model_validate(one) for one in said]
    async with transaction(engine) as session:
        return await tell_facts(session, FACT_KINDS[kind], items, Telling("tester", at(when), "test"))


async def open_rules(engine: AsyncEngine) -> set[tuple[str, str]]:
    return {
        (one["rule"], one["subject_reference"].removeprefix("scenario:"))
        for one in await findings(engine)
        if one["state"] == "open"
    }


async def test_the_same_again_changes_nothing_and_a_correction_keeps_what_was_known(engine: AsyncEngine) -> None:
    await keep(engine, scenario([]))
    halt = {"reference": "D1", "project": CODE, "kind": "halt", "decided": "2014-07-01"}
    assert (await tell(engine, "dispositions", 1, halt)).new == ["D1"]
    assert (await tell(engine, "dispositions", 2, halt)).unchanged == ["D1"]
    corrected = await tell(engine, "dispositions", 3, {**halt, "decided": "2014-08-01"})
    assert list(corrected.changed) == ["D1"]
    assert await value(engine, "SELECT count(*) FROM dispositions WHERE known_to <> 'infinity'") == 1
    assert (await tell(engine, "dispositions", 4, {**halt, "withdrawn": True})).changed
    assert await value(engine, "SELECT count(*) FROM dispositions WHERE known_to = 'infinity'") == 0


async def test_what_names_nothing_registered_is_refused_with_its_row(engine: AsyncEngine) -> None:
    await keep(engine, scenario([]))
    with pytest.raises(ItemsRejected) as refused:
        await tell(engine, "dispositions", 1, {"reference": "D1", "project": "nobody's", "kind": "halt"})
    assert [(one.row, one.column) for one in refused.value.problems] == [(1, "project")]
    assert await value(engine, "SELECT count(*) FROM dispositions") == 0


CASES: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "dispositions": (
        {"reference": "1", "project": CODE, "kind": "halt", "decided": "2014-05-01", "published": "2014-05-01"},
        ("halted-project-supported", "L1"),
    ),
    "eliminations": (
        {"reference": "1", "enterprise": OWNER, "deadline": "2011-12-31"},
        ("defaulter-supported", "L1"),
    ),
    "restrictions": (
        {"reference": "1", "region": "130000", "from": "2014-06-01"},
        ("restricted-region-approval", "E1"),
    ),
}


@pytest.mark.parametrize("kind", CASES)
async def test_a_told_fact_is_judged_by_what_changed_and_a_withdrawn_one_closes_what_it_brought(
    engine: AsyncEngine, kind: str
) -> None:
    fact, expected = CASES[kind]
    acts = [record("L1", "land_grant", "2014-07-01"), record("E1", "eia_approval", "2014-07-01")]
    await keep(engine, scenario(acts, project()))
    await changed(engine, at(1))
    assert expected not in await open_rules(engine)
    await tell(engine, kind, 2, fact)
    await changed(engine, at(3))
    after = await open_rules(engine)
    assert expected in after
    # The nation finds the same, and nothing more.
    assert not (await nation(engine, at(4), date(2026, 1, 1))).wrote
    await tell(engine, kind, 5, {**fact, "withdrawn": True})
    await changed(engine, at(6))
    assert expected not in await open_rules(engine)
    assert not (await nation(engine, at(7), date(2026, 1, 1))).wrote


async def test_a_plan_that_comes_late_closes_the_approval_finding(engine: AsyncEngine) -> None:
    capacity = {"product": "crude_steel", "amount": "1000000", "unit": "t/a"}
    await keep(engine, scenario([], project(capacities=[capacity])))
    await changed(engine, at(1))
    assert ("new-capacity-approved", "A1") in await open_rules(engine)
    plan: dict[str, Any] = {
        "reference": "P1",
        "project": CODE,
        "published": "2014-03-01",
        "confirmed": "2014-05-01",
        "announced": "2014-05-01",
        "listed": "2014-05-01",
        "units": [{"reference": "U1", "product": "crude_steel", "amount": "1500000", "retired": "2014-05-01"}],
    }
    await tell(engine, "plans", 2, plan)
    await changed(engine, at(3))
    assert not await open_rules(engine)
    (closed,) = [one for one in await findings(engine) if one["rule"] == "new-capacity-approved"]
    assert (closed["state"], closed["closed_reason"]) == ("closed", "plan-changed")
