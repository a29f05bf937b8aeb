"""The inbox, one alert, webhooks, how one is told and the feed: as pages and over the API, with what each leaves."""

import re
from typing import Any

import pytest
from defusedxml import ElementTree

from registry.settings import settings
from tests.portal.test_audit_entries import TOKEN, Office, office

__all__ = ["office"]

DESK = "land-tangshan/reviewer"
ATOM = "{http://www.w3.org/2005/Atom}"
FROM_HERE = {"origin": "http://register", "if-match": '"1"'}


async def _page(office: Office, who: str, path: str, status: int = 200) -> str:
    office.client.cookies.clear()
    answer = await office.client.get(path, headers={**office.people[who].headers, "accept-language": "zh"})
    assert answer.status_code == status, (path, answer.status_code, answer.text[-600:])
    return str(answer.text)


async def _refused(office: Office, who: str, path: str, **form: Any) -> str:
    office.client.cookies.clear()
    cookie = f"{office.people[who].headers['cookie']}; threegates_form={TOKEN}"
    answer = await office.client.post(
        path, data={**form, "form_token": TOKEN}, headers={"cookie": cookie, "accept-language": "zh"}
    )
    assert 400 <= answer.status_code < 500, answer.status_code
    return str(answer.text)


async def _ours(office: Office, lane: str = "land") -> list[int]:
    found = await office.owner.fetch(
        "SELECT id FROM alerts WHERE organisation_id = 'land-tangshan' AND lane = $1 ORDER BY id", lane
    )
    return [row["id"] for row in found]


async def test_alerts_webhooks_and_feeds_as_people_use_them(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREEGATES_DEMO", "true")
    settings.cache_clear()
    first, second = await _ours(office)
    inbox = await _page(office, DESK, "/alerts")
    assert "2 条警报" in inbox and "警报 2" in inbox and f"/alerts/{first}" in inbox
    # Of credit nobody sees an alert but finance, on whichever desk it lies.
    hidden = (await _ours(office, "credit"))[0]
    await _page(office, DESK, f"/alerts/{hidden}", 404)
    assert f"/alerts/{hidden}" in await _page(office, "finance/reviewer", "/alerts?desk=all&lane=credit")
    assert "没有符合条件的警报" in await _page(office, DESK, "/alerts?severity=warning")
    assert "未按此筛选" in await _page(office, DESK, "/alerts?state=lost")
    # Several at once, without JavaScript; what another acknowledged meanwhile is said, and nothing half done.
    said = await _refused(office, DESK, "/alerts", act="acknowledge")
    assert "请至少选中一条警报" in said
    said = await _refused(office, DESK, f"/alerts/{first}", act="snooze", until="2031-01-01", reason="等待材料")
    assert "搁置最长一个月" in said and "等待材料" in said
    entry = await office.send(DESK, "POST", "/alerts", "alert.acknowledge", {"act": "acknowledge", "alert": first})
    assert (entry["subject"], entry["actor"]) == (str(first), "land-tangshan.reviewer")
    await _refused(office, DESK, "/alerts", act="acknowledge", alert=[first, second])
    assert await office.owner.fetchval("SELECT state FROM alerts WHERE id = $1", second) == "open"
    await office.send(DESK, "POST", "/alerts/{alert_id:int}", "alert.reopen", {"act": "reopen"}, alert_id=first)
    page = await _page(office, DESK, f"/alerts/{first}")
    assert "撤回签收" in page and "没有发给本单位的邮件或推送" in page
    assert "属于其他机关" in await _refused(office, "finance/reviewer", f"/alerts/{first}", act="acknowledge")
    await _over_the_api(office, first, second)
    await _webhooks(office)
    await _feeds(office)
    settings.cache_clear()


async def _over_the_api(office: Office, first: int, second: int) -> None:
    headers = {**office.people[DESK].headers, **FROM_HERE, "idempotency-key": "acknowledge-1"}
    listed = (await office.client.get("/api/v1/alerts?limit=1", headers=headers)).json()
    assert listed["total"] == 2 and listed["items"][0]["organisation_id"] == "land-tangshan" and listed["next_cursor"]
    rest = (await office.client.get(f"/api/v1/alerts?cursor={listed['next_cursor']}", headers=headers)).json()
    assert {listed["items"][0]["id"], rest["items"][0]["id"]} == {first, second}
    read = await office.client.get(f"/api/v1/alerts/{second}", headers=headers)
    assert read.headers["etag"].startswith('"1-')
    path = f"/api/v1/alerts/{second}/acknowledge"
    answers = [await office.client.post(path, json={"reason": "已派人"}, headers=headers) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200], answers[0].text
    assert answers[0].json() == answers[1].json() == {"id": second, "version": 2}
    late = await office.client.post(
        f"/api/v1/alerts/{second}/snooze",
        json={"until": "2031-01-01T00:00:00+08:00", "reason": "等待"},
        headers={**headers, "idempotency-key": "snooze-no-1"},
    )
    assert late.status_code == 412
    none = await office.client.post(path, json={}, headers={k: v for k, v in headers.items() if k != "if-match"})
    assert none.status_code == 428
    key = await office.client.get("/api/v1/alerts?desk=all", headers=office.people["land-tangshan/key"].headers)
    assert key.status_code == 200 and {one["lane"] for one in key.json()["items"]} == {"land"}


async def _webhooks(office: Office) -> None:
    administrator = "land-tangshan/administrator"
    form = {"name": "示例", "organisation_id": "land-tangshan", "url": "http://receiver.example/hook"}
    assert "须以 https:// 开头" in await _refused(office, administrator, "/webhooks", **form)
    form["url"] = "http://127.0.0.1:9/hook"
    entry = await office.send(administrator, "POST", "/webhooks", "webhook.add", form)
    number = int(entry["subject"])
    row = await office.owner.fetchrow("SELECT * FROM webhooks WHERE id = $1", number)
    assert b"whsec_" not in bytes(row["secret_sealed"]) and "whsec_" not in str(entry)
    page = await _page(office, administrator, "/webhooks")
    assert "127.0.0.1:9" in page and "whsec_" not in page and page.count('id="webhook-') == 2
    path = "/webhooks/{webhook_id:int}"
    await office.send(administrator, "POST", path + "/test", "webhook.try", {}, webhook_id=number)
    await office.send(administrator, "POST", path, "webhook.renew", {"act": "renew"}, webhook_id=number)
    for act in ("pause", "enable", "remove"):
        await office.send(administrator, "POST", path, f"webhook.{act}", {"act": act}, webhook_id=number)
    await _page(office, DESK, "/webhooks", 403)
    # Another organisation's are not there.
    theirs = await office.owner.fetchval("SELECT id FROM webhooks WHERE organisation_id = 'finance'")
    assert "没有这个推送网址" in await _refused(office, administrator, f"/webhooks/{theirs}", act="remove")


async def _feeds(office: Office) -> None:
    entry = await office.send(
        DESK, "POST", "/account/notifications", "notification.change", {"mail": "daily", "warnings": "yes"}
    )
    assert '"daily"' in entry["after"]
    office.client.cookies.clear()
    cookie = f"{office.people[DESK].headers['cookie']}; threegates_form={TOKEN}"
    found = []
    for _ in range(2):
        shown = await office.client.post(
            "/account/feed", data={"act": "renew", "form_token": TOKEN}, headers={"cookie": cookie}
        )
        found.append(re.findall(r"/feeds/[\w-]+", shown.text)[0])
    await office.new()
    gone = await office.client.get(found[0])
    assert gone.status_code == 404
    feed = await office.client.get(found[1])
    assert (
        feed.headers["content-type"].startswith("application/atom+xml") and "no-store" in feed.headers["cache-control"]
    )
    written = ElementTree.fromstring(feed.text)
    titles = [one.text for one in written.iter(f"{ATOM}title")]
    # One of land for the desk itself; of credit nothing, and nothing of other desks.
    assert titles[0] == "三道闸门：给我的通知" and len(titles) == 2
    await office.send(DESK, "POST", "/account/feed", "feed.end", {"act": "end"})
    assert (await office.client.get(found[1])).status_code == 404
