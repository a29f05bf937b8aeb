"""The default cascade: a deadline that passes undone opens the measures, evidence closes them, a cure ends them."""

from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.database import transaction
from registry.errors import BadInput, Conflict, NotAllowed
from registry.law.duties import duties
from registry.law.measures import measures
from registry.law_fact_items import EliminationItem
from registry.law_fact_writing import FACT_KINDS, tell_facts
from registry.obligation_evidence import show_done
from registry.obligation_list import ObligationFilter, list_obligations, obligation_file
from registry.obligations import Settled, address, settle_obligations
from registry.registering import Telling
from registry.viewers import PUBLIC, become
from tests.registry.test_deciding_findings import person
from tests.registry.worlds import OWNER, at, keep, record, scenario

DEADLINE = date(2011, 12, 31)
DUTY = {"enterprise": OWNER, "equipment": "BF1", "deadline": "2011-12-31"}
FURNACE = {"id": "BF1", "enterprise": OWNER, "class": "blast_furnace", "size": "380", "unit": "m3"}
PERMIT = record("D1", "discharge_permit", "2010-05-01", party=OWNER)


async def settle(engine: AsyncEngine, as_of: date, when: datetime) -> Settled:
    async with transaction(engine) as session:
        return await settle_obligations(session, as_of, when)


async def states(engine: AsyncEngine) -> dict[str, str]:
    async with transaction(engine) as session:
        page = await list_obligations(session, ObligationFilter(), limit=100)
    return {one.measure: one.state for one in page.items}


def world(*records: dict[str, Any], **more: Any) -> Any:
    return scenario([PERMIT, *records], eliminations=[DUTY], equipment=[FURNACE], **more)


def test_every_measure_rests_on_words_of_the_clause_and_on_the_division_of_work() -> None:
    rows = {one.id: one for one in duties()}
    for one in measures().all:
        assert one.duty is None or one.agency in rows[one.duty].responsible
    assert len({one.id for one in measures().all}) == 9


async def test_nothing_is_owed_on_the_deadline_and_everything_the_day_after(engine: AsyncEngine) -> None:
    await keep(engine, world())
    assert await settle(engine, DEADLINE, at(1)) == Settled(0, 0, {})
    settled = await settle(engine, date(2012, 1, 1), at(2))
    # Nobody ordered it to close, so nobody owes its deregistration.
    assert (settled.opened, settled.by_state) == (8, {"open": 8})
    assert "deregister-business" not in await states(engine)
    # The same day again, and a later one: only what time changes is written.
    assert await settle(engine, date(2012, 1, 1), at(3)) == Settled(0, 0, {"open": 8})
    late = await settle(engine, date(2012, 2, 1), at(4))
    assert (late.opened, late.changed) == (0, 1)
    assert {name for name, state in (await states(engine)).items() if state == "late"} == {"revoke-discharge-permit"}
    # What was missed for years is caught up in one go, by the heirs of the agencies.
    await settle(engine, date(2019, 1, 1), at(5))
    async with transaction(engine) as session:
        file = await obligation_file(session, address("scenario:0", "revoke-discharge-permit"))
    assert [one.state for one in file.versions] == ["late", "late", "open"]
    assert (file.owner, file.versions[-1].owner, file.due) == ("mee", "mep", date(2012, 1, 30))
    assert file.evidence["permits"][0]["reference"] == "scenario:D1"
    assert file.citation["quote_zh"].startswith("对未按规定期限淘汰落后产能的企业吊销排污许可证")


async def test_one_permit_of_two_taken_back_is_not_done(engine: AsyncEngine) -> None:
    await keep(engine, world(record("D2", "discharge_permit", "2011-05-01", party=OWNER, revoked="2012-01-20")))
    await settle(engine, date(2012, 1, 25), at(1))
    assert (await states(engine))["revoke-discharge-permit"] == "open"


async def test_taken_back_in_time(engine: AsyncEngine) -> None:
    await keep(
        engine,
        scenario(
            [record("D1", "discharge_permit", "2010-05-01", party=OWNER, revoked="2012-01-20")],
            eliminations=[DUTY],
            equipment=[FURNACE],
        ),
    )
    await settle(engine, date(2012, 1, 19), at(1))
    assert (await states(engine))["revoke-discharge-permit"] == "open"
    await settle(engine, date(2012, 1, 20), at(2))
    assert (await states(engine))["revoke-discharge-permit"] == "done"


async def test_what_is_given_against_the_ban_is_evidence(engine: AsyncEngine) -> None:
    land = record("L1", "land_grant", "2012-03-01", party=OWNER)
    before = record("L0", "land_grant", "2011-12-31", party=OWNER)
    loan = record("C1", "loan", "2012-03-01", party=OWNER)
    await keep(engine, world(before, land, loan))
    await settle(engine, date(2012, 6, 1), at(1))
    async with transaction(engine) as session:
        file = await obligation_file(session, address("scenario:0", "refuse-land"))
        credit = await obligation_file(session, address("scenario:0", "refuse-credit"))
    assert [one["reference"] for one in file.evidence["against"]] == ["scenario:L1"]
    assert file.state == "open"
    assert credit.evidence["against"] == []  # credit is confidential


async def test_cured_the_obligations_lapse_and_come_back_with_the_default(engine: AsyncEngine) -> None:
    await keep(engine, world())
    await settle(engine, date(2012, 3, 1), at(1))

    async def cure(day: str | None, hour: int) -> None:
        item = EliminationItem.model_validate({**DUTY, "reference": "scenario:0", "cured": day})
        async with transaction(engine) as session:
            await tell_facts(session, FACT_KINDS["eliminations"], [item], Telling("tester", at(hour), "told"))

    await cure("2012-03-15", 2)
    settled = await settle(engine, date(2012, 4, 1), at(3))
    assert settled.by_state == {"lapsed": 8}
    await cure("2011-12-31", 4)
    assert (await settle(engine, date(2012, 4, 1), at(5))).by_state == {"lapsed": 8}
    await cure(None, 6)
    assert (await settle(engine, date(2012, 4, 1), at(7))).by_state == {"open": 7, "late": 1}


async def test_an_order_to_close_opens_the_deregistration(engine: AsyncEngine) -> None:
    order = {"id": "O1", "enterprise": OWNER, "kind": "close", "ordered": "2012-02-01", "due": "2012-08-01"}
    await keep(engine, world(orders=[order]))
    await settle(engine, date(2012, 8, 1), at(1))
    assert (await states(engine))["deregister-business"] == "open"
    await settle(engine, date(2012, 8, 2), at(2))
    assert (await states(engine))["deregister-business"] == "late"


async def test_an_official_shows_a_document_and_it_stays(engine: AsyncEngine) -> None:
    await keep(engine, world())
    await settle(engine, date(2012, 3, 1), at(1))
    reference = address("scenario:0", "stop-power")
    officer = await person(engine, "decide", region="130000")

    async def show(viewer: Any, document: str = "唐政办〔2012〕9号", on: str = "2012-03-10") -> None:
        async with transaction(engine) as session:
            await become(session, viewer)
            await show_done(session, viewer, reference, document, on, "已要求供电企业停止供电", at(2))

    with pytest.raises(BadInput, match="document"):
        await show(officer, document=" ")
    with pytest.raises(BadInput, match="before"):
        await show(officer, on="2011-12-31")
    with pytest.raises(NotAllowed):
        await show(await person(engine))
    with pytest.raises(NotAllowed, match="region"):
        await show(await person(engine, "decide", region="330000"))
    await show(officer)
    assert (await states(engine))["stop-power"] == "done"
    with pytest.raises(Conflict):
        await show(officer)
    await settle(engine, date(2013, 3, 1), at(3))
    async with transaction(engine) as session:
        file = await obligation_file(session, reference)
    assert file.state == "done" and file.evidence["decisions"][0]["document"] == "唐政办〔2012〕9号"
    async with transaction(engine) as session:
        await become(session, PUBLIC)
        assert (await list_obligations(session, ObligationFilter())).total == 0
