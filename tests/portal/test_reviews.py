"""Reviewing and suspected projects over HTTP: pages without JavaScript, the API, a browser by keyboard alone."""

import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from playwright.sync_api import sync_playwright

from registry.database import make_engine
from tests.conftest import DATABASES, run
from tests.portal.conftest import answers, child, free_port, wait_for
from tests.portal.people import signed_in
from tests.registry.reviews import make_world
from tests.scratch_server import clone

TOKEN = "x" * 40
ROOT = Path(__file__).parents[2]
# One for each test, so that none disturbs another; the first is what the browser meets first.
RECORDS: list[dict[str, Any]] = [
    {"source_key": "keys"},
    {"source_key": "forms"},
    {"source_key": "stake", "area_hectares": "35"},
    {"source_key": "lacking", "project_name": "年产20万吨炼钢项目<b>"},
    {"source_key": "loan", "act": "loan", "amount": "250000000", "area_hectares": None, "kind": "construction"},
    {"source_key": "api"},
    {"source_key": "land", "project_name": "示例丁炼钢项目"},
    {"source_key": "eia", "act": "eia_approval", "area_hectares": None, "project_name": "示例丁炼钢项目"},
    {"source_key": "proposed", "project_name": "示例戊炼钢项目"},
    {"source_key": "next"},
]
PEOPLE: dict[str, tuple[tuple[Any, ...], tuple[str, ...]]] = {
    "reviewer": (("reviewer",), ("approval",)),
    "other": (("reviewer",), ("approval",)),
    "supervisor": (("supervisor",), ("approval",)),
    "officer": (("officer",), ("approval",)),
    "reader": (("reader",), ()),
    "finance": (("reviewer",), ("credit",)),
}


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_given: Any, **_named: Any) -> None:
        """Leave a redirect to the test."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        """Its JSON."""
        return json.loads(self.text)


@dataclass(frozen=True)
class World:
    """A portal over a small world, and the sign-ins of its people."""

    address: str
    database: str
    people: dict[str, str]

    def ask(self, who: str, path: str, body: bytes | None = None, method: str | None = None, **headers: str) -> Answer:
        """One request as a person; without a name as the public."""
        cookies = f"threegates_form={TOKEN}"
        if who:
            cookies += f"; threegates_sign_in={self.people[who]}"
        asked = urllib.request.Request(
            self.address + path, body, {"cookie": cookies, **headers}, method=method or ("POST" if body else "GET")
        )
        opener = urllib.request.build_opener(_Stay, urllib.request.ProxyHandler({}))
        try:
            with opener.open(asked, timeout=30) as answer:
                return Answer(answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.headers.items()})
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read().decode(), {k.lower(): v for k, v in error.headers.items()})

    def send(self, who: str, path: str, **fields: Any) -> Answer:
        """A form."""
        body = urllib.parse.urlencode({"form_token": TOKEN, **fields}, doseq=True).encode()
        return self._entered(self.ask(who, path, body))

    def _entered(self, answer: Answer) -> Answer:
        """What was done stands in the audit, under the number of its request."""
        if answer.status < 400 and "idempotent-replayed" not in answer.headers:
            number = answer.headers["x-request-id"]
            entries = self.value(f"SELECT count(*) FROM audit_entries WHERE request_id = '{number}'")
            assert entries, "a change without an entry in the audit"
        return answer

    def post(self, who: str, path: str, content: dict[str, Any], key: str = "key-00000001", **headers: str) -> Answer:
        """JSON to the API."""
        sent = {
            "content-type": "application/json",
            "idempotency-key": key,
            "accept-language": "en",
            "sec-fetch-site": "same-origin",
            **headers,
        }
        return self._entered(self.ask(who, f"/api/v1{path}", json.dumps(content).encode(), **sent))

    def value(self, statement: str) -> Any:
        """One value of the database."""

        async def work() -> Any:
            connection = await asyncpg.connect(self.database)
            try:
                return await connection.fetchval(statement)
            finally:
                await connection.close()

        return run(work())

    def record(self, key: str) -> int:
        """The number of a record."""
        return int(self.value(f"SELECT record_id FROM records WHERE source_key = '{key}'"))

    def project(self, reference: str = "t:P1") -> int:
        """The number of a project."""
        return int(self.value(f"SELECT id FROM projects WHERE reference = '{reference}'"))


async def _prepare(url: str) -> dict[str, str]:
    engine = make_engine(url)
    await make_world(engine, *RECORDS)
    await engine.dispose()
    connection = await asyncpg.connect(url)
    try:
        return {name: await signed_in(connection, *roles, lanes=lanes) for name, (roles, lanes) in PEOPLE.items()}
    finally:
        await connection.close()


async def _administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def world(
    postgresql_url: str, elasticsearch_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A portal over the small world, one for all tests: starting one takes many times what a test does."""
    name, data = f"{DATABASES}{os.getpid()}_reviews", tmp_path_factory.mktemp("reviews")
    database = postgresql_url.rsplit("/", 1)[0] + "/" + name
    run(_administer(postgresql_url, clone(name, template_database)))
    try:
        people = run(_prepare(database))
        port = free_port()
        arguments = [sys.executable, "-m", "uvicorn", "portal.web:application", "--port", str(port)]
        environment = {
            **os.environ,
            "THREEGATES_DATABASE_URL": database,
            "THREEGATES_ELASTICSEARCH_URL": elasticsearch_url,
            # Nothing is indexed: searching answers from the register.
            "THREEGATES_INDEX_PREFIX": f"tgtest-{os.getpid()}-reviews",
            "THREEGATES_DATA_FOLDER": str(data),
        }
        with child(arguments, environment, ROOT, data / "portal.log"):
            wait_for(lambda: answers(f"http://127.0.0.1:{port}/health/ready"), "the portal")
            yield World(f"http://127.0.0.1:{port}", database, people)
    finally:
        run(_administer(postgresql_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


def test_a_record_is_decided_and_undone_by_plain_forms(world: World) -> None:
    record, project = world.record("forms"), world.project()
    queue = world.ask("reviewer", "/review?sector=steel")
    assert queue.status == 200 and f"/review/{record}?sector=steel" in queue.text
    page = world.ask("reviewer", f"/review/{record}?lang=en")
    assert page.status == 200
    assert "characters nobody sees" in page.text and "U+200B" in page.text and "82.0 %" in page.text
    assert re.search(r'tg-piece--written">鋼鐵<', page.text)
    assert "<script>" not in page.text and " style=" not in page.text and "onclick" not in page.text
    seen = re.search(r'name="seen" value="([^"]+)"', page.text)
    assert seen
    done = world.send(
        "reviewer",
        f"/review/{record}?sector=steel",
        verdict="accept",
        project_ids=[project],
        reason="名称相符",
        seen=seen[1],
    )
    assert done.status == 303 and done.headers["location"].startswith("/review/next?sector=steel&done=")
    following = world.ask("reviewer", done.headers["location"])
    assert following.status == 303 and re.match(r"/review/\d+\?sector=steel&done=\d+", following.headers["location"])
    told = world.ask("reviewer", following.headers["location"])
    assert "已记下" in told.text and "属于所选项目" in told.text
    decision = re.search(r'name="decision" value="(\d+)"', told.text)
    assert decision
    linked = f"SELECT outcome || project_id FROM links WHERE record_id = {record} AND known_to = 'infinity'"
    assert world.value(linked) == f"linked{project}"
    again = world.send("reviewer", f"/review/{record}", verdict="unsure", seen=seen[1])
    assert again.status == 412 and "内容已被他人更改" in again.text
    back = world.send("reviewer", "/review/undo?sector=steel", decision=decision[1])
    assert back.headers["location"].startswith(f"/review/{record}?sector=steel")
    assert world.value(f"SELECT outcome FROM links WHERE record_id = {record} AND known_to = 'infinity'") == "unlinked"


def test_what_a_form_lacks_is_said_at_its_field(world: World) -> None:
    record = world.record("lacking")
    assert "&lt;b&gt;" in world.ask("reviewer", f"/review/{record}").text
    for fields, words in (
        ({}, "没有选择结论"),
        ({"verdict": "accept"}, "没有选择项目"),
        ({"verdict": "accept", "other": "nonsense"}, "没有登记项目使用此代码或编号"),
    ):
        answer = world.send("reviewer", f"/review/{record}", **fields)
        assert answer.status == 422 and words in answer.text, answer.text[-2000:]
    assert world.value(f"SELECT count(*) FROM link_decisions WHERE record_id = {record}") == 0
    foreign = world.ask("reviewer", f"/review/{record}", b"verdict=unsure&form_token=wrong")
    assert foreign.status == 403


def test_two_people_decide_what_is_at_stake(world: World) -> None:
    record, project = world.record("stake"), world.project()
    assert "须两人意见" in world.ask("reviewer", f"/review/{record}").text
    world.send("reviewer", f"/review/{record}", verdict="accept", project_ids=[project], reason="相符")
    assert world.send("reviewer", f"/review/{record}", verdict="accept", project_ids=[project]).status == 403
    waiting = world.ask("other", "/review?state=second")
    assert f"/review/{record}?state=second" in waiting.text
    page = world.ask("other", f"/review/{record}")
    assert "第一意见" in page.text and "相符" in page.text
    world.send("other", f"/review/{record}", verdict="accept", project_ids=[project], reason="同意")
    assert world.value(f"SELECT outcome FROM links WHERE record_id = {record} AND known_to = 'infinity'") == "linked"


def test_who_sees_the_queue(world: World) -> None:
    record, loan = world.record("next"), world.record("loan")
    for path in ("/review", f"/review/{record}", "/review/next", "/suspected"):
        assert world.ask("", path).headers["location"].startswith("/sign-in")
    assert world.ask("reader", "/review").status == 403
    assert 'href="/review"' not in world.ask("reader", "/").text
    seen = world.ask("officer", f"/review/{record}")
    assert seen.status == 200 and "您可以查看，但不能作出结论" in seen.text
    assert world.send("officer", f"/review/{record}", verdict="unsure").status == 403
    assert world.ask("reviewer", f"/review/{loan}").status == 404
    assert world.send("reviewer", f"/review/{loan}", verdict="unsure").status == 404
    assert world.ask("finance", f"/review/{loan}").status == 200
    assert world.ask("finance", "/api/v1/reviews").json["total"] == 1
    assert world.ask("", "/api/v1/reviews").status == 401
    everywhere = world.ask("reviewer", "/api/v1/reviews").json["total"]
    for region, total in (("迁安市", everywhere), ("130200", everywhere), ("河北省唐海县", 0), ("440000", 0)):
        asked = f"/api/v1/reviews?region={urllib.parse.quote(region)}"
        assert world.ask("reviewer", asked).json["total"] == total, region
    assert world.ask("reviewer", "/api/v1/reviews?region=nowhere").status == 422
    assert "没有这个地区" in world.ask("reviewer", "/review?region=nowhere").text
    assert "没有这个地区" in world.ask("reader", "/suspected?region=nowhere").text
    assert world.ask("reviewer", "/review?state=disguised").status == 200
    shown = [one["record_id"] for one in world.ask("reviewer", "/api/v1/reviews").json["items"]]
    assert record in shown and loan not in shown


def test_the_api_decides_once_and_on_the_version_that_was_read(world: World) -> None:
    record, project = world.record("api"), world.project()
    before = world.ask("reviewer", "/api/v1/reviews/progress").json["open"]
    read = world.ask("reviewer", f"/api/v1/reviews/{record}")
    assert read.json["candidates"][0]["project_id"] == project
    say = {"verdict": "accept", "project_ids": [project], "reason": "相符"}
    path = f"/reviews/{record}/decisions"
    lacking = world.post("reviewer", path, say)
    assert (lacking.status, lacking.json["type"]) == (428, "/problems#precondition-required")
    stale = world.post("reviewer", path, say, **{"if-match": '"0-0"'})
    assert (stale.status, stale.json["type"]) == (412, "/problems#changed-meanwhile")
    match = {"if-match": read.headers["etag"]}
    foreign = world.post("reviewer", path, say, **match, **{"sec-fetch-site": "cross-site"})
    assert foreign.status == 403
    done = world.post("reviewer", path, say, **match)
    assert done.status == 200 and done.json["in_force"], done.text
    replayed = world.post("reviewer", path, say, **match)
    assert replayed.json == done.json and replayed.headers["idempotent-replayed"] == "true"
    assert world.value(f"SELECT count(*) FROM link_decisions WHERE record_id = {record}") == 1
    other = world.post("reviewer", path, {**say, "verdict": "unsure"}, **match)
    assert other.status == 422
    undo = f"/reviews/decisions/{done.json['decision_id']}/undo"
    assert world.post("other", undo, {"reason": "不对"}).status == 403
    assert world.post("reviewer", undo, {"reason": "看错了"}, "key-00000002").status == 200
    assert world.post("reviewer", undo, {"reason": "看错了"}, "key-00000003").status == 409
    assert world.ask("reviewer", "/api/v1/reviews/progress").json["open"] == before
    bad = world.post("reviewer", path, {"verdict": "maybe", "reason": ""}, **match)
    assert bad.status == 422 and {one["field"] for one in bad.json["errors"]} == {"verdict", "reason"}


def test_a_suspected_project_from_first_record_to_merger(world: World) -> None:
    for key, who in (("land", "reviewer"), ("eia", "other")):
        world.send(who, f"/review/{world.record(key)}", verdict="new_project", suspected="new", reason="未登记")
    page = world.ask("reader", f"/suspected?lang=en&q={urllib.parse.quote('示例丁')}")
    assert page.status == 200 and "2 suspected projects" in page.text
    one, other = (int(found) for found in sorted(set(re.findall(r'href="/suspected/(\d+)"', page.text)), key=int))
    file = world.ask("reader", f"/suspected/{one}")
    assert "未经核实，不得对外公布" in file.text and "供地" in file.text and "提交提议" not in file.text
    drafted = world.send("reviewer", f"/suspected/{other}/draft", action="merge", target=one, reason="同一地块")
    assert drafted.status == 303
    shown = world.ask("supervisor", f"/suspected/{other}").text
    proposal, version = (re.search(rf'name="{name}" value="(\d+)"', shown) for name in ("proposal", "version"))
    assert proposal and version
    asked = {"proposal": proposal[1], "version": version[1], "verdict": "approve"}
    assert world.send("other", f"/suspected/{other}/settle", **asked).status == 403
    assert world.send("supervisor", f"/suspected/{other}/settle", **asked).status == 303
    merged = world.ask("reader", f"/api/v1/suspected/{one}").json
    assert (merged["records"], merged["lanes"], [line["act"] for line in merged["records_of"]]) == (
        2,
        2,
        ["land_grant", "eia_approval"],
    )
    assert f'href="/suspected/{one}"' in world.ask("reader", f"/suspected/{other}").text
    hint = "/suspected?state=all&amp;q="
    search = f"/search?q={urllib.parse.quote('示例丁')}"
    assert hint in world.ask("reader", search).text and hint not in world.ask("", search).text
    assert world.ask("", f"/api/v1/suspected/{one}").status == 401
    # One record apart again, over the API.
    record = world.record("eia")
    word = int(world.value(f"SELECT max(id) FROM link_decisions WHERE record_id = {record}"))
    assert world.post("other", f"/reviews/decisions/{word}/undo", {"reason": "分开看"}).status == 200


def test_proposals_over_the_api(world: World) -> None:
    world.send("reviewer", f"/review/{world.record('proposed')}", verdict="new_project", suspected="new")
    (line,) = world.ask("reader", f"/api/v1/suspected?q={urllib.parse.quote('示例戊')}").json["items"]
    read = world.ask("reviewer", f"/api/v1/suspected/{line['suspected_id']}")
    path = f"/suspected/{line['suspected_id']}/proposals"
    asked = {"action": "register", "target": world.project(), "reason": "已补登记"}
    assert world.post("reviewer", path, asked).status == 428
    drafted = world.post("reviewer", path, asked, **{"if-match": read.headers["etag"]})
    assert drafted.status == 200, drafted.text
    settle = f"/suspected/proposals/{drafted.json['proposal_id']}/settle"
    assert world.post("reviewer", settle, {"verdict": "approve", "version": 1}).status == 403
    done = world.post("supervisor", settle, {"verdict": "approve", "version": 1, "decision": "属实"})
    assert done.status == 200, done.text
    assert world.ask("reader", "/api/v1/suspected?state=registered").json["total"] == 1
    linked = f"SELECT project_id FROM links WHERE record_id = {world.record('proposed')} AND known_to = 'infinity'"
    assert world.value(linked) == world.project()


def test_by_keyboard_alone(world: World, chromium: str) -> None:
    first = world.record("keys")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(locale="zh-CN")
        context.add_cookies([{"name": "threegates_sign_in", "value": world.people["reviewer"], "url": world.address}])
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.goto(f"{world.address}/review")
        page.keyboard.press("j")
        page.wait_for_url(f"**/review/{first}*")
        # The likeliest is ticked already: untick it, take the second, say why.
        page.keyboard.press("1")
        page.keyboard.press("2")
        page.keyboard.press("a")
        page.keyboard.press("m")
        page.keyboard.type("aj地块相符")
        page.keyboard.press("Escape")
        page.keyboard.press("Enter")
        page.wait_for_url("**done=*")
        assert "属于所选项目" in page.inner_text(".tg-done")
        decided = world.value(f"SELECT project_ids[1] FROM link_decisions WHERE record_id = {first}")
        assert decided == world.project("t:P2")
        assert world.value(f"SELECT reason FROM link_decisions WHERE record_id = {first}") == "aj地块相符"
        page.keyboard.press("z")
        page.wait_for_url(f"**/review/{first}*")
        assert (
            world.value(f"SELECT verdict FROM link_decisions WHERE record_id = {first} ORDER BY id DESC LIMIT 1")
            == "undo"
        )
        page.keyboard.press("j")
        page.wait_for_url(lambda address: f"/review/{first}" not in address)
        # Letters mean nothing once single keys are turned off.
        page.evaluate("localStorage.setItem('threegates-review-keys', 'off')")
        page.reload()
        page.keyboard.press("u")
        assert not page.is_checked("#verdict-unsure")
        assert wrong == []
        browser.close()
