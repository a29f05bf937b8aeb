"""Whoever was allowed is told when the project loses its standing; acts past the gate are marked."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from registry import clock
from registry.clock import today
from registry.database import transaction
from registry.errors import NotFound
from registry.gate.check_list import list_checks, receipt_at
from registry.gate.checks import ask_again, ask_one
from registry.gate.marks import list_marks, marks_of_record
from registry.gate.signing import SigningKey
from registry.gate.watch import list_notices
from registry.judging import judge_changed
from registry.registering import Telling, correct_project
from registry.settings import settings
from registry.viewers import NATION, PUBLIC, Viewer, become
from tests.registry.gate_world import BANK, GOOD, LAND, LAPSED, ask, gate_world, noon, signing_key
from tests.registry.worlds import OWNER, at, changed, nation, record, value

FINANCE = Viewer(kind="person", actor="regulator", region=NATION, permissions=frozenset({"internal", "credit", "gate"}))


@pytest.fixture(autouse=True)
def key_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of this test alone."""
    monkeypatch.setenv("THREEGATES_GATE_KEY_FILE", str(tmp_path / "key.pem"))
    settings.cache_clear()


async def _revoke(engine: AsyncEngine, revoked: str | None, hour: int) -> None:
    """Say on the project that its filing was revoked (None: that it was not)."""
    number = await value(engine, "SELECT project_id FROM project_versions WHERE code = :code", code=GOOD)
    row = {"reference": "A2", "kind": "filing", "issued": "2015-03-01"}
    async with transaction(engine) as session:
        reference = await value(
            engine, "SELECT reference FROM approvals WHERE project_id = :id AND known_to = 'infinity'", id=number
        )
        approval = {**row, "reference": reference, **({"revoked": revoked} if revoked else {})}
        telling = Telling(actor="test", at=noon() + timedelta(hours=hour), reason="test")
        await correct_project(session, number, {"approvals": [approval]}, telling)


async def _judge(engine: AsyncEngine) -> None:
    async with transaction(engine) as session:
        await judge_changed(session, clock.now())


async def _notices(engine: AsyncEngine, viewer: Any) -> list[tuple[str, list[str]]]:
    async with transaction(engine) as session:
        await become(session, viewer)
        page = await list_notices(session, viewer)
    return [(one.answer, one.content["codes"]) for one in page.items]


async def test_the_asker_is_told_once_when_standing_is_lost_and_when_it_returns(engine: AsyncEngine) -> None:
    await gate_world(engine)
    await changed(engine, at(1))
    key = await signing_key(engine)
    given = await ask(engine, key, act="land_grant", project={"code": GOOD}, party={"uscc": OWNER})
    assert given["answer"] == "allow"
    await _revoke(engine, today().isoformat(), 1)
    await _judge(engine)
    await _judge(engine)
    assert await _notices(engine, LAND) == [("refuse", ["land-without-approval:revoked"])]
    # A pass over the whole nation finds nothing new to tell.
    await nation(engine, clock.now(), today())
    assert len(await _notices(engine, LAND)) == 1
    # Nobody else is told, and the list of checks says it.
    assert await _notices(engine, BANK) == []
    async with transaction(engine) as session:
        await become(session, LAND)
        assert (await list_checks(session, LAND)).items[0].now == "refuse"
    async with transaction(engine) as session:
        await become(session, PUBLIC)
        assert (await receipt_at(session, given["id"])).now == "refuse"
    await _revoke(engine, None, 2)
    await _judge(engine)
    assert [one for one, _ in await _notices(engine, LAND)] == ["allow", "refuse"]


async def test_a_check_is_asked_again_in_one_call_by_its_organisation_alone(engine: AsyncEngine) -> None:
    await gate_world(engine)
    await changed(engine, at(1))
    key = await signing_key(engine)
    given = await ask(engine, key, BANK, act="loan", project={"code": GOOD}, party={"uscc": OWNER}, amount="5")
    async with transaction(engine) as session:
        again = await ask_again(session, BANK, given["id"])
        await ask_one(session, again, noon() + timedelta(minutes=1), key)
        third = await ask_one(session, await ask_again(session, BANK, given["id"]), noon(), key)
        assert third.receipt
        await become(session, LAND)
        with pytest.raises(NotFound):
            await ask_again(session, LAND, given["id"])
        assert not (await list_checks(session, LAND)).items
        # Whoever passes by sees nothing but the one receipt whose address it names.
        assert not (await list_checks(session, BANK)).items
        assert (await receipt_at(session, given["id"])).receipt
        await become(session, BANK)
        lines = (await list_checks(session, BANK)).items
    assert [one.recheck_of for one in lines] == [given["id"], given["id"], None]
    assert all(one.amount == 5 for one in lines)


async def _marked(engine: AsyncEngine) -> dict[str, str]:
    async with transaction(engine) as session:
        await become(session, FINANCE)
        page = await list_marks(session)
        for one in page.items:
            assert [m.mark for m in await marks_of_record(session, one.record_id)] == [one.mark]
        names = {
            one.record_id: await value(
                engine, "SELECT source_key FROM records WHERE record_id = :id LIMIT 1", id=one.record_id
            )
            for one in page.items
        }
    return {names[one.record_id]: one.mark for one in page.items}


async def test_later_grants_without_or_against_a_check_are_marked(engine: AsyncEngine) -> None:
    day = today().isoformat()
    await gate_world(
        engine,
        record("L1", "land_grant", day, project_code=GOOD, party=OWNER),
        record("L2", "land_grant", day, project_code=LAPSED, party=OWNER),
        record("L3", "loan", day, project_code=LAPSED, party=OWNER),
        record("L4", "eia_approval", day, project_code=GOOD, party=OWNER),
        record("L5", "land_grant", (today() - timedelta(days=1)).isoformat(), project_code=LAPSED, party=OWNER),
    )
    key = await signing_key(engine)
    await ask(engine, key, act="land_grant", project={"code": GOOD}, party={"uscc": OWNER})
    await ask(engine, key, act="land_grant", project={"code": LAPSED}, party={"uscc": OWNER})
    await nation(engine, clock.now(), today())
    # L5 was done before the gate began to answer.
    assert await _marked(engine) == {"L2": "against", "L3": "without", "L4": "without"}
    async with transaction(engine) as session:
        await become(session, FINANCE)
        assert [one.act for one in (await list_marks(session, lane="credit")).items] == ["loan"]
        await become(session, LAND)
        assert not (await list_marks(session, lane="credit")).items
        assert (await list_marks(session, mark="against")).total == 1
    # The same again writes nothing.
    before = await value(engine, "SELECT count(*) FROM gate_marks")
    await nation(engine, clock.now(), today())
    assert await value(engine, "SELECT count(*) FROM gate_marks") == before
    # Asked after all, the mark of the same day goes; its history stays.
    await ask(engine, key, act="eia_approval", project={"code": GOOD}, party={"uscc": OWNER})
    await nation(engine, clock.now(), today())
    assert "L4" not in await _marked(engine)
    assert await value(engine, "SELECT count(*) FROM gate_marks") == before


async def test_an_allowance_that_was_withdrawn_before_the_act_has_lapsed(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tomorrow = today() + timedelta(days=1)
    await gate_world(engine, record("L1", "land_grant", tomorrow.isoformat(), project_code=GOOD, party=OWNER))
    key: SigningKey = await signing_key(engine)
    await ask(engine, key, act="land_grant", project={"code": GOOD}, party={"uscc": OWNER})
    await nation(engine, clock.now(), tomorrow)
    assert await _marked(engine) == {}
    await _revoke(engine, today().isoformat(), 1)
    await _judge(engine)
    await nation(engine, clock.now(), tomorrow)
    assert await _marked(engine) == {"L1": "lapsed"}
