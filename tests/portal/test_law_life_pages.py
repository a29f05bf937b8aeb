"""Pages of the life of findings: decisions, what was known when, drafted values, measures against defaulters."""

import re

import httpx
import pytest

from registry.clock import now
from registry.database import make_engine, transaction
from registry.law.reading import law
from registry.law_drafting import run_backtests
from tests.conftest import run
from tests.portal.conftest import Register
from tests.portal.test_pages import CHINESE, Visitor


def as_person(portal: str, register: Register, *roles: str, language: str = "zh-CN") -> Visitor:
    """Somebody signed in with these roles, with the form token of a page."""
    secret = register.sign_in(*roles)  # type: ignore[arg-type]  # words of roles
    visitor = Visitor(portal, {"threegates_sign_in": secret}, {"accept-language": language})
    visitor.ask("/account")
    return visitor


def entered(register: Register, action: str, subject: str) -> bool:
    """Whether the audit has an action on something."""
    return bool(register.ask("SELECT id FROM audit_entries WHERE action = $1 AND subject = $2", action, subject))


def land_finding(register: Register) -> dict[str, object]:
    """An open finding of the land gate that nobody decided on."""
    return register.ask(
        "SELECT fingerprint, project_id, evidence_hash, acted_on FROM findings WHERE known_to = 'infinity' "
        "AND state = 'open' AND lane = 'land' AND project_id IS NOT NULL AND fingerprint NOT IN "
        "(SELECT fingerprint FROM finding_decisions) ORDER BY fingerprint LIMIT 1"
    )[0]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_reviewer_decides_and_the_public_learns_only_that_it_does_not_hold(
    portal: str, register: Register, language: str
) -> None:
    finding = land_finding(register)
    path = f"/findings/{finding['fingerprint']}"
    reviewer = as_person(portal, register, "reviewer", language=language)
    status, _headers, page = reviewer.ask(path)
    assert status == 200 and 'name="decision"' in page
    form = {"decision": "dismissed", "reason": "测绘日期有误", "evidence_hash": str(finding["evidence_hash"])}
    assert reviewer.send(path, {**form, "reason": ""})[0] == 422
    assert reviewer.send(path, {**form, "evidence_hash": "another"})[0] == 409
    assert reviewer.send(path, form)[0] == 303
    assert entered(register, "finding.decide", str(finding["fingerprint"]))
    assert "测绘日期有误" in reviewer.ask(path)[2]
    public = Visitor(portal, headers={"accept-language": language})
    status, _headers, page = public.ask(path)
    assert status == 200
    assert "测绘日期有误" not in page and 'name="decision"' not in page
    assert ("经人工认定不成立" if language == "zh-CN" else "Found not to hold by a person") in page
    reader = as_person(portal, register, "reader", language=language)
    assert 'name="decision"' not in reader.ask(path)[2]
    assert reader.send(path, form)[0] == 403
    listed = reviewer.ask("/findings?decision=dismissed")[2]
    assert path in listed
    assert path not in reviewer.ask("/findings?decision=awaiting&lane=land")[2]
    assert reviewer.send(path, {**form, "decision": "withdrawn", "reason": "复核"})[0] == 303


def test_a_reviewer_decides_over_the_api_on_the_evidence_that_was_read(portal: str, register: Register) -> None:
    finding = land_finding(register)
    address = f"{portal}/api/v1/findings/{finding['fingerprint']}"
    reviewer = as_person(portal, register, "reviewer")
    cookie = "; ".join(f"{name}={value}" for name, value in reviewer.cookies.items())
    own = {"cookie": cookie, "sec-fetch-site": "same-origin"}
    read = httpx.get(address, headers=own)
    said = {**own, "if-match": read.headers["etag"], "idempotency-key": "decide-once"}
    body = {"decision": "not_ours", "reason": "海域由另一机关主管"}

    def send(headers: dict[str, str], body: dict[str, str]) -> httpx.Response:
        return httpx.post(f"{address}/decisions", json=body, headers=headers)

    assert send({**said, "if-match": '"other"', "idempotency-key": "decide-twice"}, body).status_code == 409
    assert send({name: value for name, value in said.items() if name != "if-match"}, body).status_code == 428
    assert send({**said, "idempotency-key": "decide-thrice"}, {**body, "decision": "guilty"}).status_code == 422
    assert send({"if-match": "*", "idempotency-key": "nobody-decides"}, body).status_code == 401
    done = send(said, body)
    assert done.status_code == 200 and done.json()["decision"] == "not_ours" and done.json()["stands"]
    assert entered(register, "finding.decide", str(finding["fingerprint"]))
    again = send(said, body)
    assert again.json() == done.json() and again.headers["idempotent-replayed"] == "true"
    taken_back = {"decision": "withdrawn", "reason": "复核"}
    assert send({**said, "idempotency-key": "take-it-back"}, taken_back).json()["decision"] == "withdrawn"


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_what_was_known_when_has_an_address(portal: str, register: Register, language: str) -> None:
    finding = land_finding(register)
    visitor = Visitor(portal, headers={"accept-language": language})
    status, _headers, page = visitor.ask(f"/projects/{finding['project_id']}/replay?as_of={finding['acted_on']}")
    assert status == 200
    assert str(finding["fingerprint"]) in page
    assert f"as_of={finding['acted_on']}&amp;known_at=" in page
    assert visitor.ask(f"/projects/{finding['project_id']}/replay?as_of=nonsense")[0] == 422
    assert visitor.ask("/projects/999999/replay")[0] == 404


def test_a_draft_is_tried_and_refused_by_a_second_person(portal: str, register: Register) -> None:
    reference = law().parameter("overcapacity_sectors").values[-1].reference
    drafter, second = (as_person(portal, register, "supervisor") for _ in range(2))
    status, _headers, page = drafter.ask("/rules/drafts")
    assert status == 200 and 'name="quote_zh"' in page
    form = {
        "parameter": "overcapacity_sectors",
        "since": "2014-01-01",
        "value": "cement\nglass",
        "article": reference.article,
        "quote_zh": reference.quote_zh,
        "quote_en": reference.quote_en,
        "reason": "试算",
    }
    assert drafter.send("/rules/drafts", {**form, "quote_zh": "并无此语"})[0] == 422
    status, headers, _page = drafter.send("/rules/drafts", form)
    assert status == 303
    path = headers["location"]
    assert entered(register, "proposal.draft", "overcapacity_sectors")
    assert "等待回测" in drafter.ask(path)[2]

    async def work() -> int:
        engine = make_engine(register.database)
        async with transaction(engine) as session:
            ran = await run_backtests(session, now())
        await engine.dispose()
        return ran

    assert run(work()) == 1
    page = drafter.ask(path)[2]
    assert re.search(r"增加 \d+，减少 [1-9]\d*，改变 \d+", page)
    assert f"{path}/activate" not in page
    version = {"version": "1", "decision": "同意"}
    assert drafter.send(f"{path}/activate", version)[0] == 403
    assert f"{path}/activate" in second.ask(path)[2]
    assert second.send(f"{path}/refuse", version)[0] == 303
    assert entered(register, "proposal.refuse", "overcapacity_sectors")
    assert "未予批准" in second.ask(path)[2]
    second.headers["accept-language"] = "en"
    assert second.ask(path)[0] == 200 and second.ask("/rules/drafts")[0] == 200
    assert Visitor(portal).ask("/rules/drafts")[0] == 303
    assert as_person(portal, register, "officer").send("/rules/drafts", form)[0] == 403


def test_measures_against_defaulters_are_for_officials_and_banks(portal: str, register: Register) -> None:
    (row,) = register.ask(
        "INSERT INTO obligations (reference, measure, elimination, enterprise_id, region, owner, deadline, due, state, "
        "evidence, evidence_hash, synthetic, first_seen, known_from) SELECT 'obligation-of-test', "
        "'revoke-discharge-permit', 'list:1', p.owner_id, p.region, 'mee', date '2011-12-31', date '2012-01-30', "
        "'late', "
        """'{"elimination": {"reference": "list:1"}, "permits": []}', 'hash', true, now(), now() """
        "FROM project_versions AS p JOIN projects AS i ON i.id = p.project_id WHERE i.invented "
        "AND p.known_to = 'infinity' ORDER BY p.project_id LIMIT 1 RETURNING enterprise_id"
    )
    assert Visitor(portal).ask("/obligations")[0] == 303
    assert Visitor(portal).ask("/api/v1/obligations")[0] == 401
    assert "revoke" not in Visitor(portal).ask(f"/enterprises/{row['enterprise_id']}")[2]
    official = as_person(portal, register, "reviewer")
    for path in ("/obligations?state=late", f"/enterprises/{row['enterprise_id']}"):
        status, _headers, page = official.ask(path)
        assert status == 200 and "/obligations/obligation-of-test" in page
    status, _headers, page = official.ask("/obligations/obligation-of-test")
    assert status == 200 and "吊销排污许可证" in page and 'name="document"' in page
    official.headers["accept-language"] = "en"
    page = official.ask("/obligations/obligation-of-test")[2]
    assert "Revoke the discharge permit" in page
    plain = re.sub(r'lang="zh-CN">[^<]*', "", page)
    assert len(CHINESE.findall(plain)) < 60  # the header's names of languages and the quotation
    form = {"document": "示例环〔2012〕1号", "on": "2012-02-01", "note": "已吊销"}
    assert official.send("/obligations/obligation-of-test", {**form, "on": "2011-01-01"})[0] == 422
    assert official.send("/obligations/obligation-of-test", form)[0] == 303
    assert entered(register, "obligation.show", "obligation-of-test")
    assert "示例环〔2012〕1号" in official.ask("/obligations/obligation-of-test")[2]
    assert as_person(portal, register, "administrator").ask("/obligations")[0] == 403
