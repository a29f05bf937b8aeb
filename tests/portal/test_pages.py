"""Pages over HTTP: all of them, in both languages; what the public never sees; what guards forms."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any

import pytest

from portal.units import number
from registry.roles import Role
from tests.portal.conftest import Register

CHINESE = re.compile(r"[\u3400-\u9fff]")


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any) -> None:
        return None


@dataclass
class Visitor:
    """Somebody who looks at pages with cookies of their own."""

    portal: str
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def ask(
        self, path: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers and text of one address."""
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        request = urllib.request.Request(self.portal + path, data, {**self.headers, **(headers or {})})
        request.add_header("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())
        try:
            with opener.open(request, timeout=30) as answer:
                found = answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            found = error.code, error.headers, error.read().decode()
        for cookie in found[1].get_all("set-cookie") or []:
            name, _equals, rest = cookie.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        return found[0], dict(found[1]), found[2]

    def send(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, str], str]:
        """Send a form as our own page would."""
        return self.ask(path, {**form, "form_token": self.cookies["threegates_form"]})


@pytest.fixture
def visitor(portal: str) -> Visitor:
    return Visitor(portal, headers={"accept-language": "zh-CN"})


@pytest.fixture
def official(portal: str, register: Register) -> Visitor:
    """An officer of the nation whose agency reads credit too."""
    secret = register.sign_in("officer", lanes=("credit",))
    someone = Visitor(portal, {"threegates_sign_in": secret}, {"accept-language": "zh-CN"})
    someone.ask("/about")
    return someone


def addresses(register: Register) -> list[str]:
    """One address of every kind of page."""
    finding = register.ask("SELECT fingerprint FROM findings WHERE lane = 'land' AND known_to = 'infinity' LIMIT 1")
    credit = register.ask("SELECT fingerprint FROM findings WHERE lane = 'credit' AND known_to = 'infinity' LIMIT 1")
    record = register.ask("SELECT record_id FROM records WHERE act = 'land_grant' LIMIT 1")[0]["record_id"]
    project = register.project("demo:P0001")
    return [
        *("/", "/search", "/search?q=shougang", "/findings", "/findings?state=all&lane=land", "/notices", "/notices/1"),
        *("/sources", "/status", "/about", "/accessibility", "/problems", "/api/docs", "/enterprises/1", "/projects/1"),
        *(f"/projects/{project}", f"/projects/{project}?known_at=2020-01-01", f"/records/{record}"),
        *(f"/findings/{one[0]['fingerprint']}" for one in (finding, credit)),
        *("/rules", "/rules/land-without-approval", "/rules/differential-price-missing"),
    ]


def test_every_page_answers_in_both_languages(register: Register, visitor: Visitor) -> None:
    for path in addresses(register):
        if "known_at" in path:
            continue
        for language, tag in (("zh", "zh-CN"), ("en", "en")):
            status, headers, text = visitor.ask(path, headers={"accept-language": language})
            assert status == 200, path
            assert f'<html lang="{tag}"' in text, path
            assert headers["content-language"] == tag
            policy = headers["content-security-policy"]
            assert "script-src 'self'" in policy and "unsafe-inline" not in policy.split("style-src")[0]


def test_the_language_switch_keeps_the_page_and_is_remembered(visitor: Visitor) -> None:
    text = visitor.ask("/findings?lane=land")[2]
    assert 'href="/findings?lane=land&amp;lang=en"' in text
    assert '<h1 class="govuk-heading-l">Findings</h1>' in visitor.ask("/findings?lane=land&lang=en")[2]
    assert visitor.cookies["threegates_language"] == "en"
    assert "Findings" in visitor.ask("/findings")[2]


def test_english_pages_speak_english(register: Register, visitor: Visitor) -> None:
    for path in ("/", "/findings", "/status", "/about", "/accessibility", "/problems", "/search", "/rules"):
        text = visitor.ask(path, headers={"accept-language": "en"})[2]
        shown = re.sub(r"<(script|style|title)[^>]*>.*?</\1>", "", text, flags=re.DOTALL)
        shown = re.sub(r'<([a-z0-9]+)[^>]*lang="zh-CN"[^>]*>[^<]*</\1>', "", shown)
        left = [part for part in re.findall(r">([^<]+)<", shown) if CHINESE.search(part)]
        # Names of companies, projects and places are Chinese in every language, and say so.
        assert not left, path


def test_errors_are_pages_in_both_languages(visitor: Visitor) -> None:
    for path, status, chinese, english in (
        ("/projects/999999", 404, "没有找到", "Not found"),
        ("/nowhere", 404, "没有找到", "Not found"),
        ("/projects/by-code/12", 422, "填写的内容无效", "The input is not valid"),
        ("/projects/1?known_at=x", 422, "填写的内容无效", "The input is not valid"),
        ("/findings?cursor=zzz", 400, "请求有误", "Start again without a cursor."),
    ):
        for language, words in (("zh", chinese), ("en", english)):
            found, _headers, text = visitor.ask(path, headers={"accept-language": language})
            assert (found, words in text) == (status, True), path


def test_a_code_leads_to_its_project(register: Register, visitor: Visitor) -> None:
    row = register.ask(
        "SELECT project_id, code FROM project_versions WHERE code IS NOT NULL AND known_to = 'infinity' LIMIT 1"
    )[0]
    status, headers, _text = visitor.ask(f"/projects/by-code/{row['code']}")
    assert (status, headers["location"]) == (302, f"/projects/{row['project_id']}")


def test_before_it_was_known_there_is_no_project(visitor: Visitor) -> None:
    assert visitor.ask("/projects/1?known_at=2001-01-01")[0] == 404


def secrets_of_credit(register: Register) -> list[str]:
    """What must never be shown to the public: amounts as anybody might write them, and contract numbers."""
    secrets = []
    for row in register.ask(
        "SELECT amount, number, source_key, details FROM records WHERE act IN ('loan', 'bond', 'disbursement')"
    ):
        if row["amount"]:
            plain = f"{row['amount'].normalize():f}"
            secrets += [plain, number(row["amount"]), number(row["amount"] / 10000) + " 万元"]
        secrets += [one for one in (row["number"], row["source_key"]) if one]
        details = json.loads(row["details"] or "{}")
        secrets += [details[name] for name in ("used_amount", "five_class") if len(details.get(name, "")) > 3]
    assert secrets
    return secrets


def test_the_public_never_sees_credit(register: Register, visitor: Visitor) -> None:
    projects = [
        row["project_id"]
        for row in register.ask(
            "SELECT DISTINCT l.project_id FROM links l JOIN records r USING (record_id) "
            "WHERE r.act IN ('loan', 'bond', 'disbursement') AND l.project_id IS NOT NULL"
        )
    ]
    owners = [
        row["id"] for row in register.ask("SELECT DISTINCT enterprise_id AS id FROM findings WHERE lane = 'credit'")
    ]
    prints = [row["fingerprint"] for row in register.ask("SELECT DISTINCT fingerprint FROM findings")]
    paths = [
        "/",
        "/findings?state=all",
        "/findings?lane=credit",
        "/api/v1/findings?lane=credit&limit=200",
        "/api/v1/status",
    ]
    paths += [f"{base}/{one}" for one in projects for base in ("/projects", "/api/v1/projects")]
    paths += [f"{base}/{one}" for one in owners if one for base in ("/enterprises", "/api/v1/enterprises")]
    paths += [f"{base}/{one}" for one in prints for base in ("/findings", "/api/v1/findings")]
    paths += [
        "/search?lane=credit",
        "/api/v1/search?lane=credit",
        "/search?q=JR-2019-000002",
        "/api/v1/search?q=JR-2019-000002",
    ]
    secrets = secrets_of_credit(register)
    for path in paths:
        status, _headers, text = visitor.ask(path)
        assert status == 200, path
        # What was typed into the search box comes back in it, and says nothing.
        text = re.sub(r'value="JR[^"]*"|<title>.*?</title>|q=JR[^"&]*', "", text, flags=re.DOTALL)
        assert not [one for one in secrets if one in text], path


def test_a_credit_record_is_not_there_for_the_public(register: Register, visitor: Visitor, official: Visitor) -> None:
    record = register.ask("SELECT record_id, amount FROM records WHERE act = 'loan' AND amount > 0 LIMIT 1")[0]
    for base in ("/records", "/api/v1/records"):
        assert visitor.ask(f"{base}/{record['record_id']}")[0] == 404
    status, _headers, text = official.ask(f"/records/{record['record_id']}")
    assert (status, number(record["amount"] / 10000) in text) == (200, True)
    assert "原始报文" in text


def test_public_credit_findings_say_only_that_they_are(register: Register, visitor: Visitor) -> None:
    row = register.ask("SELECT fingerprint FROM findings WHERE lane = 'credit' AND known_to = 'infinity' LIMIT 1")[0]
    finding = json.loads(visitor.ask(f"/api/v1/findings/{row['fingerprint']}")[2])
    assert (finding["acted_on"], finding["reasons"], finding["subject_reference"], finding["enterprise_id"]) == (
        None,
        [],
        "",
        None,
    )
    assert all(version["evidence"] == {} for version in finding["versions"])
    assert finding["versions"][0]["citation"]
    assert "只供信贷监管机构和本银行查阅" in visitor.ask(f"/findings/{row['fingerprint']}")[2]


def test_only_who_may_register_sees_the_forms(register: Register, portal: str, visitor: Visitor) -> None:
    assert visitor.ask("/projects/new")[0] == 403
    roles: list[tuple[Role, int]] = [("reader", 403), ("officer", 200)]
    for role, status in roles:
        someone = Visitor(portal, {"threegates_sign_in": register.sign_in(role)})
        assert someone.ask("/projects/new")[0] == status


def test_an_officer_changes_projects_of_the_own_region_only(register: Register, portal: str) -> None:
    row = register.ask(
        "SELECT project_id, region FROM project_versions WHERE known_to = 'infinity' AND region IS NOT NULL LIMIT 1"
    )[0]
    form = {"name": "示例外地炼钢项目", "address": "示例路", "reason": "测试", "region": row["region"]}
    form |= {"sector": "steel", "nature": "new_build", "stage": "announced", "owner_name": "示例外地钢铁有限公司"}
    own, other = row["region"][:2] + "0000", "110000" if row["region"][:2] != "11" else "120000"
    for region, status in ((other, 403), (own, 303)):
        officer = Visitor(portal, {"threegates_sign_in": register.sign_in("officer", region=region)})
        officer.ask("/about")
        assert officer.send("/projects/new", form)[0] == status, region


def test_a_form_from_elsewhere_is_refused(official: Visitor) -> None:
    assert official.ask("/projects/new", {"name": "x"})[0] == 403
    assert official.ask("/projects/new", {"name": "x", "form_token": "y" * 43})[0] == 403
    good = {"name": "x", "form_token": official.cookies["threegates_form"]}
    assert official.ask("/projects/new", good, {"sec-fetch-site": "cross-site"})[0] == 403


def test_a_body_that_is_too_large_is_refused(official: Visitor) -> None:
    status, _headers, text = official.send("/projects/new", {"name": "x" * (3 * 1024 * 1024)})
    assert (status, "内容过大" in text) == (413, True)


def test_registering_by_hand_shows_errors_at_their_fields_and_keeps_what_was_typed(official: Visitor) -> None:
    form = {"name": "示例丁钢铁项目", "region": "13", "code": "12"}
    status, _headers, text = official.send("/projects/new", form)
    assert status == 422
    assert 'href="#code"' in text and 'id="code-error"' in text and 'value="示例丁钢铁项目"' in text
    assert 'href="#sector"' in text


def test_registering_and_correcting_by_hand_keeps_the_history(register: Register, official: Visitor) -> None:
    form = {
        "name": "示例戊钢铁有限公司年产60万吨炼钢项目",
        "owner_name": "示例戊钢铁有限公司",
        "sector": "steel",
        "region": "130200",
        "nature": "new_build",
        "stage": "announced",
        "reason": "测试登记",
        "capacity_product_0": "crude_steel",
        "capacity_amount_0": "600000",
        "capacity_unit_0": "t/a",
    }
    status, headers, _text = official.send("/projects/new", form)
    assert status == 303
    address = headers["location"].partition("?")[0]
    text = official.ask(address)[2]
    assert "60 万吨/年" in text and "示例戊钢铁有限公司" in text

    page = official.ask(f"{address}/edit")[2]
    version = re.search(r'name="version" value="([\d.]+)"', page)
    assert version
    change = form | {"stage": "construction", "version": version[1], "reason": ""}
    status, _headers, text = official.send(f"{address}/edit", change)
    assert (status, 'id="reason-error"' in text) == (422, True)
    assert official.send(f"{address}/edit", change | {"reason": "据现场核查"})[0] == 303
    text = official.ask(address)[2]
    assert "据现场核查" in text and "<del>拟建</del>" in text and "<ins>在建</ins>" in text

    # Made on the sight of what is no longer so, or of nothing.
    status, _headers, text = official.send(f"{address}/edit", change | {"stage": "operating", "reason": "晚了"})
    assert (status, "内容已被他人更改" in text, "已被更改的内容：阶段" in text) == (412, True, True)
    assert official.send(f"{address}/edit", change | {"stage": "operating", "version": "", "reason": "未见"})[0] == 428


def test_a_late_approval_is_added_then_revoked_and_both_are_remembered(register: Register, official: Visitor) -> None:
    project = register.project("demo:P0002")
    form = {
        "kind": "filing",
        "number": "示发改备〔2026〕1号",
        "authority": "示例发展和改革委员会",
        "issued": "2026-01-05",
        "reason": "补录",
    }
    assert official.send(f"/projects/{project}/approvals/new", form)[0] == 303
    row = register.ask("SELECT approval_id, version_id FROM approvals WHERE number = $1", form["number"])[0]
    address = f"/projects/{project}/approvals/{row['approval_id']}/edit"
    change = form | {"revoked": "2025-01-01", "reason": "撤销", "version": str(row["version_id"])}
    status, _headers, text = official.send(address, change)
    assert (status, "撤销日 2025-01-01 早于签发日 2026-01-05" in text) == (422, True)
    assert official.send(address, change | {"revoked": "2026-03-01"})[0] == 303
    text = official.ask(f"/projects/{project}")[2]
    assert "批准被撤销" in text and "理由：撤销" in text and "理由：补录" in text


def test_a_file_is_tried_before_it_is_written(register: Register, official: Visitor) -> None:
    lines = [
        {
            "reference": "test:1",
            "name": "示例己水泥有限公司项目",
            "owner_name": "示例己水泥有限公司",
            "sector": "cement",
            "region": "140100",
            "nature": "new_build",
            "stage": "announced",
        },
        {"reference": "test:2", "name": "示例庚水泥有限公司项目"},
    ]
    content = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
    boundary, part = "threegates", "\r\ncontent-disposition: form-data; name="
    parts = [
        f'--{boundary}{part}"form_token"\r\n\r\n{official.cookies["threegates_form"]}\r\n',
        f'--{boundary}{part}"file"; filename="清单.jsonl"\r\n\r\n{content.decode()}\r\n',
        f"--{boundary}--\r\n",
    ]
    request = urllib.request.Request(
        official.portal + "/projects/import",
        "".join(parts).encode(),
        {"content-type": f"multipart/form-data; boundary={boundary}", "accept-language": "zh"},
    )
    request.add_header("cookie", "; ".join(f"{name}={value}" for name, value in official.cookies.items()))
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        text = answer.read().decode()
    assert "还没有写入登记簿" in text and "缺少必填项" in text
    assert not register.ask("SELECT 1 FROM projects WHERE reference = 'test:1'")
    hidden = dict(re.findall(r'<input type="hidden" name="(name|digest|content)" value="([^"]*)"', text))
    assert official.send("/projects/import", {**hidden, "confirm": "yes"})[0] == 422
    done = official.send("/projects/import", {**hidden, "confirm": "yes", "reason": "测试清单"})
    assert "新登记 1 个" in done[2]
    assert register.ask("SELECT 1 FROM projects WHERE reference = 'test:1'")
    broken = official.send("/projects/import", {**hidden, "content": "eA==", "confirm": "yes", "reason": "x"})
    assert broken[0] == 422
