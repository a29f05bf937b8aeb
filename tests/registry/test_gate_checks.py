"""What is asked at the gate is answered by the rules: allow, refuse or refer, with article, evidence and remedy."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.clock import today
from registry.errors import BadInput
from registry.gate.signing import SigningKey
from registry.settings import settings
from tests.registry.gate_world import BANK, GOOD, HOSPITAL, LAND, LAPSED, UNKNOWN, ask, gate_world, signing_key
from tests.registry.test_deciding_findings import person
from tests.registry.test_law_drafting import propose, put_in_force, try_all
from tests.registry.worlds import CODE, OTHER, OWNER, at, changed, value


@pytest.fixture
def key_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key of this test alone."""
    monkeypatch.setenv("THREEGATES_GATE_KEY_FILE", str(tmp_path / "key.pem"))
    settings.cache_clear()
    return tmp_path


@pytest.fixture
async def key(engine: AsyncEngine, key_folder: Path) -> SigningKey:
    """The register with its key."""
    await gate_world(engine)
    await changed(engine, at(1))
    return await signing_key(engine)


async def test_a_filed_project_may_go_on(engine: AsyncEngine, key: SigningKey) -> None:
    given = await ask(engine, key, act="land_grant", project={"code": GOOD}, party={"uscc": OWNER})
    assert (given["answer"], given["reasons"], given["missing"]) == ("allow", [], [])
    assert given["holds_until"] == (today() + timedelta(days=30)).isoformat()
    assert given["project"]["name"] == "年产200万吨轧钢示例项目"
    assert given["evidence"]["approvals"][0]["issued"] == "2015-03-01"


async def test_an_expired_filing_refuses_land_with_the_article(engine: AsyncEngine, key: SigningKey) -> None:
    given = await ask(engine, key, lane="land", project={"code": LAPSED}, party={"uscc": OWNER})
    assert given["answer"] == "refuse"
    reason = next(one for one in given["reasons"] if one["rule"] == "land-without-approval")
    assert reason["codes"] == ["expired"]
    assert reason["citations"][0]["quote_zh"] == "对未经核准、备案的项目，一律不得批准使用土地、岸线。"
    assert given["missing"][0]["agency"] == "ndrc"
    assert given["holds_until"] is None


async def test_credit_names_all_that_is_missing_and_who_has_it_today(engine: AsyncEngine, key: SigningKey) -> None:
    given = await ask(engine, key, BANK, act="loan", project={"code": LAPSED}, party={"uscc": OWNER}, amount="1000")
    assert given["answer"] == "refuse"
    assert {one["code"]: one["agency"] for one in given["missing"]} == {
        "missing-approval": "ndrc",
        "missing-land": "mnr",
        "missing-eia": "mee",
        "missing-energy-assessment": "ndrc",
    }


async def test_a_derived_reason_alone_is_for_a_person(engine: AsyncEngine, key: SigningKey) -> None:
    given = await ask(engine, key, act="land_grant", project={"code": GOOD}, party={"uscc": OTHER})
    assert given["answer"] == "refer"
    assert [one["rule"] for one in given["reasons"]] == ["project-code-misused"]
    assert "derived-only" in [one["code"] for one in given["notes"]]


async def test_another_industry_is_not_held_up(engine: AsyncEngine, key: SigningKey) -> None:
    given = await ask(engine, key, act="land_grant", project={"code": HOSPITAL}, party={"uscc": OWNER})
    assert given["answer"] == "allow"
    assert "no-overcapacity-sector" in [one["code"] for one in given["notes"]]


async def test_an_unknown_code(engine: AsyncEngine, key: SigningKey) -> None:
    steel = await ask(engine, key, act="land_grant", project={"code": UNKNOWN, "product": "crude_steel"})
    assert (steel["answer"], steel["reasons"][0]["codes"]) == ("refuse", ["no-project"])
    unsaid = await ask(engine, key, act="land_grant", project={"code": UNKNOWN})
    assert (unsaid["answer"], unsaid["reasons"]) == ("refer", [])
    assert {"project-unknown-code", "sector-not-shown"} <= {one["code"] for one in unsaid["notes"]}


async def test_a_description(engine: AsyncEngine, key: SigningKey) -> None:
    said = {"name": "年产200万吨轧钢示例项目", "place": "河北省唐山市"}
    exact = await ask(engine, key, act="land_grant", project=said, party={"name": "示例甲钢铁厂"})
    assert (exact["answer"], exact["found"], exact["project"]["code"]) == ("allow", "name", GOOD)
    near = await ask(engine, key, act="land_grant", project={**said, "name": "年产200万吨轧钢示例工程"})
    assert (near["answer"], near["found"], near["project"]) == ("refer", "similar", None)
    assert near["candidates"][0]["code"] == GOOD
    elsewhere = await ask(engine, key, act="land_grant", project={**said, "place": "广东省深圳市"})
    assert elsewhere["found"] == "not-found"
    several = await ask(
        engine, key, act="land_grant", project={"name": "示例工程", "place": "130200"}, party={"uscc": OWNER}
    )
    assert (several["answer"], several["found"]) == ("refer", "several")
    assert {one["code"] for one in several["candidates"]} >= {CODE, GOOD, LAPSED}
    none = await ask(engine, key, act="land_grant", project={"name": "示例丁炼钢厂高炉工程", "product": "crude_steel"})
    assert (none["answer"], none["found"]) == ("refer", "not-found")
    # What would be flagged if it is indeed not registered is said too.
    assert none["reasons"][0]["codes"] == ["no-project"]


async def test_the_same_key_gets_the_same_answer(engine: AsyncEngine, key: SigningKey) -> None:
    asked: dict[str, Any] = {"act": "land_grant", "project": {"code": GOOD}}
    one = await ask(engine, key, idempotency_key="a-key-of-ours", **asked)
    again = await ask(engine, key, idempotency_key="a-key-of-ours", **asked)
    assert one == again
    assert await value(engine, "SELECT count(*) FROM gate_checks") == 1
    with pytest.raises(BadInput, match="Idempotency-Key"):
        await ask(engine, key, idempotency_key="a-key-of-ours", act="loan", project={"code": GOOD})
    # Another caller's key of the same letters is another key.
    assert (await ask(engine, key, BANK, idempotency_key="a-key-of-ours", **asked))["id"] != one["id"]


async def test_a_day_that_has_passed_is_refused(engine: AsyncEngine, key: SigningKey) -> None:
    for day in (today() - timedelta(days=1), today() + timedelta(days=367)):
        with pytest.raises(BadInput) as refused:
            await ask(engine, key, act="land_grant", project={"code": GOOD}, on=day.isoformat())
        assert (refused.value.where, bool(refused.value.remedy)) == ("on", True)


async def test_checks_are_never_changed_nor_deleted(engine: AsyncEngine, key: SigningKey) -> None:
    await ask(engine, key, act="land_grant", project={"code": GOOD})
    for statement in (
        "UPDATE gate_checks SET answer = 'allow'",
        "DELETE FROM gate_checks",
        "TRUNCATE gate_checks CASCADE",
        "DELETE FROM gate_keys",
    ):
        with pytest.raises(DBAPIError, match="never changed"):
            await value(engine, statement)


async def test_the_audit_knows_who_asked(engine: AsyncEngine, key: SigningKey) -> None:
    await ask(engine, key, LAND, act="land_grant", project={"code": GOOD})
    assert await value(engine, "SELECT organisation_id || ' ' || asker FROM gate_checks") == "land-bureau land-key"


async def test_a_value_that_two_people_put_in_force_counts_at_the_gate_at_once(
    engine: AsyncEngine, key: SigningKey
) -> None:
    lapsed: dict[str, Any] = {"lane": "land", "project": {"code": LAPSED}, "party": {"uscc": OWNER}}
    before = await ask(engine, key, **lapsed)
    one, two = await person(engine, "decide"), await person(engine, "approve")
    number = await propose(engine, one)
    assert await try_all(engine) == 1
    await put_in_force(engine, two, number)
    after = await ask(engine, key, **lapsed)
    assert (before["answer"], after["answer"]) == ("refuse", "allow")
    assert before["rules"] != after["rules"]
