"""The officers' side of reports: opened in the browser by two people, answered, worked on, sealed again, cleaned."""

import json
import os
import re
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from pyrage.x25519 import Identity
from typer.testing import CliRunner

from portal.commands import application
from portal.demo_reports import DESK
from portal.demo_reports import PASSPHRASE as DEMO_PASSPHRASE
from registry import settings as register_settings
from registry.clock import today
from registry.database import make_engine, transaction
from registry.tips.canary import differences
from registry.tips.desks import Desk, read_desks
from registry.tips.outer_keys import outer_identity
from registry.tips.part_files import is_sealed, opened, without_seals
from registry.tips.private_keys import new_key_file, read_key_file
from registry.tips.receipts import Receipt, new_receipt
from registry.tips.sealing import CannotOpen, Header, fingerprint, open_sealed
from registry.tips.threads import keep_file, keep_report, read_thread
from tests.conftest import run
from tests.portal.conftest import Register
from tests.portal.test_pages import Visitor

MARK = "TGMARK示例钢厂甲夜里生产"
PASSPHRASE = "fünf Wörter 五个词 x"


@dataclass
class TipDesk:
    """A desk of two people with their keys, and somebody's report to it."""

    register: Register
    portal: str
    organisation: str
    sign_ins: dict[str, str]  # administrator, first, second -> secret
    keys: dict[str, bytes] = field(default_factory=dict)  # A, B -> content of the key's file
    thread: str = ""

    def visitor(self, who: str) -> Visitor:
        """One of them, with the form token of a page."""
        made = Visitor(self.portal, {"threegates_sign_in": self.sign_ins[who]}, {"accept-language": "zh-CN"})
        made.ask("/account")
        return made

    def desk(self) -> Desk:
        """As the intake reads it."""

        async def work() -> Desk:
            engine = make_engine(self.register.database)
            try:
                async with transaction(engine) as session:
                    return next(one for one in await read_desks(session) if one.id == self.organisation)
            finally:
                await engine.dispose()

        return run(work())

    def report(self, said: str, *files: tuple[str, bytes]) -> Receipt:
        """Write to the desk, as the intake does."""
        receipt = new_receipt()
        desk = self.desk()

        async def work() -> None:
            engine = make_engine(self.register.database)
            try:
                content = json.dumps({"what": said, "place": {"name": "示例县"}}, ensure_ascii=False).encode()
                await keep_report(engine, receipt, desk, content, None, today())
                for name, what in files:

                    async def pieces(what: bytes = what) -> AsyncIterator[bytes]:
                        yield what

                    header = Header("file", name, "application/octet-stream")
                    await keep_file(engine, desk, header, pieces(), today(), lookup=receipt.lookup)
            finally:
                await engine.dispose()

        run(work())
        self.thread = self.register.ask("SELECT id FROM tip_threads WHERE recipient = $1", receipt.recipient)[0]["id"]
        return receipt

    def entered(self) -> set[str]:
        """The actions in the audit."""
        return {one["action"] for one in self.register.ask("SELECT DISTINCT action FROM audit_entries")}

    def identity(self, group: str) -> Identity:
        """Whose private key it is stays with them; here the test's."""
        return read_key_file(self.keys[group], PASSPHRASE)


@pytest.fixture(scope="module")
def desk(register: Register, portal: str) -> Iterator[TipDesk]:
    before = dict(os.environ)
    os.environ |= {name: register.environment[name] for name in ("THREEGATES_DATABASE_URL", "THREEGATES_DATA_FOLDER")}
    register_settings.settings.cache_clear()
    first = register.sign_in("reviewer")
    others = {"second": register.sign_in("supervisor"), "administrator": register.sign_in("administrator")}
    whose = "(SELECT account_id FROM sign_ins WHERE secret_hash = sha256(convert_to($1, 'UTF8')))"
    organisation = register.ask(f"SELECT organisation_id AS id FROM accounts WHERE id = {whose}", first)[0]["id"]
    for secret in others.values():
        register.ask(f"UPDATE accounts SET organisation_id = $2 WHERE id = {whose}", secret, organisation)
    try:
        made = TipDesk(register, portal, organisation, {"first": first, **others})
        administrator = made.visitor("administrator")
        assert administrator.send("/tip-keys", {"step": "open", "people": "two"})[0] == 303
        yield made
    finally:
        os.environ.clear()
        os.environ |= before
        register_settings.settings.cache_clear()


def _mark(page: str) -> str:
    found = re.findall(r"<code>((?:[0-9a-f]{4} ){7}[0-9a-f]{4})</code>", page)
    assert found
    return str(found[-1])


def test_two_people_open_in_the_browser_answer_and_seal_again(desk: TipDesk, browser: Browser, tmp_path: Path) -> None:
    first, second = desk.visitor("first"), desk.visitor("second")
    context = browser.new_context(locale="zh-CN", accept_downloads=True)
    context.add_cookies([{"name": "threegates_sign_in", "value": desk.sign_ins["first"], "url": desk.portal}])
    page = context.new_page()
    sent: list[bytes] = []
    problems: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data_buffer or b""))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))

    # The first person makes a key in the browser; it leaves as a file under the passphrase.
    page.goto(f"{desk.portal}/tip-keys")
    page.fill("#new-passphrase", PASSPHRASE)
    page.fill("#again", PASSPHRASE)
    page.click("#making button")
    page.wait_for_selector("#made a")
    with page.expect_download() as download:
        page.click("#made a")
    download.value.save_as(tmp_path / "a.age")
    desk.keys["A"] = (tmp_path / "a.age").read_bytes()
    assert page.input_value("#recipient") == str(desk.identity("A").to_public())
    page.click("button:has-text('添加，等待第二人核对')")
    page.wait_for_load_state()
    mark = _mark(page.content())
    # Nobody confirms their own key.
    assert first.send("/tip-keys", {"step": "confirm", "fingerprint": mark})[0] == 409
    assert second.send("/tip-keys", {"step": "confirm", "fingerprint": mark})[0] == 303
    desk.keys["B"], recipient = new_key_file(PASSPHRASE)
    second_key = desk.identity("B")
    assert second.send("/tip-keys", {"step": "add", "group": "A", "recipient": "age1nothing"})[0] == 422
    assert second.send("/tip-keys", {"step": "add", "group": "B", "recipient": recipient})[0] == 303
    assert second.send("/tip-keys", {"step": "add", "group": "A", "recipient": recipient})[0] == 409
    assert not desk.desk().can_receive
    marks = [one["fingerprint"] for one in desk.register.ask("SELECT fingerprint FROM tip_desk_keys ORDER BY id")]
    assert first.send("/tip-keys", {"step": "confirm", "fingerprint": marks[-1]})[0] == 303

    receipt = desk.report(MARK, ("夜班.jpg", b"JPEG" * 20_000))
    status, _headers, listed = first.ask("/tips")
    assert status == 200 and desk.thread[:8] in listed and "待登记" in listed and "还有" in listed
    # Both keys end and new ones take their place: what came before is opened with the old ones, and sealed again.
    old, new = [desk.identity("A"), second_key], [Identity.generate(), Identity.generate()]
    turns = (("A", first, second, mark, new[0]), ("B", second, first, marks[-1], new[1]))
    for group, person, other, key_mark, made in turns:
        recipient = str(made.to_public())
        assert person.send("/tip-keys", {"step": "end", "fingerprint": key_mark, "why": ""})[0] == 422
        assert person.send("/tip-keys", {"step": "end", "fingerprint": key_mark, "why": "年度更换"})[0] == 303
        assert person.send("/tip-keys", {"step": "add", "group": group, "recipient": recipient})[0] == 303
        assert other.send("/tip-keys", {"step": "confirm", "fingerprint": fingerprint(recipient)})[0] == 303
    assert "封存给旧密钥" in first.ask("/tips")[2]
    page.goto(f"{desk.portal}/tips/{desk.thread}")
    (tmp_path / "b.age").write_bytes(desk.keys["B"])
    page.set_input_files("#key-file", tmp_path / "a.age")
    page.fill("#passphrase", "a wrong passphrase")
    page.click("#keys button")
    page.wait_for_selector("#said:has-text('口令不对')")
    page.set_input_files("#key-file", tmp_path / "a.age")
    page.fill("#passphrase", PASSPHRASE)
    page.click("#keys button")
    page.wait_for_selector("#said:has-text('请第二人')")
    assert MARK not in page.content()
    page.set_input_files("#key-file", tmp_path / "b.age")
    page.fill("#passphrase", PASSPHRASE)
    page.click("#keys button")
    page.wait_for_selector("#said:has-text('没有发送到任何地方')")
    assert MARK in page.content() and "示例县" in page.content()
    with page.expect_download() as download:
        page.click("a:has-text('夜班.jpg')")
    assert Path(download.value.path()).read_bytes() == b"JPEG" * 20_000

    page.click("#reseal")
    page.wait_for_selector("#said:has-text('重新封存')")
    parts = desk.register.ask("SELECT id, sealed_to FROM tip_parts WHERE thread_id = $1 ORDER BY number", desk.thread)
    assert {one["sealed_to"] for one in parts} == {desk.desk().sealed_to}
    assert "封存给旧密钥" not in first.ask("/tips")[2]

    # The answer is sealed in the browser, and the receipt opens it.
    page.fill("#answer", "已收到，正在核查。TGANSWER")
    page.click("button:has-text('封存并发送')")
    page.wait_for_url(f"{desk.portal}/tips/{desk.thread}")
    page.wait_for_selector("text=本处答复")

    async def answers() -> str:
        engine = make_engine(desk.register.database)
        try:
            thread = await read_thread(engine, receipt.lookup)
        finally:
            await engine.dispose()
        assert thread is not None and thread.state == "answered"
        return open_sealed(thread.answers[0].sealed, [[receipt.identity]]).content.decode()

    context.close()
    assert run(answers()) == "已收到，正在核查。TGANSWER"
    assert problems == []
    everything = b"".join(sent)
    for secret in (MARK, "TGANSWER", PASSPHRASE, str(old[0])):
        assert secret.encode() not in everything and secret.encode("utf-16-le") not in everything
    sealed = _sealed(desk, parts[0]["id"])
    assert is_sealed(without_seals(sealed, new[1:]))
    assert MARK in opened(sealed, new).content.decode()
    with pytest.raises(CannotOpen):
        without_seals(sealed, old)
    assert desk.entered() >= {
        *(f"tip.{verb}" for verb in ("answer", "read", "reseal")),
        *(f"tip_key.{verb}" for verb in ("add", "confirm", "end")),
    }


def _sealed(desk: TipDesk, part: str) -> bytes:
    """A part as an officer downloads it."""
    request = urllib.request.Request(f"{desk.portal}/tip-parts/{part}")
    request.add_header("cookie", f"threegates_sign_in={desk.sign_ins['first']}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        return bytes(answer.read())


def test_a_desk_triages_by_steps_and_numbers_and_nobody_else_sees_it(desk: TipDesk, tmp_path: Path) -> None:
    desk.register.ask("UPDATE tip_desks SET two_people = false WHERE organisation_id = $1", desk.organisation)
    recipient = str(Identity.generate().to_public())
    desk.register.ask(
        "INSERT INTO tip_desk_keys (organisation_id, recipient, fingerprint, holder_id, added_by, confirmed_by, since) "
        "SELECT $1, $2, 'test', min(id), min(id), max(id), current_date FROM accounts WHERE organisation_id = $1",
        desk.organisation, recipient,
    )  # fmt: skip
    receipt = desk.report("TGMARK2")
    path, first = f"/tips/{desk.thread}", desk.visitor("first")
    project = str(desk.register.ask("SELECT min(id) AS id FROM projects")[0]["id"])
    for fields, status in (
        ({"step": "acknowledge"}, 303),
        ({"step": "acknowledge"}, 409),
        ({"step": "examine"}, 303),
        ({"step": "link", "kind": "project", "reference": "nothing"}, 422),
        ({"step": "link", "kind": "project", "reference": project}, 303),
        # Words where a sealed answer should be are never kept.
        ({"step": "answer", "sealed": "VEdBTlNXRVI="}, 422),
        ({"step": "close", "outcome": "a sentence of the report"}, 422),
        ({"step": "close", "outcome": "upheld"}, 303),
        ({"step": "unlink", "kind": "project", "reference": project}, 303),
    ):
        assert first.send(path, fields)[0] == status, fields
    page = first.ask(path)[2]
    assert "已办结" in page and "属实" in page
    assert desk.thread[:8] in first.ask("/tips?closed")[2] and desk.thread[:8] not in first.ask("/tips")[2]
    stranger = Visitor(desk.portal, {"threegates_sign_in": desk.register.sign_in("supervisor")})
    assert stranger.ask(path)[0] == 404
    assert stranger.ask("/tips")[0] == 200
    assert desk.visitor("administrator").ask(path)[0] == 403
    thread = desk.register.ask("SELECT * FROM tip_threads WHERE recipient = $1", receipt.recipient)[0]
    assert thread["closed_on"] == thread["acknowledged_on"] == today()
    assert desk.entered() >= {
        "tip_desk.enable",
        *(f"tip.{verb}" for verb in ("acknowledge", "close", "examine", "link", "unlink")),
    }
    # Everybody sees fingerprints; of a quarter that is not over nothing is counted.
    status, _headers, public = Visitor(desk.portal, headers={"accept-language": "en"}).ask("/reports")
    assert status == 200 and fingerprint(recipient) not in public and "Keys of the offices" in public
    assert desk.register.ask("SELECT * FROM tip_counts") == []
    # The same as a statement of the day, which anybody verifies with the published key and nothing else.
    everybody = Visitor(desk.portal)
    for name, address in (("signed.json", "/reports/signed.json"), ("keys.json", "/gate-check/keys.json")):
        (tmp_path / name).write_text(everybody.ask(address)[2], encoding="utf-8")
    said = json.loads((tmp_path / "signed.json").read_text(encoding="utf-8"))
    assert said["day"] == today().isoformat()
    gone = said["keys"].pop()
    (tmp_path / "changed.json").write_text(json.dumps(said), encoding="utf-8")
    for name, words, code in (("signed.json", "nothing changed", 0), ("changed.json", "not genuine", 1)):
        verified = CliRunner().invoke(
            application("tips"),
            ["tips", "canary", str(tmp_path / name), "--keys", str(tmp_path / "keys.json"), "--before",
             str(tmp_path / "signed.json")],
        )  # fmt: skip
        assert (verified.exit_code, words in verified.output) == (code, True), verified.output
    assert differences(said, {**said, "keys": [*said["keys"], gone]}) == [
        ("new", gone["organisation_id"], gone["fingerprint"])
    ]


def test_the_demo_s_reports_open_with_the_demo_s_key(desk: TipDesk) -> None:
    folder = desk.register.data / "demo-desk"
    key = read_key_file((folder / "key.age").read_bytes(), DEMO_PASSPHRASE)
    parts = desk.register.ask(
        "SELECT p.outer_month AS month, string_agg(c.content, ''::bytea ORDER BY c.number) AS sealed "
        "FROM tip_parts AS p JOIN tip_chunks AS c ON c.part_id = p.id WHERE p.organisation_id = $1 GROUP BY p.id",
        DESK,
    )
    said = [json.loads(open_sealed(one["sealed"], [[outer_identity(one["month"])], [key]]).content) for one in parts]
    # Nobody real is reported, not even in the demo.
    assert len(said) == 2 and all("示例" in one["who"] and "虚构" in one["what"] for one in said)
    told = (folder / "README.txt").read_text(encoding="utf-8")
    assert DEMO_PASSPHRASE in told and told.count("回执") == 2
    assert desk.register.ask("SELECT bool_and(demo) AS all FROM tip_desk_keys WHERE organisation_id = $1", DESK) == [
        {"all": True}
    ]
