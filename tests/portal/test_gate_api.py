"""Asking at the gate over the API: answers, keys and rights, idempotency, wrong input, and what must not leak."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from portal import gate_desk
from portal.application import make_application
from portal.viewing import hash_of
from registry import database
from registry.gate.receipts import read_published, read_receipt, verify
from registry.settings import settings
from tests.registry.gate_world import GOOD, LAPSED, UNKNOWN, gate_world
from tests.registry.worlds import CODE, OTHER, OWNER, at, changed, nation, record

LOAN = {
    "act": "loan",
    "project": {"code": LAPSED},
    "party": {"uscc": OWNER},
    "amount": "123456789",
    "reference": "LN-7",
}


@pytest_asyncio.fixture
async def gate(
    engine: AsyncEngine, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """A client for each kind of caller, in front of a register with a confidential loan that is flagged."""
    monkeypatch.setenv("THREEGATES_DATABASE_URL", database_url)
    monkeypatch.setenv("THREEGATES_DATA_FOLDER", str(tmp_path))
    for cache in (settings, database.engine):
        cache.cache_clear()
    gate_desk._KEY.clear()
    gate_desk.CALLERS.known.clear()
    loan = record("SECRETLOAN42", "loan", "2015-06-01", project_code=LAPSED, party=OWNER, kind="construction")
    await gate_world(engine, loan)
    async with database.transaction(engine) as session:
        # A scenario has no amounts: what is confidential is put in past the guard of history.
        connection = await session.connection()
        await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        await connection.exec_driver_sql(
            "UPDATE records SET amount = 987654321, number = 'CONTRACT-77' WHERE source_key = 'SECRETLOAN42'"
        )
    await changed(engine, at(1))
    await nation(engine, at(2))
    driver = await asyncpg.connect(database_url)
    try:
        tokens = {
            name: await _key(driver, name, kind, lanes, scopes)
            for name, kind, lanes, scopes in (
                ("land", "agency", ["land"], ["read", "gate"]),
                ("environment", "agency", ["environment"], ["read", "gate"]),
                ("finance", "agency", ["credit"], ["read", "credit", "gate"]),
                ("bank", "bank", [], ["credit", "gate"]),
                ("other-bank", "bank", [], ["credit", "gate"]),
                ("reader", "agency", ["land"], ["read"]),
            )
        }
    finally:
        await driver.close()
    transport = httpx.ASGITransport(app=make_application())
    clients = {
        name: httpx.AsyncClient(
            transport=transport, base_url="http://test", headers={"authorization": f"Bearer {token}"}
        )
        for name, token in tokens.items()
    } | {"public": httpx.AsyncClient(transport=transport, base_url="http://test")}
    assert (await clients["public"].get("/health/ready")).status_code == 200
    yield clients
    for client in clients.values():
        await client.aclose()
    await database.engine().dispose()
    for cache in (settings, database.engine):
        cache.cache_clear()


async def _key(connection: asyncpg.Connection, name: str, kind: str, lanes: list[str], scopes: list[str]) -> str:
    now = datetime.now(UTC)
    await connection.execute(
        "INSERT INTO organisations (id, kind, name_zh, name_en, lanes, region, lender_names, invented, created_at) "
        "VALUES ($1, $2, $3, 'Example', $4, '000000', $5, true, $6)",
        name, kind, f"示例{name}", lanes, [f"示例{name}"] if kind == "bank" else [], now,
    )  # fmt: skip
    token = f"tg_{secrets.token_urlsafe(32)}"
    await connection.execute(
        "INSERT INTO api_keys (name, key_hash, scopes, created_at, organisation_id, rate) "
        "VALUES ($1, $2, $3, $4, $1, 100000)",
        name, hash_of(token), scopes, now,
    )  # fmt: skip
    return token


async def test_an_answer_is_a_receipt_that_verifies_and_can_be_fetched(gate: dict[str, httpx.AsyncClient]) -> None:
    answer = await gate["bank"].post("/api/v1/gate-check", json=LOAN)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["answer"], body["asked_by"]) == ("refuse", "示例bank")
    keys = await gate["public"].get("/api/v1/gate-check/keys")
    assert verify(read_receipt(answer.content), read_published(keys.content)) == body["signature"]["key"]
    # Whoever was given the address fetches it; nobody guesses one.
    assert (await gate["public"].get(f"/api/v1/gate-check/{body['id']}")).content == answer.content
    assert len(body["id"]) >= 32
    assert (await gate["public"].get(f"/api/v1/gate-check/{'x' * 32}")).status_code == 404


async def test_the_address_without_a_version_answers_too(gate: dict[str, httpx.AsyncClient]) -> None:
    answer = await gate["land"].post("/api/gate-check", json={"act": "land_grant", "project": {"code": GOOD}})
    assert answer.json()["answer"] == "allow"
    assert "ratelimit" in answer.headers
    again = await gate["land"].post(f"/api/gate-check/{answer.json()['id']}/re-check")
    assert (again.status_code, again.json()["recheck_of"]) == (200, answer.json()["id"])


async def test_who_may_ask(gate: dict[str, httpx.AsyncClient]) -> None:
    refused = await gate["public"].post("/api/v1/gate-check", json=LOAN)
    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    assert (await gate["reader"].post("/api/v1/gate-check", json=LOAN)).status_code == 403
    for path in ("", "/notices", "/marks", "/batch/x", "/batch/x/answers"):
        assert (await gate["public"].get(f"/api/v1/gate-check{path}")).status_code == 401


async def test_nothing_confidential_of_another_agency_leaks(gate: dict[str, httpx.AsyncClient]) -> None:
    asked = {"project": {"code": LAPSED}, "party": {"uscc": OWNER}}
    secret = (b"987654321", b"CONTRACT-77", b"SECRETLOAN42", b"credit-without-formalities", b"credit-flagged")
    for name in ("land", "environment"):
        for act in ("land_grant", "discharge_permit", "eia_approval", "production_licence"):
            answer = await gate[name].post("/api/v1/gate-check", json={**asked, "act": act})
            assert answer.status_code == 200
            assert not [one for one in secret if one in answer.content], (name, act)
            # The list of marks and of notices holds nothing of it either.
        for path in ("", "/notices", "/marks"):
            listed = await gate[name].get(f"/api/v1/gate-check{path}")
            assert not [one for one in secret if one in listed.content]
    for name in ("finance", "bank", "other-bank"):
        answer = await gate[name].post("/api/v1/gate-check", json={**asked, "act": "land_grant"})
        # They learn that credit is flagged, and nothing of which credit.
        assert "credit: flagged" in [one["en"] for one in answer.json()["notes"]]
        assert not [one for one in secret[:3] if one in answer.content]


async def test_what_a_bank_asks_is_its_own(gate: dict[str, httpx.AsyncClient]) -> None:
    body = (await gate["bank"].post("/api/v1/gate-check", json=LOAN)).json()
    for name in ("land", "finance", "other-bank"):
        listed = await gate[name].get("/api/v1/gate-check")
        assert listed.json()["items"] == []
        again = await gate[name].post(f"/api/v1/gate-check/{body['id']}/re-check")
        assert again.status_code == 404
        assert b"123456789" not in again.content + listed.content
    own = (await gate["bank"].get("/api/v1/gate-check?answer=refuse&lane=credit")).json()["items"]
    assert [(one["id"], one["amount"], one["reference"]) for one in own] == [(body["id"], "123456789", "LN-7")]
    assert (await gate["bank"].get("/api/v1/gate-check?answer=allow")).json()["items"] == []


async def test_a_recheck_before_a_disbursement_is_one_call(gate: dict[str, httpx.AsyncClient]) -> None:
    body = (await gate["bank"].post("/api/v1/gate-check", json=LOAN)).json()
    again = await gate["bank"].post(f"/api/v1/gate-check/{body['id']}/re-check", json={"amount": "1000"})
    assert (again.json()["asked"]["amount"], again.json()["recheck_of"]) == ("1000", body["id"])
    header = {"idempotency-key": "disbursement-1"}
    one = await gate["bank"].post(f"/api/v1/gate-check/{body['id']}/re-check", headers=header)
    two = await gate["bank"].post(f"/api/v1/gate-check/{body['id']}/re-check", headers=header)
    assert one.content == two.content


async def test_an_idempotency_key_is_one_answer(gate: dict[str, httpx.AsyncClient]) -> None:
    header = {"idempotency-key": "loan-2026-0001"}
    answers = await asyncio.gather(
        *(gate["bank"].post("/api/v1/gate-check", json=LOAN, headers=header) for _ in range(8))
    )
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    other = await gate["bank"].post("/api/v1/gate-check", json={**LOAN, "amount": "1"}, headers=header)
    assert (other.status_code, other.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert (await gate["land"].post("/api/v1/gate-check", json=LOAN, headers=header)).status_code == 200


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"act": "tree_planting"}, "act"),
    ({"lane": "sea"}, "lane"),
    ({"act": "loan", "lane": "land"}, "lane"),
    ({"act": None}, "act"),
    ({"on": "2014-02-01"}, "on"),
    ({"on": "soon"}, "on"),
    ({"on": "1700-01-01"}, "on"),
    ({"project": {}}, "project.code"),
    ({"project": None}, "project"),
    ({"project": {"code": "12"}}, "project.code"),
    ({"project": {"name": ""}}, "project.name"),
    ({"project": {"name": "示例\x00"}}, "project.name"),
    ({"project": {"code": GOOD, "product": "粗钢"}}, "project.product"),
    ({"project": {"code": GOOD, "sector": "gold"}}, "project.sector"),
    ({"project": {"code": GOOD, "industry": "31"}}, "project.industry"),
    ({"project": {"code": GOOD, "colour": "red"}}, "project.colour"),
    ({"party": {}}, "party.uscc"),
    ({"party": {"uscc": "7"}}, "party.uscc"),
    ({"party": {"name": " "}}, "party.name"),
    ({"amount": "-1"}, "amount"),
    ({"amount": "NaN"}, "amount"),
    ({"amount": "1" * 30}, "amount"),
    ({"area_hectares": "many"}, "area_hectares"),
    ({"capacities": [{"product": "crude_steel", "amount": "x", "unit": "t/a"}]}, "capacities.0.amount"),
    ({"months": 0}, "months"),
    ({"kind": "Loan!"}, "kind"),
    ({"reference": "x" * 201}, "reference"),
    ({"colour": "red"}, "colour"),
]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_wrong_input_names_field_and_remedy(gate: dict[str, httpx.AsyncClient], language: str) -> None:
    good = {"act": "land_grant", "project": {"code": GOOD}}
    for change, field in WRONG:
        asked = {name: value for name, value in {**good, **change}.items() if value is not None}
        answer = await gate["land"].post("/api/v1/gate-check", json=asked, headers={"accept-language": language})
        assert answer.status_code == 422, (change, answer.text)
        problem = answer.json()
        named = [one["field"] for one in problem["errors"]]
        assert any(one == field or field.startswith(f"{one}.") for one in named), (change, named)
        assert problem["remedy"]
        said = "".join(one["detail"] for one in problem["errors"])
        assert any("\u4e00" <= one <= "\u9fff" for one in said) == (language == "zh-CN"), said


async def test_other_wrong_requests(gate: dict[str, httpx.AsyncClient]) -> None:
    for content in (b"", b"{", b"[]", b"\xff", b'{"act": "loan", "project": ' + b"[" * 9000):
        answer = await gate["land"].post(
            "/api/v1/gate-check", content=content, headers={"content-type": "application/json"}
        )
        assert answer.status_code in (400, 422), content
        assert answer.headers["content-type"] == "application/problem+json"
    short = await gate["land"].post("/api/v1/gate-check", json=LOAN, headers={"idempotency-key": "x"})
    assert short.status_code == 422
    for query, status in (("answer=maybe", 422), ("lane=sea", 422), ("cursor=x", 400)):
        assert (await gate["land"].get(f"/api/v1/gate-check?{query}")).status_code == status
    assert (await gate["land"].get("/api/v1/gate-check/marks?mark=none")).status_code == 422


async def test_questions_that_come_at_once_are_answered_each_for_itself(gate: dict[str, httpx.AsyncClient]) -> None:
    asked: list[dict[str, Any]] = [
        {"act": "land_grant", "project": {"code": code}, "party": {"uscc": party}, "reference": f"{code} {party}"}
        for code in (GOOD, LAPSED, CODE, UNKNOWN)
        for party in (OWNER, OTHER)
    ]
    # One of them is wrong by its day alone, which is found while all are judged.
    late = (datetime.now(UTC) + timedelta(days=500)).date().isoformat()
    answers = await asyncio.gather(
        *(gate["land"].post("/api/v1/gate-check", json=one) for one in asked),
        gate["land"].post("/api/v1/gate-check", json={**asked[0], "on": late}),
    )
    assert answers[-1].status_code == 422
    bodies = [answer.json() for answer in answers[:-1]]
    assert [one["asked"]["reference"] for one in bodies] == [one["reference"] for one in asked]
    assert [one["answer"] for one in bodies] == [
        "allow", "refer", "refuse", "refuse", "refuse", "refuse", "refer", "refer",
    ]  # fmt: skip


async def test_a_batch_with_exposure_by_group(gate: dict[str, httpx.AsyncClient]) -> None:
    lines = [f"loan,{GOOD},{OWNER},100", f"loan,{LAPSED},{OWNER},30", f"loan,{GOOD},{OTHER},7"] * 100
    content = "\n".join(["act,project_code,uscc,amount", *lines]).encode()
    opened = await gate["bank"].post("/api/v1/gate-check/batch", files={"file": ("loans.csv", content)})
    assert (opened.status_code, opened.json()["total"]) == (200, 300)
    path = f"/api/v1/gate-check/batch/{opened.json()['id']}"
    for _ in range(200):
        batch = (await gate["bank"].get(path)).json()
        if batch["done"] == batch["total"]:
            break
        await asyncio.sleep(0.05)
    assert batch["answers"] == {"allow": 100, "refuse": 100, "refer": 100}
    first = batch["exposure"][0]
    assert (first["group"], first["allow"], first["refuse"]) == ("示例甲钢铁有限公司", "10000", "3000")
    page = (await gate["bank"].get(f"{path}/answers?answer=refuse&limit=60")).json()
    assert (len(page["items"]), page["items"][0]["row"]) == (60, 3)
    rest = await gate["bank"].get(f"{path}/answers?answer=refuse&limit=60&cursor={page['next_cursor']}")
    assert rest.json()["items"]
    assert (await gate["other-bank"].get(path)).status_code == 404
    wrong = await gate["bank"].post("/api/v1/gate-check/batch", files={"file": ("x.csv", b"act,code\nloan,12\n")})
    assert wrong.status_code == 422
    assert [(one["row"], one["field"]) for one in wrong.json()["errors"]] == [(2, "code")]
    empty = await gate["bank"].post("/api/v1/gate-check/batch", files={"file": ("x.csv", b"act,code\n")})
    assert empty.status_code == 422
