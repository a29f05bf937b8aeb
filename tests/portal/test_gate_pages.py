"""The pages of the gate without JavaScript: form, answer, letter, batch, lists; rights, and errors at their fields."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from portal import gate_desk
from portal.application import make_application
from registry import clock, database
from registry.database import transaction
from registry.gate.marks import list_marks
from registry.gate.receipts import read_published, read_receipt, verify
from registry.settings import settings
from tests.portal.people import signed_in
from tests.registry.gate_world import GOOD, LAPSED, gate_world
from tests.registry.worlds import OWNER, at, changed, nation, record, value


@pytest_asyncio.fixture
async def people(
    engine: AsyncEngine, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """Browsers of a land officer, a bank's officer, an administrator and the public."""
    monkeypatch.setenv("THREEGATES_DATABASE_URL", database_url)
    monkeypatch.setenv("THREEGATES_DATA_FOLDER", str(tmp_path))
    for cache in (settings, database.engine):
        cache.cache_clear()
    gate_desk._KEY.clear()
    day = clock.today().isoformat()
    await gate_world(engine, record("L1", "land_grant", day, project_code=LAPSED, party=OWNER))
    await changed(engine, at(1))
    driver = await asyncpg.connect(database_url)
    try:
        secrets = {
            "land": await signed_in(driver, "officer", lanes=("land",)),
            "bank": await signed_in(driver, "officer", kind="bank"),
            "administrator": await signed_in(driver, "administrator"),
        }
    finally:
        await driver.close()
    transport = httpx.ASGITransport(app=make_application())
    clients = {
        name: httpx.AsyncClient(
            transport=transport, base_url="http://test", cookies={"threegates_sign_in": secret}, follow_redirects=True
        )
        for name, secret in {**secrets, "public": ""}.items()
    }
    assert (await clients["public"].get("/health/ready")).status_code == 200
    yield clients
    for client in clients.values():
        await client.aclose()
    await database.engine().dispose()
    for cache in (settings, database.engine):
        cache.cache_clear()


async def sent(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    """The form, filled in and sent as a browser sends it."""
    page = await client.get("/gate-check")
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    return await client.post("/gate-check", data={**hidden, "act": "land_grant", **fields})


async def test_an_answer_a_letter_and_its_receipt(people: dict[str, httpx.AsyncClient]) -> None:
    answer = await sent(people["bank"], act="loan", code=LAPSED, party="示例甲钢铁有限公司", amount="5,000", kind="")
    assert answer.url.path.startswith("/gate-check/receipts/")
    for shown in ("不得办理", "对未取得合法手续的建设项目", "生态环境部", "年产50万吨炼铁示例项目", "按今天的情况复核"):
        assert shown in answer.text
    letter = await people["public"].get(f"{answer.url.path}/letter?lang=en")
    assert "Receipt of a gate check" in letter.text
    # The Chinese text decides, so the letter quotes it in either language.
    assert "对未取得合法手续的建设项目，一律不得放贷、发债、上市融资。" in letter.text
    assert "<svg" in letter.text and "style=" not in letter.text.split("<article")[1]
    receipt = await people["public"].get(f"{answer.url.path}/receipt.json")
    keys = await people["public"].get("/gate-check/keys.json")
    assert verify(read_receipt(receipt.content), read_published(keys.content))
    # Whoever was only given the address may read it, and not ask again in the asker's name.
    assert "按今天的情况复核" not in (await people["public"].get(f"{answer.url.path}?lang=zh")).text
    token = re.search(r'name="form_token" value="([^"]*)"', answer.text)
    assert token
    again = await people["bank"].post(f"{answer.url.path}/re-check", data={"form_token": token[1]})
    assert again.url.path not in (answer.url.path, f"{answer.url.path}/re-check")
    listed = await people["bank"].get("/gate-check/mine?lane=credit&answer=refuse")
    assert listed.text.count("年产50万吨炼铁示例项目") == 2
    assert "年产50万吨炼铁示例项目" not in (await people["land"].get("/gate-check/mine")).text


async def test_the_same_form_sent_twice_is_one_question(
    people: dict[str, httpx.AsyncClient], engine: AsyncEngine
) -> None:
    page = await people["land"].get("/gate-check")
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    fields = {**hidden, "act": "land_grant", "code": GOOD}
    first = await people["land"].post("/gate-check", data=fields)
    second = await people["land"].post("/gate-check", data=fields)
    assert first.url == second.url
    assert "可以办理" in first.text
    assert await value(engine, "SELECT count(*) FROM gate_checks") == 1


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_errors_stand_at_their_fields(people: dict[str, httpx.AsyncClient], language: str) -> None:
    people["land"].cookies.set("threegates_language", language)
    for fields, field in (
        ({"act": "", "code": GOOD}, "act"),
        ({"act": "tree", "code": GOOD}, "act"),
        ({}, "code"),
        ({"code": "12"}, "code"),
        ({"code": GOOD, "party": "12"}, "party"),
        ({"code": GOOD, "amount": "much"}, "amount"),
        ({"code": GOOD, "area": "-2"}, "area"),
        ({"code": GOOD, "capacity": "x", "product": "crude_steel"}, "capacity"),
        ({"code": GOOD, "months": "0"}, "months"),
        ({"code": GOOD, "on": "2014-01-01"}, "on"),
        ({"code": GOOD, "on": "x"}, "on"),
        ({"code": GOOD, "reference": "x" * 300}, "reference"),
    ):
        page = await sent(people["land"], **fields)
        assert page.status_code == 422, fields
        assert f'id="{field}-error"' in page.text, (fields, field)
        if field in fields and field not in ("act",):
            assert fields[field] in page.text


async def test_who_sees_what(people: dict[str, httpx.AsyncClient]) -> None:
    for path in ("", "/mine", "/notices", "/marks", "/batch"):
        assert (await people["public"].get(f"/gate-check{path}")).url.path == "/sign-in"
        assert (await people["administrator"].get(f"/gate-check{path}")).status_code == 403
        assert (await people["land"].get(f"/gate-check{path}")).status_code == 200
    assert "/gate-check" in (await people["land"].get("/about")).text
    assert "/gate-check" not in (await people["public"].get("/about")).text
    assert (await people["public"].get(f"/gate-check/receipts/{'x' * 32}")).status_code == 404
    forged = await people["land"].post("/gate-check", data={"act": "land_grant", "code": GOOD, "form_token": "x" * 40})
    assert forged.status_code == 403


async def test_a_batch_with_progress_and_exposure(people: dict[str, httpx.AsyncClient]) -> None:
    page = await people["bank"].get("/gate-check/batch")
    token = re.search(r'name="form_token" value="([^"]*)"', page.text)
    assert token
    form = {"form_token": token[1], "act": "loan"}
    template = (await people["bank"].get("/gate-check/batch/template.csv")).content.decode("utf-8-sig").strip()
    assert template.startswith("拟办事项,环节")
    rows = "\n".join(["项目代码,统一社会信用代码,金额", f"{GOOD},{OWNER},700", f"{LAPSED},{OWNER},50000"])
    batch = await people["bank"].post("/gate-check/batch", data=form, files={"file": ("贷款.csv", rows.encode())})
    assert batch.url.path.startswith("/gate-check/batch/")
    for _ in range(100):
        if "全部答复完毕" in batch.text:
            break
        assert 'http-equiv="refresh"' in batch.text
        await asyncio.sleep(0.1)
        batch = await people["bank"].get(batch.url.path)
    assert "5 万元" in batch.text
    refused = await people["bank"].get(f"{batch.url.path}?answer=refuse")
    assert "年产50万吨炼铁示例项目" in refused.text
    assert "年产200万吨轧钢示例项目" not in refused.text
    assert (await people["land"].get(batch.url.path)).status_code == 404
    wrong = await people["bank"].post("/gate-check/batch", data=form, files={"file": ("x.csv", b"code\n12\n")})
    assert (wrong.status_code, "文件中有 1 处问题" in wrong.text) == (422, True)
    none = await people["bank"].post("/gate-check/batch", data=form)
    assert (none.status_code, 'id="file-error"' in none.text) == (422, True)


async def test_a_mark_stands_on_record_project_and_list(
    people: dict[str, httpx.AsyncClient], engine: AsyncEngine
) -> None:
    await sent(people["land"], code=LAPSED)
    await nation(engine, clock.now() + timedelta(seconds=1), clock.today())
    async with transaction(engine) as session:
        marked = (await list_marks(session)).items[0]
    assert marked.mark == "against"
    assert "违反核查结果" in (await people["land"].get("/gate-check/marks?mark=against&lane=land")).text
    assert "违反核查结果" in (await people["land"].get(f"/records/{marked.record_id}")).text
    assert "1 个行为未经或违反核查" in (await people["land"].get(f"/projects/{marked.project_id}")).text
    # The public reads the record without the mark: nothing is published by a rule alone.
    assert "违反核查结果" not in (await people["public"].get(f"/records/{marked.record_id}")).text
