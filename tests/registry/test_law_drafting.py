"""Drafted values of the law: seen in a backtest before a second person puts them in force, then judged by."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.backtesting import backtest, drafted
from registry.database import transaction
from registry.errors import BadInput, Conflict, NotAllowed, NotFound
from registry.judging import replay
from registry.law.reading import law
from registry.law_drafting import (
    DraftValue,
    activate,
    ask_backtest,
    content_of,
    document_of,
    draft_value,
    drafts,
    law_waits,
    run_backtests,
)
from registry.law_in_force import catalogue_in_force
from registry.proposals import refuse
from registry.viewers import Viewer, become
from tests.registry.test_deciding_findings import person
from tests.registry.worlds import AS_OF, at, findings, keep, nation, record, scenario, value

REFERENCE = law().parameter("overcapacity_sectors").values[-1].reference
# From 2014-03-01 steel is none of the sectors any more: its grant of May would be no finding.
DRAFT = DraftValue(
    "overcapacity_sectors",
    "",
    "2014-03-01",
    "cement\naluminium\nglass\nships",
    REFERENCE.article,
    REFERENCE.quote_zh,
    REFERENCE.quote_en,
)
WORLD = [record("L1", "land_grant", "2014-02-01"), record("L2", "land_grant", "2014-05-01")]


async def propose(engine: AsyncEngine, viewer: Viewer, drafting: DraftValue = DRAFT) -> int:
    async with transaction(engine) as session:
        await become(session, viewer)
        return await draft_value(session, viewer, drafting, "新文件", at(2))


async def try_all(engine: AsyncEngine) -> int:
    ran = 0
    while True:
        async with transaction(engine) as session:
            done = await run_backtests(session, at(3))
        if not done:
            return ran
        ran += done


async def put_in_force(engine: AsyncEngine, viewer: Viewer, number: int, hour: int = 4) -> None:
    async with transaction(engine) as session:
        await become(session, viewer)
        await activate(session, viewer, number, 1, "同意", at(hour))


async def test_a_value_is_drafted_tried_and_put_in_force_by_two_people(engine: AsyncEngine) -> None:
    await keep(engine, scenario(WORLD))
    await nation(engine, at(1))
    assert len(await findings(engine)) == 2
    one = await person(engine, "decide", "approve")
    two = await person(engine, "decide", "approve")
    number = await propose(engine, one)
    with pytest.raises(Conflict, match="not run"):
        await put_in_force(engine, two, number)
    assert await try_all(engine) == 1
    async with transaction(engine) as session:
        await become(session, one)
        (line,) = await drafts(session)
    assert (line["more"], line["fewer"], line["other"]) == (0, 1, 0)
    with pytest.raises(NotAllowed, match="drafted"):
        await put_in_force(engine, one, number)
    with pytest.raises(NotAllowed):
        await put_in_force(engine, await person(engine, "decide"), number)
    # Nothing has changed yet.
    assert not (await nation(engine, at(3))).wrote
    await put_in_force(engine, two, number)
    async with transaction(engine) as session:
        assert await law_waits(session) == (False, True)
    judged = await nation(engine, at(5))
    # The finding of May goes; that of February stays, by the new version of its rule.
    assert (judged.opened, judged.changed, judged.closed) == (0, 1, 1)
    by_subject = {row["subject_reference"]: row for row in await findings(engine)}
    assert by_subject["scenario:L2"]["closed_reason"] == "rule-changed"
    assert by_subject["scenario:L1"]["state"] == "open"
    async with transaction(engine) as session:
        assert await law_waits(session) == (False, False)
        # What was judged before is judged again by the law of then.
        assert {flag.subject_reference for flag in await replay(session, AS_OF, at(3))} == {
            "scenario:L1",
            "scenario:L2",
        }
        assert {flag.subject_reference for flag in await replay(session, AS_OF, at(6))} == {"scenario:L1"}


async def test_a_backtest_of_another_law_does_not_count(engine: AsyncEngine) -> None:
    await keep(engine, scenario(WORLD))
    one, two = await person(engine, "decide"), await person(engine, "approve")
    first, second = await propose(engine, one), await propose(engine, one, replace(DRAFT, since="2015-01-01"))
    assert await try_all(engine) == 2
    await put_in_force(engine, two, first)
    with pytest.raises(Conflict, match="law has changed"):
        await put_in_force(engine, two, second)
    async with transaction(engine) as session:
        await become(session, one)
        await ask_backtest(session, second, at(5))
        with pytest.raises(NotFound):
            await ask_backtest(session, 999_999, at(5))
    assert await try_all(engine) == 1
    await put_in_force(engine, two, second, 6)
    assert await value(engine, "SELECT count(*) FROM parameter_values WHERE known_to = 'infinity'") == 2


async def test_a_refused_draft_is_never_in_force(engine: AsyncEngine) -> None:
    one, two = await person(engine, "decide"), await person(engine, "approve")
    number = await propose(engine, one)
    await try_all(engine)
    async with transaction(engine) as session:
        await become(session, two)
        await refuse(session, two, number, 1, "依据不足", at(4))
    with pytest.raises(Conflict, match="settled"):
        await put_in_force(engine, two, number)
    async with transaction(engine) as session:
        assert (await catalogue_in_force(session)).law is law()


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"parameter": "colour"}, "parameter"),
        ({"since": "1 March 2014"}, "since"),
        ({"since": "2010-01-01"}, "since"),
        ({"region": "13"}, "region"),
        ({"article": "g41-99"}, "article"),
        ({"quote_zh": "并无此语"}, "quote_zh"),
    ],
)
async def test_a_draft_without_law_is_refused_at_its_field(
    engine: AsyncEngine, changed: dict[str, str], where: str
) -> None:
    one = await person(engine, "decide")
    with pytest.raises(BadInput) as refused:
        await propose(engine, one, replace(DRAFT, **changed))
    assert refused.value.where == where


async def test_a_backtest_says_which_by_rule_province_and_sector(engine: AsyncEngine) -> None:
    await keep(engine, scenario([*WORLD, record("C1", "loan", "2014-08-01")]))
    async with transaction(engine) as session:
        current = await catalogue_in_force(session)
        draft = drafted(current, document_of(content_of(DRAFT, current.law)))
        found = await backtest(session, current, draft, date(2016, 12, 31))
    assert found.counts("rule")["credit-without-formalities"] == {"more": 0, "fewer": 1, "other": 0}
    assert found.counts("province") == {"13": {"more": 0, "fewer": 2, "other": 0}}
    assert found.counts("sector") == {"steel": {"more": 0, "fewer": 2, "other": 0}}
    assert [one.subject for one in found.changes] == ["scenario:C1", "scenario:L2"]
    assert "land-without-approval" in found.rules and "project-code-misused" not in found.rules
    assert not (await findings(engine))
