"""What every operation of the API keeps: scopes, ends of keys, ETags, idempotency, cursors, notice of its end, CSRF."""

import json
import re
import secrets
import urllib.error
import urllib.request
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, FastAPI

from portal.api import _deprecations
from portal.api._deprecations import DEPRECATED, LEAST_NOTICE, Deprecated
from portal.api._operations import Operation, needs
from portal.viewing import hash_of
from registry.roles import SCOPES
from tests.conftest import run
from tests.portal.conftest import OPENER, Register
from tests.portal.test_api import Api, project


def key(register: Register, *scopes: str, kind: str = "agency", ends: timedelta = timedelta(days=1)) -> str:
    """A new key of a new organisation."""
    secret, name = f"tg_{secrets.token_urlsafe(32)}", secrets.token_hex(4)
    now = datetime.now(UTC)

    async def work() -> None:
        connection = await asyncpg.connect(register.database)
        try:
            await connection.execute(
                "INSERT INTO organisations (id, kind, name_zh, name_en, lanes, region, lender_names, invented, "
                "created_at) VALUES ($1, $2, '示例机关', 'Example', '{}', '000000', '{}', true, $3)",
                name, kind, now,
            )  # fmt: skip
            await connection.execute(
                "INSERT INTO api_keys (name, key_hash, scopes, created_at, expires_at, organisation_id, created_by, "
                "rate, revoked_by) VALUES ($1, $2, $3, $4, $5, $1, '', 600, '')",
                name, hash_of(secret), list(scopes), now, now + ends,
            )  # fmt: skip
        finally:
            await connection.close()

    run(work())
    return secret


def operations(portal: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of every operation."""
    with OPENER.open(f"{portal}/api/openapi.json", timeout=30) as answer:
        paths = json.load(answer)["paths"]
    return [
        (method.upper(), path.removeprefix("/api/v1"), one)
        for path, item in paths.items()
        for method, one in item.items()
    ]


def test_every_operation_refuses_a_key_without_its_scope_and_says_which(register: Register, portal: str) -> None:
    others: dict[tuple[str, ...], Api] = {}
    for method, path, described in operations(portal):
        scopes = tuple(one["key"][0] for one in described["security"] if "key" in one)
        scope = scopes[0]
        if scopes not in others:
            others[scopes] = Api(portal, key(register, *(set(SCOPES) - set(scopes))))
        status, headers, problem = others[scopes].call(method, re.sub(r"\{\w+\}", "1", path), {})
        assert (status, problem["type"]) == (403, "/problems#not-allowed"), (method, path)
        assert f"“{scope}”" in problem["detail"] and problem["remedy"]
        assert headers["www-authenticate"] == f'Bearer realm="threegates", error="insufficient_scope", scope="{scope}"'


def test_a_bank_s_key_registers_nothing_whatever_its_scopes(register: Register, portal: str) -> None:
    bank = Api(portal, key(register, *SCOPES, kind="bank"))
    # What is owed against defaulters is for whoever must act on it: a bank stops its credit.
    assert "items" in Api(portal, key(register, "credit", kind="bank")).get("/obligations")
    assert Api(portal, key(register, "gate", kind="bank")).call("GET", "/obligations")[0] == 403
    body = {"reason": "测试", "projects": [project("api:bank")]}
    assert bank.call("POST", "/projects", body, idempotency_key="bank-key-1")[0] == 403


def test_who_was_refused_what_stands_in_the_log_without_the_key(register: Register, portal: str) -> None:
    secret = key(register, "gate")
    (row,) = register.ask("SELECT name FROM api_keys WHERE key_hash = $1", hash_of(secret))
    _status, headers, _problem = Api(portal, secret).call("GET", "/status")
    log = (register.data / "portal.log").read_text()
    (line,) = [one for one in log.splitlines() if headers["x-request-id"] in one]
    assert row["name"] in line and "403" in line and "/api/v1/status" in line
    assert secret not in log


def test_a_key_that_has_ended_is_told_so_and_is_no_way_in(register: Register, portal: str) -> None:
    ended = Api(portal, key(register, "read", ends=-timedelta(seconds=1)))
    status, headers, problem = ended.call("GET", "/projects")
    assert (status, problem["detail"], headers["www-authenticate"][:6]) == (401, "This key has ended.", "Bearer")


def test_the_day_of_use_is_noted(register: Register, portal: str) -> None:
    secret = key(register, "read")
    Api(portal, secret).get("/overview")
    (row,) = register.ask("SELECT last_used_on FROM api_keys WHERE key_hash = $1", hash_of(secret))
    assert abs((row["last_used_on"] - datetime.now(UTC).date()).days) <= 1


def ask(portal: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and bytes of a GET."""
    request = urllib.request.Request(f"{portal}{path}")
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with OPENER.open(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def test_what_has_not_changed_is_not_sent_again(register: Register, portal: str) -> None:
    path = f"/api/v1/projects/{register.project('demo:P0001')}"
    _status, headers, body = ask(portal, path)
    assert re.fullmatch(r'"\d+(\.\d+){4}-[0-9a-f]{24}"', headers["etag"]) and body
    status, again, nothing = ask(portal, path, if_none_match=f'"other", W/{headers["etag"]}')
    assert (status, nothing, again["etag"]) == (304, b"", headers["etag"])
    assert ask(portal, path, if_none_match='"other"')[0] == 200


def test_no_address_of_the_api_leads_on_to_another(portal: str) -> None:
    assert Api(portal).call("GET", "/projects/")[0] == 404
    assert Api(portal).call("GET", "/projects/1/2/3")[0] == 404
    # A page's address with a slash too many does, within the register.
    status, _headers, _body = ask(portal, "/findings/")
    assert status == 200


def test_only_what_is_public_may_be_kept(register: Register, portal: str) -> None:
    assert ask(portal, "/api/v1/projects?limit=1")[1]["cache-control"] == "no-cache"
    status, headers, _body = ask(portal, "/api/v1/projects?limit=1", authorization=f"Bearer {key(register, 'read')}")
    assert (status, headers["cache-control"]) == (200, "no-store")
    assert "Authorization" in headers["vary"] and "Cookie" in headers["vary"]


@pytest.mark.parametrize(
    "path", ["/projects?limit=2", "/findings?limit=2", "/notices?limit=2", "/search?q=示例&limit=2"]
)
def test_a_list_leads_to_its_next_page_and_a_changed_cursor_is_refused(portal: str, path: str) -> None:
    public = Api(portal)
    path = path.replace("示例", "%E7%A4%BA%E4%BE%8B")
    _status, headers, page = public.call("GET", path)
    link = re.search(r'<([^>]+)>; rel="next"', headers["link"])
    assert link
    following = public.get(link[1].removeprefix("/api/v1"))
    assert following["items"] and following["items"] != page["items"]
    cursor = page["next_cursor"]
    for wrong in (cursor[:-1], cursor[:9] + ("A" if cursor[9] != "A" else "B") + cursor[10:], "!", "WzFd"):
        status, _headers, problem = public.call("GET", f"{path}&cursor={wrong}")
        assert (status, problem["type"]) == (400, "/problems#bad-request"), wrong
        assert problem["remedy"] == "Start again without a cursor." and problem["errors"][0]["field"] == "cursor"


def test_a_list_stays_whole_while_others_register(register: Register, portal: str) -> None:
    public, keyed = Api(portal), Api(portal, (register.data / "run" / "api-key").read_text().strip())
    body = {"reason": "测试", "projects": [project(f"api:page:{one}") for one in range(3)]}
    first = public.get("/projects?limit=200")
    keyed.call("POST", "/projects", body, idempotency_key=secrets.token_hex(8))
    seen, cursor = [one["id"] for one in first["items"]], first["next_cursor"]
    while cursor:
        page = public.get(f"/projects?limit=200&cursor={cursor}")
        seen, cursor = seen + [one["id"] for one in page["items"]], page["next_cursor"]
    assert seen == sorted(set(seen)) and len(seen) == register.ask("SELECT count(*) AS n FROM projects")[0]["n"]


def test_a_cursor_of_another_list_is_refused(portal: str) -> None:
    public = Api(portal)
    cursor = public.get("/notices?limit=1")["next_cursor"]
    for path in ("/projects", "/findings", "/search"):
        assert public.call("GET", f"{path}?cursor={cursor}")[0] == 400


def test_an_answer_is_kept_for_a_day_and_is_its_caller_s_own(register: Register, portal: str) -> None:
    one, other = (Api(portal, key(register, "write")) for _ in range(2))
    name = secrets.token_hex(8)
    body = {"reason": "测试", "projects": [project(f"api:{name}")]}
    first = one.call("POST", "/projects", body, idempotency_key=name)
    assert first[2]["new"] == [f"api:{name}"] and "idempotent-replayed" not in first[1]
    assert one.call("POST", "/projects", body, idempotency_key=name)[1]["idempotent-replayed"] == "true"
    # The same word in another's mouth is another key.
    assert other.call("POST", "/projects", body, idempotency_key=name)[2]["unchanged"] == [f"api:{name}"]
    register.ask("UPDATE idempotent_answers SET created_at = created_at - interval '1 day' WHERE key = $1", name)
    later = one.call("POST", "/projects", body, idempotency_key=name)
    assert later[2]["unchanged"] == [f"api:{name}"] and "idempotent-replayed" not in later[1]


def test_a_second_request_while_the_first_is_under_way_is_a_conflict(register: Register, portal: str) -> None:
    secret, name = key(register, "write"), secrets.token_hex(8)
    (row,) = register.ask("SELECT id FROM api_keys WHERE key_hash = $1", hash_of(secret))
    body = {"reason": "测试", "projects": [project(f"api:{name}")]}

    async def work() -> tuple[int, dict[str, str], Any]:
        connection = await asyncpg.connect(register.database)
        try:
            # As the first request does.
            await connection.execute(
                "SELECT pg_advisory_lock(hashtextextended($1, 0))",
                f"idempotency POST /projects key {row['id']} {name}",
            )
            return Api(portal, secret).call("POST", "/projects", body, idempotency_key=name)
        finally:
            await connection.close()

    status, _headers, problem = run(work())
    assert (status, problem["type"]) == (409, "/problems#conflict") and "under way" in problem["detail"]
    assert Api(portal, secret).call("POST", "/projects", body, idempotency_key=name)[0] == 200


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "http://{host}"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://{host}"}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
    ],
)
def test_a_sign_in_writes_from_our_own_pages_only(
    register: Register, portal: str, said: dict[str, str], status: int
) -> None:
    cookie = f"threegates_sign_in={register.sign_in('officer')}"
    name = secrets.token_hex(8)
    headers = {one: value.format(host=portal.partition("//")[2]) for one, value in said.items()}
    body = {"reason": "测试", "projects": [project(f"api:{name}")]}
    answered = Api(portal).call("POST", "/projects", body, cookie=cookie, idempotency_key=name, **headers)
    assert answered[0] == status, answered[2]
    assert len(register.ask("SELECT 1 FROM projects WHERE reference = $1", f"api:{name}")) == (status == 200)


def test_who_is_signed_in_without_the_right_is_refused(register: Register, portal: str) -> None:
    cookie = f"threegates_sign_in={register.sign_in('reader')}"
    body = {"reason": "测试", "projects": [project("api:reader")]}
    headers = {"cookie": cookie, "idempotency_key": "reader-1", "sec-fetch-site": "same-origin"}
    assert Api(portal).call("POST", "/projects", body, **headers)[0] == 403


async def test_an_operation_that_will_go_says_since_when_until_when_and_what_instead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ending = Deprecated(date(2026, 1, 1), date(2026, 7, 1), "/api/v2/things")
    monkeypatch.setitem(_deprecations.DEPRECATED, ("GET", "/things"), ending)
    router = APIRouter(route_class=Operation)

    @router.get("/things", openapi_extra=needs("read", public=True))
    async def things() -> dict[str, int]:
        return {"things": 1}

    app = FastAPI()
    app.include_router(router, prefix="/api/v1")
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://register") as client:
        headers = (await client.get("/api/v1/things")).headers
    assert headers["deprecation"] == "@1767225600"
    assert headers["sunset"] == "Wed, 01 Jul 2026 00:00:00 GMT"
    assert '</api/v2/things>; rel="successor-version"' in headers["link"]
    assert 'rel="deprecation"' in headers["link"]


def test_whatever_will_go_was_announced_half_a_year_before() -> None:
    assert all(one.ends - one.since >= LEAST_NOTICE for one in DEPRECATED.values())


def test_a_route_without_a_scope_cannot_be_added() -> None:
    with pytest.raises(ValueError, match="names no scope"):
        Operation("/things", lambda: None).scopes  # noqa: B018  # asking is what is tested
    with pytest.raises(ValueError, match="no scope everything"):
        needs("everything")


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "登记项目"), ("en", "Register projects")])
def test_the_page_of_the_api_shows_every_operation_and_needs_no_script(portal: str, language: str, words: str) -> None:
    _status, headers, body = ask(portal, "/api/docs", accept_language=language)
    text = body.decode()
    assert "unsafe" not in headers["content-security-policy"]
    assert words in text
    for method, path, _described in operations(portal):
        assert f"{method} /api/v1{path}" in text
