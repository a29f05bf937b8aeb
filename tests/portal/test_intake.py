"""The public intake over HTTP and in Chromium: a report, its receipt, the dialogue, and what must not be told."""

import asyncio
import hashlib
import html
import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from portal.intake import pacing
from portal.intake.application import make_intake
from portal.intake.pacing import Pace, Puzzles
from portal.intake.serving import WithoutAddress
from registry import settings as register_settings
from registry.tips.outer_keys import outer_identity, outer_recipient
from registry.tips.receipts import lookup_hash, read_receipt
from registry.tips.sealing import Header, open_sealed, seal_bytes
from registry.tips.threads import intake_engine
from tests import tip_world
from tests.conftest import DATABASES, _execute, run
from tests.portal.conftest import free_port, wait_for

MARK = "TGMARK示例钢厂夜里生产"


@dataclass
class Intake:
    """A running intake: its address, its database, the desks' private keys."""

    address: str
    database: str
    world: tip_world.TipWorld

    def ask(self, statement: str, *values: Any) -> list[Any]:
        """Rows, as the owner sees them."""

        async def work() -> list[Any]:
            connection = await asyncpg.connect(self.database)
            try:
                return list(await connection.fetch(statement, *values))
            finally:
                await connection.close()

        return run(work())

    def opened(self, receipt: str) -> list[Any]:
        """What the desk reads of a thread, in its order."""
        found = read_receipt(receipt)
        assert found is not None
        parts = self.ask(
            "SELECT p.organisation_id AS desk, p.outer_month AS month, string_agg(c.content, ''::bytea ORDER BY "
            "c.number) AS sealed FROM tip_parts AS p JOIN tip_chunks AS c ON c.part_id = p.id JOIN tip_threads AS t "
            "ON t.id = p.thread_id WHERE t.lookup_hash = $1 AND direction = 'in' AND complete "
            "GROUP BY p.id ORDER BY p.number",
            lookup_hash(found.lookup),
        )
        return [
            open_sealed(one["sealed"], self.world.opening(one["desk"], outer_identity(one["month"]))) for one in parts
        ]

    def reply(self, receipt: str, text: str, number: int) -> None:
        """An answer of the desk, as its officers' page writes it."""
        found = read_receipt(receipt)
        assert found is not None
        thread = self.ask("SELECT * FROM tip_threads WHERE lookup_hash = $1", lookup_hash(found.lookup))[0]
        outer = outer_recipient(tip_world.TODAY)
        sealed = seal_bytes(Header("answer"), text.encode(), [[thread["recipient"]], [outer]])
        self.ask(
            "INSERT INTO tip_parts (id, thread_id, number, direction, organisation_id, day, outer_month, complete) "
            "VALUES ($1, $2, $3, 'out', $4, $5, '2026-11', true)",
            f"answer-{thread['id']}-{number}", thread["id"], number, thread["organisation_id"], tip_world.TODAY,
        )  # fmt: skip
        self.ask("INSERT INTO tip_chunks VALUES ($1, 0, $2)", f"answer-{thread['id']}-{number}", sealed)


@pytest.fixture(scope="module")
def intake(postgresql_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intake]:
    """The intake on a port, in a thread of this process."""
    name = f"{DATABASES}{os.getpid()}_intake"
    run(_execute(postgresql_url, f'CREATE DATABASE "{name}" TEMPLATE "{template_database}"'))
    dsn = postgresql_url.rsplit("/", 1)[0] + "/" + name
    before = dict(os.environ)
    os.environ |= {
        "THREEGATES_DATABASE_URL": dsn,
        "THREEGATES_DATA_FOLDER": str(tmp_path_factory.mktemp("intake")),
        "THREEGATES_INTAKE_RATE": "100",
    }
    os.environ.pop("THREEGATES_INTAKE_DATABASE_URL", None)
    for cache in (register_settings.settings, intake_engine):
        cache.cache_clear()
    world = run(tip_world.build(dsn))
    port = free_port()
    config = uvicorn.Config(WithoutAddress(make_intake()), port=port, loop="asyncio", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started, "the intake")
    try:
        yield Intake(f"http://127.0.0.1:{port}", dsn, world)
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        os.environ.clear()
        os.environ |= before
        for cache in (register_settings.settings, intake_engine):
            cache.cache_clear()
        run(_execute(postgresql_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


@dataclass
class Reporter:
    """Somebody who goes from page to page without a script."""

    client: httpx.Client
    page: str = ""

    def send(self, path: str, fields: dict[str, str], *files: tuple[str, bytes]) -> httpx.Response:
        """One form; fields before files, as the pages have them."""
        sent: list[Any] = [(name, (None, value)) for name, value in fields.items()]
        sent += [("upload", file) for file in files]
        answer = self.client.post(path, files=sent)
        self.page = answer.text
        return answer

    def hidden(self) -> dict[str, str]:
        """What the page carries along."""
        found = re.findall(r'<input type="hidden" name="(.*?)" value="(.*?)">', self.page)
        return {html.unescape(name): html.unescape(value) for name, value in found}

    def go(self, go: str = "next", *files: tuple[str, bytes], **fields: str) -> str:
        """Answer the page's question; the next page's heading."""
        answer = self.send("/zh/report", {**self.hidden(), **fields, "go": go}, *files)
        assert answer.status_code == 200
        heading = re.search(r"<h1.*?>(.*?)</h1>", self.page)
        assert heading is not None
        return heading[1]


@pytest.fixture
def reporter(intake: Intake) -> Iterator[Reporter]:
    with httpx.Client(base_url=intake.address, timeout=30) as client:
        yield Reporter(client)


def _to_check(reporter: Reporter, office: str, *files: tuple[str, bytes]) -> None:
    reporter.page = reporter.client.get("/zh/report").text
    assert reporter.go(what=MARK) == "是哪个项目？"
    assert reporter.go(project_words="") == "在哪个省、自治区或直辖市？"
    assert reporter.go() == "在哪个省、自治区或直辖市？" and "govuk-error-summary" in reporter.page
    assert reporter.go(province="130000") == "在哪个市、县？"
    reporter.go(place="130200")
    reporter.go(lane="approval")
    reporter.go(office=office)
    reporter.go(since="2026 年春天")
    reporter.go(who="示例甲公司")
    for file in files:
        reporter.go("add", file)
    reporter.go()
    assert reporter.go(named="no", contact="") == "发送前请核对"


def _receipt(page: str) -> str:
    shown = re.search(r'id="receipt">(.*?)</p>', page, re.S)
    assert shown is not None
    return "".join(re.findall(r"<span>(.)</span>", shown[1]))


def test_a_report_on_an_office_goes_above_it_and_two_people_open_it(intake: Intake, reporter: Reporter) -> None:
    files = (("照片.jpg", b"P" * 400_000), ("说明.txt", b"S" * 10))
    _to_check(reporter, "desk-tangshan@130200", *files)
    assert "示例desk-hebei" in reporter.page and "双人开启" in reporter.page
    sending = reporter.hidden()
    assert reporter.go("send") == "已封存并送达"
    receipt = _receipt(reporter.page)
    # The same page sent twice is one report.
    reporter.send("/zh/report", {**sending, "go": "send"})
    assert _receipt(reporter.page) == receipt
    report, photo, note = intake.opened(receipt)
    said = json.loads(report.content)
    assert said["what"] == MARK and said["place"] == {"region": "130200", "name": "河北省唐山市"}
    assert said["office"] == "示例desk-tangshan" and said["files"] == [["照片.jpg", 400_000], ["说明.txt", 10]]
    assert (photo.header.name, photo.content) == files[0]
    assert (note.header.name, note.content) == files[1]
    threads = intake.ask("SELECT * FROM tip_threads")
    assert [one["organisation_id"] for one in threads] == ["desk-hebei"]
    sizes = intake.ask("SELECT padded_size, chunks, sealed_to FROM tip_parts ORDER BY number")
    assert [one["padded_size"] for one in sizes] == [16384, 524288, 16384]
    assert all(one["sealed_to"].count(",") == 1 for one in sizes)


def test_a_removed_file_and_a_file_for_another_desk_do_not_go_along(intake: Intake, reporter: Reporter) -> None:
    _to_check(reporter, "none", ("一.txt", b"1"), ("二.txt", b"2"))
    assert "示例desk-tangshan" in reporter.page and "单独打开" in reporter.page
    reporter.go("change:files")
    first = json.loads(reporter.hidden()["files"])[0][0]
    reporter.go(f"drop:{first}")
    reporter.go()
    assert [name for _part, name, _size in json.loads(reporter.hidden()["files"])] == ["二.txt"]
    # Another office concerned: another desk, whose keys these files were not sealed to.
    reporter.go("change:office")
    for answer in ({"office": "desk-tangshan@130200"}, {}, {}, {}, {"named": "no"}):
        reporter.go(**answer)
    assert "不会发送" in reporter.page and "二.txt" in reporter.page and "files" not in reporter.hidden()
    reporter.go("change:office")
    # Nobody stands above an office of the nation but another one, and there is none here.
    assert reporter.go(office="desk-nation@000000") == "目前没有单位能接收这份举报"
    assert intake.ask("SELECT count(*) AS n FROM tip_parts WHERE draft_hash IS NOT NULL AND complete")[0]["n"] == 1


def test_the_dialogue_goes_both_ways_and_wrong_receipts_look_alike(intake: Intake, reporter: Reporter) -> None:
    _to_check(reporter, "none")
    reporter.go("send")
    receipt = _receipt(reporter.page)
    for number in range(2, 9):
        intake.reply(receipt, f"第{number}次答复", number)
    right = reporter.send("/zh/thread", {"receipt": " ".join(receipt)})
    assert "第8次答复" in right.text and "第2次答复" not in right.text
    reporter.send("/zh/thread", {**reporter.hidden()})
    assert "第3次答复" in reporter.page and "第8次答复" not in reporter.page
    added = reporter.send("/zh/thread/add", {"receipt": receipt, "text": "补充" + MARK}, ("账.xls", b"X" * 70_000))
    assert "已封存并送达" in added.text
    opened = intake.opened(receipt)
    assert [one.header.kind for one in opened] == ["report", "file", "addition"]
    assert json.loads(opened[2].content)["what"] == "补充" + MARK
    wrong = reporter.send("/zh/thread", {"receipt": "的" * 12})
    none = reporter.send("/zh/thread", {"receipt": "x"})
    refused = reporter.send("/zh/thread/add", {"receipt": "的" * 12, "text": MARK}, ("账.xls", b"X" * 70_000))
    assert {one.status_code for one in (right, added, wrong, none, refused)} == {200}
    assert {len(one.content) for one in (right, added, wrong, none, refused)} == {128 * 1024}
    lookup = read_receipt(receipt)
    assert lookup is not None
    found = reporter.send("/zh/thread/sealed", {"lookup": lookup.lookup.hex(), "older_than": ""})
    missing = reporter.send("/zh/thread/sealed", {"lookup": "00" * 32, "older_than": ""})
    assert found.json()["found"] and not missing.json()["found"] and len(found.content) == len(missing.content)


def test_every_answer_is_guarded_and_nothing_is_kept_in_the_browser(reporter: Reporter) -> None:
    for path in ("/zh/", "/en/", "/zh/guidance", "/zh/report", "/zh/receipt", "/nothing", "/zh/receipt-script"):
        answer = reporter.client.get(path)
        assert "set-cookie" not in answer.headers and answer.headers["cache-control"] == "no-store"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and ("script-src" in policy) is (path == "/zh/receipt-script")
        assert answer.headers["referrer-policy"] == "no-referrer"
        # Relative links alone: the page works under whatever name it is reached, an onion's too.
        assert "http://" not in answer.text and "https://" not in answer.text
    away = reporter.client.get("/leave")
    assert away.status_code == 303 and away.headers["clear-site-data"] == '"cache", "storage"'
    assert reporter.client.get("/", headers={"accept-language": "en"}).headers["location"] == "/en/"


FORM = "multipart/form-data; boundary=b"
MALFORMED = (
    ("application/json", b'{"what": "TGMARK"}'),
    ("multipart/form-data", b"TGMARK"),
    (FORM, b"TGMARK"),
    (FORM, b'--b\r\nContent-Disposition: form-data; name="what"\r\n\r\nTGMARK'),
    (FORM, b"--b\r\n\r\n" + b"TGMARK" * 100_000 + b"\r\n--b--"),
    (FORM, b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n' * 250),
)


def test_a_malformed_form_is_refused_without_an_echo(reporter: Reporter, capfd: pytest.CaptureFixture[str]) -> None:
    asked = [("/zh/report", *one) for one in MALFORMED]
    asked += [(path, *MALFORMED[3]) for path in ("/zh/thread", "/zh/thread/add", "/en/thread/sealed")]
    for path, kind, body in asked:
        answer = reporter.client.post(path, content=body, headers={"content-type": kind})
        assert answer.status_code == 422 and "TGMARK" not in answer.text, (path, kind)
    said = capfd.readouterr()
    assert "TGMARK" not in said.out + said.err


def test_the_role_adds_and_sees_one_thread_and_nothing_else(intake: Intake, reporter: Reporter) -> None:
    _to_check(reporter, "none")
    reporter.go("send")
    receipt = read_receipt(_receipt(reporter.page))
    assert receipt is not None

    async def look() -> dict[str, Any]:
        connection = await asyncpg.connect(intake.database)
        seen: dict[str, Any] = {}
        try:
            await connection.execute("SET ROLE threegates_intake")
            seen["without"] = [
                await connection.fetchval(f"SELECT count(*) FROM {table}")
                for table in ("tip_threads", "tip_parts", "tip_chunks")
            ]
            own = lookup_hash(receipt.lookup).hex()
            await connection.execute(f"SET threegates.tip_lookup = '{own}'")
            seen["with"] = [
                await connection.fetchval(f"SELECT count(*) FROM {table}")
                for table in ("tip_threads", "tip_parts", "tip_chunks")
            ]
            for table in ("accounts", "organisations", "projects", "records", "audit_entries", "tip_links"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.fetch(f"SELECT * FROM {table}")
            for change in ("UPDATE tip_threads SET state = 'closed'", "DELETE FROM tip_threads"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(change)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(
                    "INSERT INTO tip_threads (id, organisation_id, day, lookup_hash, recipient) "
                    "VALUES ('x', 'desk-nation', '2026-11-21', '', '')"
                )
            await connection.execute("DELETE FROM tip_parts")
        finally:
            await connection.close()
        return seen

    # What a reporter sent is not given back: of its chunks none is seen.
    assert run(look()) == {"without": [0, 0, 0], "with": [1, 1, 0]}
    assert len(intake.opened("".join(receipt.words("zh")))) == 1


async def test_turns_come_at_the_rate_and_who_worked_goes_ahead_without_starving_others() -> None:
    pace = Pace(200, burst=1)
    order: list[str] = []

    async def come(name: str, worked: bool) -> None:
        await pace.turn(worked=worked)
        order.append(name)

    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(come("plain", False) for _ in range(20)), *(come("ahead", True) for _ in range(20)))
    assert loop.time() - began >= 38 / 200
    assert order[1:13].count("plain") == 3 and len(order) == 40
    assert pace.expected() == 0


def test_a_puzzle_counts_once_and_only_when_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "BITS", 6)
    puzzles = Puzzles()
    challenge = puzzles.challenge()
    solves = [
        not int.from_bytes(hashlib.sha256(f"{challenge}:{number}".encode()).digest()) >> 250 for number in range(5_000)
    ]
    number = solves.index(True)
    assert not puzzles.solved(challenge, str(solves.index(False)))
    assert not puzzles.solved("00" * 32, str(number)) and not puzzles.solved("zz", "1")
    assert puzzles.solved(challenge, str(number)) and not puzzles.solved(challenge, str(number))


Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """As everywhere, without the populated register behind it: the intake needs none."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Browser, intake: Intake) -> Iterator[Open]:
    contexts = []
    complaints: list[str] = []

    def open_one(path: str, *, width: int, scripts: bool) -> Page:
        context = browser.new_context(
            base_url=intake.address, viewport={"width": width, "height": 850}, java_script_enabled=scripts
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(path)
        return page

    yield open_one
    for context in contexts:
        assert context.cookies() == []
        context.close()
    assert complaints == []


@pytest.mark.browser
def test_on_a_phone_without_scripts_in_chinese_a_report_is_sent_and_read(
    open_page: Open, intake: Intake, tmp_path: Path
) -> None:
    page = open_page("/zh/", width=390, scripts=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="开始举报").click()
    page.get_by_role("button", name="继续").click()
    expect(page.get_by_role("alert")).to_contain_text("请说明发生了什么")
    page.get_by_role("textbox").fill(MARK)
    page.get_by_role("button", name="继续").click()
    page.get_by_role("button", name="继续").click()
    page.get_by_label("省、自治区、直辖市").select_option("130000")
    page.get_by_role("button", name="继续").click()
    page.get_by_role("button", name="继续").click()
    page.get_by_label("不清楚").check()
    page.get_by_role("button", name="继续").click()
    page.get_by_label("不涉及").check()
    for _page in ("office", "since", "who"):
        page.get_by_role("button", name="继续").click()
    file = tmp_path / "照片.jpg"
    file.write_bytes(b"P" * 200_000)
    page.get_by_label("选择文件").set_input_files(file)
    page.get_by_role("button", name="上传所选文件").click()
    expect(page.get_by_text("照片.jpg").first).to_be_visible()
    page.get_by_role("button", name="继续").click()
    page.get_by_label("不留", exact=True).check()
    page.get_by_role("button", name="继续").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="封存并发送").click()
    receipt = "".join(page.locator("#receipt span").all_text_contents())
    assert len(receipt) == 12
    assert [one.header.kind for one in intake.opened(receipt)] == ["report", "file"]
    intake.reply(receipt, "已受理，谢谢。", 5)
    page.goto("/zh/receipt")
    page.get_by_label("十二个汉字").fill(receipt)
    page.get_by_role("button", name="查看").click()
    expect(page.get_by_text("已受理，谢谢。")).to_be_visible()


@pytest.mark.browser
def test_with_scripts_in_english_the_receipt_stays_in_the_browser(
    open_page: Open, intake: Intake, reporter: Reporter
) -> None:
    _to_check(reporter, "none")
    reporter.go("send")
    receipt = read_receipt(_receipt(reporter.page))
    assert receipt is not None
    chinese, english = "".join(receipt.words("zh")), " ".join(receipt.words("en"))
    for number in range(2, 9):
        intake.reply(chinese, f"Answer {number}", number)
    sent: list[bytes] = []
    page = open_page("/en/receipt", width=1280, scripts=True)
    page.on("request", lambda request: sent.append(request.post_data_buffer or b""))
    page.get_by_role("link", name="the receipt need not leave").click()
    page.get_by_label("Twelve Chinese").fill("one two three")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("status")).to_contain_text("This is no receipt")
    page.get_by_label("Twelve Chinese").fill(english)
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_text("Answer 8")).to_be_visible()
    page.get_by_role("button", name="Older answers").click()
    expect(page.get_by_text("Answer 2")).to_be_visible()
    page.get_by_label("What you want to add").fill("One more thing")
    page.get_by_role("button", name="Seal and send").click()
    expect(page.get_by_role("status")).to_contain_text("Sealed and delivered.")
    assert json.loads(intake.opened(chinese)[-1].content)["what"] == "One more thing"
    # Under load the page offers a puzzle, which the browser solves by itself.
    page.evaluate(
        """fields => {
            const form = Object.assign(document.createElement("form"), {method: "post", action: "/en/report"});
            form.enctype = "multipart/form-data";
            for (const [name, value] of Object.entries(fields))
                form.append(Object.assign(document.createElement("input"), {name, value}));
            document.body.append(form);
            form.submit();
        }""",
        {"what": MARK, "province": "130000", "office": "none", "named": "no", "step": "check", "go": "work"},
    )
    expect(page.get_by_role("status")).to_contain_text("you may go ahead")
    page.get_by_role("button", name="Seal and send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sealed and delivered")
    everything = b"".join(sent)
    assert receipt.lookup.hex().encode() in everything
    assert not any(word.encode() in everything for word in (english, chinese, receipt.entropy.hex()))
