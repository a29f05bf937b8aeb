"""The JSON API: lists, cursors, keys, idempotent registering, corrections, problems, its description."""

import json
import stat
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

import pytest

from tests.portal.conftest import OPENER, Register


@dataclass
class Api:
    """Somebody who calls the API, with or without the key."""

    portal: str
    key: str = ""

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON of one call."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.portal}/api/v1{path}", data, method=method)
        for name, value in {"content-type": "application/json", "accept-language": "en", **headers}.items():
            request.add_header(name.replace("_", "-"), value)
        if self.key:
            request.add_header("authorization", f"Bearer {self.key}")
        try:
            with OPENER.open(request, timeout=30) as answer:
                return answer.status, dict(answer.headers), json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), json.load(error)

    def get(self, path: str) -> Any:
        """The JSON of an address that answers with 200."""
        status, _headers, body = self.call("GET", path)
        assert status == 200, body
        return body


@pytest.fixture
def public(portal: str) -> Api:
    return Api(portal)


@pytest.fixture
def keyed(register: Register, portal: str) -> Api:
    return Api(portal, (register.data / "run" / "api-key").read_text().strip())


def project(reference: str, **more: Any) -> dict[str, Any]:
    return {
        "reference": reference,
        "name": "示例辛钢铁有限公司年产50万吨炼钢项目",
        "owner_name": "示例辛钢铁有限公司",
        "sector": "steel",
        "region": "130200",
        "nature": "new_build",
        "stage": "announced",
    } | more


def test_the_first_key_is_its_owners_alone_and_kept_as_a_hash(register: Register, keyed: Api) -> None:
    path = register.data / "run" / "api-key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = register.ask("SELECT key_hash FROM api_keys")
    assert len(rows) == 1 and keyed.key.encode() not in bytes(rows[0]["key_hash"])


def test_a_list_is_paged_by_cursor_without_repeating(public: Api, register: Register) -> None:
    seen: list[int] = []
    cursor = ""
    while cursor is not None:
        page = public.get(f"/projects?limit=200&cursor={cursor}")
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert seen == sorted(set(seen))
    assert len(seen) == register.ask("SELECT count(*) AS n FROM projects")[0]["n"]
    assert all(one["open_findings"] for one in public.get("/projects?flagged=true")["items"])
    findings: list[str] = []
    cursor = ""
    while cursor is not None:
        page = public.get(f"/findings?limit=7&cursor={cursor}")
        findings += [one["fingerprint"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert len(findings) == len(set(findings)) == page["total"]


def test_a_project_with_its_gates(public: Api, register: Register) -> None:
    number = register.project("demo:P0001")
    file = public.get(f"/projects/{number}")
    assert file["invented"] is True and file["description"]["name"]
    gates = {gate["lane"]: gate for gate in public.get(f"/projects/{number}/gates")}
    assert set(gates) == {"land", "environment", "credit"}
    assert gates["land"]["state"] == "forced" and gates["land"]["findings"]
    assert public.get(f"/projects/by-code/{file['description']['code']}")["id"] == number


def test_what_it_answers_elsewhere(public: Api) -> None:
    assert public.get("/overview")["projects"] > 500
    named, address = set[str](), "/sources?limit=2"
    while address:
        page = public.get(address)
        named |= {one["id"] for one in page["items"]}
        address = f"/sources?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert len(named) == page["total"] > 2 and named >= {"gem-gist-2025-09", "demo-synthetic"}
    assert {feed["id"] for feed in public.get("/status")["feeds"]} == {"land", "environment", "finance"}
    assert public.get("/notices?limit=1")["items"][0]["unverified"] is True
    found = public.get("/search?q=%E9%A6%96%E9%92%A2&kind=enterprise")
    assert found["items"] and not found["degraded"] and "⟦首钢⟧" in found["items"][0]["found"]["title"][0]
    assert public.get("/enterprises/1")["names"]


def test_writing_needs_a_key(public: Api, portal: str) -> None:
    body = {"reason": "x", "projects": [project("api:none")]}
    status, headers, problem = public.call("POST", "/projects", body, idempotency_key="12345678")
    assert (status, problem["type"], headers["content-type"]) == (
        401,
        "/problems#key-needed",
        "application/problem+json",
    )
    assert Api(portal, "tg_wrong").call("GET", "/projects")[0] == 401


def test_registering_twice_with_one_key_does_it_once(keyed: Api, register: Register) -> None:
    body = {"reason": "测试", "projects": [project("api:1")]}
    first = keyed.call("POST", "/projects", body, idempotency_key="same-key-1")
    again = keyed.call("POST", "/projects", body, idempotency_key="same-key-1")
    assert (first[0], first[2]["new"]) == (200, ["api:1"])
    assert again[2] == first[2] and again[1]["idempotent-replayed"] == "true"
    assert len(register.ask("SELECT 1 FROM projects WHERE reference = 'api:1'")) == 1
    other = {"reason": "测试", "projects": [project("api:2")]}
    status, _headers, problem = keyed.call("POST", "/projects", other, idempotency_key="same-key-1")
    assert (status, problem["type"]) == (422, "/problems#invalid-input")
    assert problem["errors"][0]["field"] == "Idempotency-Key" and problem["remedy"]
    assert not register.ask("SELECT 1 FROM projects WHERE reference = 'api:2'")


def test_a_bad_item_is_refused_with_its_field_and_without_its_value(keyed: Api, register: Register) -> None:
    secret = "不可回显的内容" * 3
    body = {"reason": "测试", "projects": [project("api:3"), project("api:4", stage=secret, extra=secret)]}
    status, _headers, problem = keyed.call("POST", "/projects", body, idempotency_key="bad-items-1")
    assert status == 422
    assert {"projects.1.stage", "projects.1.extra"} <= {one["field"] for one in problem["errors"]}
    assert secret not in json.dumps(problem, ensure_ascii=False)
    assert not register.ask("SELECT 1 FROM projects WHERE reference IN ('api:3', 'api:4')")


def test_a_correction_needs_a_reason_and_what_it_was_made_on(keyed: Api, public: Api) -> None:
    made = keyed.call(
        "POST", "/projects", {"reason": "测试", "projects": [project("api:5")]}, idempotency_key="correct-1"
    )[2]
    path = f"/projects/{made['ids']['api:5']}"
    _status, headers, file = public.call("GET", path)
    tag = headers["etag"]
    change = {"changes": {"stage": "operating"}}
    assert keyed.call("PATCH", path, change, if_match=tag)[0] == 422
    assert keyed.call("PATCH", path, change | {"reason": "  "}, if_match=tag)[0] == 422
    status, _headers, problem = keyed.call("PATCH", path, change | {"reason": "核查"})
    assert (status, problem["type"]) == (428, "/problems#precondition-required")
    status, _headers, body = keyed.call("PATCH", path, change | {"reason": "核查"}, if_match=tag)
    assert (status, body["changed"]) == (200, ["stage"])
    wrong = {"reason": "核查", "changes": {"stage": "不可回显", "source": "不可回显"}}
    status, _headers, problem = keyed.call("PATCH", path, wrong, if_match="*")
    assert (status, problem["errors"][0]["field"]) == (422, "stage")
    assert "不可回显" not in json.dumps(problem, ensure_ascii=False)
    assert "“…” is not one of the values allowed." in problem["detail"]
    # The other one who read it at the same time learns what changed, and that its change was not made.
    late = {"reason": "晚了", "changes": {"name_en": "Example"}}
    status, _headers, problem = keyed.call("PATCH", path, late, if_match=tag)
    assert (status, problem["type"]) == (412, "/problems#changed-meanwhile")
    assert [one["field"] for one in problem["errors"]] == ["stage"]
    assert public.get(path)["description"]["name_en"] == ""
    # The state that a correction answers with is enough for the next.
    capacity = {"capacities": [{"product": "crude_steel", "amount": "500000", "unit": "t/a"}]}
    wanted = {"reason": "补充", "changes": capacity}
    after = keyed.call("PATCH", path, wanted, if_match=f'"{body["state"]}"')
    assert (after[0], after[2]["changed"]) == (200, ["capacities"])
    status, _headers, problem = keyed.call("PATCH", path, late, if_match=f'W/"{body["state"]}-0"')
    assert (status, [one["field"] for one in problem["errors"]]) == (412, ["capacities"])
    history = public.get(path)["history"]
    corrected = next(one for one in history if one["what"] == "corrected")
    assert (corrected["reason"], corrected["actor"]) == ("核查", "api:first")
    assert {"field": "stage", "before": "announced", "after": "operating"} in corrected["fields"]
    assert file["state"] == tag.strip('"').partition("-")[0]


def test_problems_speak_the_callers_language(public: Api) -> None:
    assert public.call("GET", "/projects/999999")[2]["title"] == "Not found"
    status, headers, problem = public.call("GET", "/projects/999999", accept_language="zh-CN")
    assert (status, problem["title"], headers["content-language"]) == (404, "没有找到", "zh-CN")
    assert public.call("GET", "/projects/by-code/12")[2]["detail"] == "“12” is not a project code."
    assert public.call("DELETE", "/projects/1")[2]["type"] == "/problems#method-not-allowed"


def test_with_the_key_credit_is_read_without_it_not(register: Register, public: Api, keyed: Api) -> None:
    row = register.ask("SELECT record_id, amount FROM records WHERE act = 'loan' AND amount > 0 LIMIT 1")[0]
    assert public.call("GET", f"/records/{row['record_id']}")[0] == 404
    record = keyed.get(f"/records/{row['record_id']}")
    assert float(record["fields"]["amount"]) == float(row["amount"])


def test_the_description_is_complete(portal: str) -> None:
    with OPENER.open(f"{portal}/api/openapi.json", timeout=30) as answer:
        schema = json.load(answer)
    assert schema["openapi"].startswith("3.1")
    assert len(schema["paths"]) >= 14
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            assert operation["summary"] and operation["tags"], (method, path)
            success = operation["responses"]["200"]["content"]["application/json"]["schema"]
            assert success, (method, path)
            assert "500" in operation["responses"] and "422" in operation["responses"]
    assert schema["components"]["schemas"]["Registration"]["examples"]
    assert "HTTPValidationError" not in json.dumps(schema)


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/projects?sector=x", 422, "sector"),
        ("/projects?province=1", 422, "province"),
        ("/projects?province=99", 422, "province"),
        ("/projects?stage=x", 422, "stage"),
        ("/projects?flagged=perhaps", 422, "flagged"),
        ("/projects?limit=0", 422, "limit"),
        ("/projects?limit=201", 422, "limit"),
        ("/projects?cursor=x", 400, "cursor"),
        ("/projects/one", 422, "project_id"),
        ("/projects/1?known_at=2014-02-30", 422, "known_at"),
        ("/findings?rule=x", 422, "rule"),
        ("/findings?lane=x", 422, "lane"),
        ("/findings?basis=x", 422, "basis"),
        ("/findings?state=x", 422, "state"),
        ("/findings?project=x", 422, "project"),
        ("/findings?cursor=x", 400, "cursor"),
        ("/notices?kind=x", 422, "kind"),
        ("/notices?sector=x", 422, "sector"),
        ("/notices?cursor=x", 400, "cursor"),
        ("/search?kind=x", 422, "kind"),
        ("/search?agency=x", 422, "agency"),
        ("/search?limit=101", 422, "limit"),
        ("/search?cursor=x", 400, "cursor"),
        ("/projects/0", 404, ""),
        ("/projects/0/gates", 404, ""),
        ("/projects/by-code/2014-000000-00-00-000000", 404, ""),
        ("/enterprises/0", 404, ""),
        ("/findings/none", 404, ""),
        ("/records/0", 404, ""),
        ("/notices/0", 404, ""),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(public: Api, path: str, status: int, field: str) -> None:
    found, headers, problem = public.call("GET", path)
    assert (found, headers["content-type"]) == (status, "application/problem+json"), problem
    assert [one["field"] for one in problem.get("errors", [])][:1] == ([field] if field else [])
    assert problem["remedy"] and problem["detail"] and problem["instance"] == f"/api/v1{path.partition('?')[0]}"
    assert headers["cache-control"] == "no-store"
