"""Publishing through the portal: what officials send, what it leaves in the audit, and what the public reads."""

import csv
import io
import re
from typing import Any
from xml.etree import ElementTree

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from portal.security import FORM_COOKIE
from registry.clock import now
from registry.database import transaction
from registry.publishing.chain import Link, problems_of
from registry.publishing.press import publish_due
from tests.faults.rls_matrix import portal
from tests.portal.people import signed_in
from tests.registry.test_publishing import HALT, tell
from tests.registry.worlds import keep, project, scenario

TOKEN = "t" * 40
ATOM = "{http://www.w3.org/2005/Atom}"


class Office:
    """People before the portal of one register."""

    def __init__(self, client: Any, connection: asyncpg.Connection) -> None:
        self.client, self.connection = client, connection
        self.secrets: dict[str, str] = {}

    def _headers(self, who: str, language: str = "zh-CN") -> dict[str, str]:
        cookies = [f"{FORM_COOKIE}={TOKEN}"]
        if who:
            cookies.append(f"threegates_sign_in={self.secrets[who]}")
        return {"cookie": "; ".join(cookies), "accept-language": language}

    async def read(self, path: str, who: str = "", language: str = "zh-CN", status: int = 200) -> str:
        self.client.cookies.clear()
        answer = await self.client.get(path, headers=self._headers(who, language))
        assert answer.status_code == status, (path, answer.status_code, answer.text[-600:])
        return str(answer.text)

    async def send(self, who: str, path: str, entry: str = "", status: int = 303, **form: Any) -> str:
        """Send a form; where it is carried out, the entry it left is looked for."""
        self.client.cookies.clear()
        before = await self.connection.fetchval("SELECT coalesce(max(id), 0) FROM audit_entries")
        answer = await self.client.post(path, data={**form, "form_token": TOKEN}, headers=self._headers(who))
        assert answer.status_code == status, (path, form, answer.status_code, answer.text[-900:])
        if entry:
            left = await self.connection.fetch("SELECT action FROM audit_entries WHERE id > $1", before)
            assert entry in {row["action"] for row in left}, (path, form)
        return str(answer.headers.get("location", answer.text))


async def test_a_notice_from_the_desk_to_the_public_and_gone_again(engine: AsyncEngine, database_url: str) -> None:
    formula = project(name="=2+2炼钢示例项目", approvals=[{"id": "A1", "kind": "filing", "issued": "2014-06-01"}])
    await keep(engine, scenario([], formula))
    async with transaction(engine) as session:
        await (await session.connection()).exec_driver_sql(
            "INSERT INTO alerts (topic, rule, lane, severity, region, state, opened_at, changed_at) SELECT "
            "'record:' || n, 'land-without-approval', CASE WHEN n = 9 THEN 'credit' ELSE 'land' END, 'violation', "
            "CASE WHEN n < 4 THEN '320500' ELSE '130200' END, 'open', now(), now() "
            "FROM generate_series(1, 9) AS n WHERE n <> 3"
        )
    await tell(engine, now(), {**HALT, "decided": "2014-07-01"})
    connection = await asyncpg.connect(database_url)
    try:
        async with portal(database_url) as (client, _projects):
            office = Office(client, connection)
            for who, role in (
                ("drafter", "publisher"), ("first", "supervisor"), ("second", "supervisor"), ("third", "supervisor"),
                ("reader", "reader"),
            ):  # fmt: skip
                office.secrets[who] = await signed_in(connection, role)  # type: ignore[arg-type]  # each is a role
            path = await _published(office, engine)
            await _read_by_all(office, path)
            await _gone(office, path)
            await _figures(office)
    finally:
        await connection.close()


async def _published(office: Office, engine: AsyncEngine) -> str:
    """Draft, refuse, approve twice, object, answer, publish."""
    assert "示例停建" in await office.read("/publishing", "drafter")
    await office.read("/publishing", "reader", status=403)
    assert "没有可以公布" in await office.send("drafter", "/publishing", status=404, kind="disposition", subject="none")
    path = await office.send("drafter", "/publishing", "publication.draft", kind="disposition", subject="D1")
    page = await office.read(path, "drafter")
    assert "tg-preview" in page and "起草人之外的两人" in page
    refused = await office.send(
        "drafter", path, status=422, step="revise", version="1", statement="联系人：王某 13800138000"
    )
    assert "疑似个人信息" in refused and "1 至" not in refused.replace("第 5 至", "")
    await office.send("drafter", path, "publication.submit", step="submit", version="1")
    await office.read(path.replace("publishing", "publications"), status=404)
    for who in ("first", "second"):
        form: dict[str, Any] = dict(
            re.findall(r'name="(proposal|version|of)" value="([^"]*)"', await office.read(path, who))
        )
        assert 'value="approve"' not in await office.read(path, "drafter")
        await office.send(who, path, "publication.approve", step="approve", decision="同意", **form)
    public = path.replace("publishing", "publications")
    for language, words in (("zh-CN", "个工作日可以提出异议"), ("en", "working days left to object")):
        assert words in await office.read(public, language=language)
    today = now().date().isoformat()
    letter: dict[str, Any] = {"received_on": today, "content": "示例异议", "sender": "public"}
    await office.send("drafter", path, "publication.objection", step="objection", **letter)
    await office.send(
        "first", path, "publication.answer", step="answer-objection", letter="1", answer="不符合事实。",
        outcome="rejected",
    )  # fmt: skip
    reply: dict[str, Any] = {"received_on": today, "content": "示例答复<b>全文</b>", "file_hash": "a" * 64}
    assert "64" in await office.send("drafter", path, status=422, step="reply", **{**reply, "file_hash": "x"})
    await office.send("drafter", path, "publication.reply", step="reply", **reply)
    await office.send("first", path, "publication.confirm_reply", step="confirm-reply", letter="1", outcome="whole")
    async with transaction(engine) as session:
        await (await session.connection()).exec_driver_sql(
            "UPDATE publication_versions SET objections_until = current_date - 2"
        )
        assert len(await publish_due(session, now())) == 1
    return public


async def _read_by_all(office: Office, public: str) -> None:
    """The page, the list, the table, the feed and the interface say the same, and nothing in it is live."""
    page = await office.read(public)
    assert "已公告" in page and "示例答复&lt;b&gt;全文&lt;/b&gt;" in page and "不符合事实。" in page
    assert page.index("tg-publication") < page.index("tg-reply") and "示例人员" not in page
    for language in ("zh-CN", "en"):
        for path in ("/notices?origin=register&state=published", "/publications/how", f"{public}/versions/1"):
            await office.read(path, language=language)
    assert public in await office.read("/notices?q=示例停建〔2014〕1号")
    assert public not in await office.read("/notices?q=不存在%")
    read = (await office.client.get(f"/api/v1{public}")).json()
    for owner in (f"/projects/{read['project_id']}", f"/enterprises/{read['enterprise_id']}"):
        assert public in await office.read(owner)
    table = list(csv.DictReader(io.StringIO((await office.read("/publications.csv")).lstrip("\ufeff"))))
    assert [row["state"] for row in table] == ["published"]
    assert not any(value.startswith(("=", "+", "-", "@")) for row in table for value in row.values())
    feed = ElementTree.fromstring(await office.read("/publications.atom"))  # noqa: S314  # our own answer
    assert [one.findtext(f"{ATOM}id") for one in feed.iter(f"{ATOM}entry")] == [f"http://register{public}"]
    chain = (await office.client.get("/api/v1/publications/chain")).json()["items"]
    links = [Link.model_validate(one) for one in chain]
    assert [one.event for one in links] == ["displayed", "answer", "reply", "published"] and problems_of(links) == []
    assert problems_of([links[0], links[1].model_copy(update={"event": "published"})]) == [2]
    assert read["in_force"]["content"]["facts"]["decision"] == "halt" and "drafted_by" not in str(read)


async def _gone(office: Office, public: str) -> None:
    """A correction with its reason, then an appeal that withdraws: nothing of it is left but the tombstone."""
    path = public.replace("publications", "publishing")
    await office.send("drafter", path, "publication.correct", step="correct", reason="文号有误。")
    await office.send("drafter", path, "publication.revise", step="revise", version="1", reason="文号有误。")
    await office.send("drafter", path, "publication.drop", step="drop")
    await office.send("drafter", path, "publication.correct", step="correct", reason="文号有误。")
    await office.send("drafter", path, "publication.submit", step="submit", version="1")
    asked: dict[str, Any] = dict(
        re.findall(r'name="(proposal|version|of)" value="([^"]*)"', await office.read(path, "first"))
    )
    # As a browser sends it: the form's own step, then the button's.
    refusal = {"step": ["approve", "refuse"], "decision": "不同意", **asked}
    await office.send("first", path, "publication.refuse", **refusal)
    letter: dict[str, Any] = {"received_on": now().date().isoformat(), "content": "示例申诉", "file_hash": "b" * 64}
    await office.send("drafter", path, "publication.appeal", step="appeal", **letter)
    assert "收到申诉" in await office.read(public) and "示例申诉" not in await office.read(public)
    answer: dict[str, Any] = {"step": "answer-appeal", "letter": "1", "answer": "决定已撤销。", "outcome": "withdraw"}
    await office.send("first", path, status=403, **answer)
    await office.send("third", path, "publication.withdraw", **answer)
    stone = await office.read(public, status=410)
    assert "决定已撤销。" in stone
    await office.read(f"{public}/versions/1", status=404)
    assert "enterprises/1" not in stone and (await office.client.get(f"/api/v1{public}")).json()["project_id"] is None
    others = (
        "/notices",
        "/publications.csv",
        "/publications.atom",
        "/api/v1/publications",
        f"/api/v1{public}",
    )
    for one in (stone, *[await office.read(other) for other in others]):
        assert "炼钢示例项目" not in one and "示例答复" not in one and "示例停建" not in one
    for owner in ("/projects/1", "/enterprises/1"):
        assert public not in await office.read(owner)


async def _figures(office: Office) -> None:
    """The public reads no small number and no credit; officials do. The 29 tasks name who is responsible today."""
    public = (await office.client.get("/api/v1/statistics")).json()["items"]
    assert {(one["region"], one["alerts"]) for one in public} == {("130000", 5), ("320000", None)}
    for language in ("zh-CN", "en"):
        assert "/accountability" in await office.read("/statistics", language=language)
        assert "/statistics" in await office.read("/accountability", "reader", language)
    assert "合成" not in await office.read("/statistics.csv")
    # A year's figures are published like anything else, with one approver and without display: nobody is named.
    year = str(public[0]["year"])
    path = await office.send("drafter", "/publishing", "publication.draft", kind="statistics", subject=year)
    await office.send("drafter", path, "publication.submit", step="submit", version="1")
    form: dict[str, Any] = dict(
        re.findall(r'name="(proposal|version|of)" value="([^"]*)"', await office.read(path, "first"))
    )
    await office.send("first", path, "publication.approve", step="approve", **form)
    for language, words in (("zh-CN", "不足 3"), ("en", "fewer than 3")):
        assert words in await office.read(path.replace("publishing", "publications"), language=language)
    tasks = (await office.client.get("/api/v1/accountability")).json()["items"]
    assert [one["number"] for one in tasks] == list(range(1, 30))
    land = next(one for one in tasks if "land-without-approval" in one["rules"] or one["number"] == 4)
    assert any(one["agency"] != one["today"] for one in land["responsible"])
