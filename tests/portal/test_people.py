"""Signing in over HTTP: the demo's people, one answer for every refusal, own paths only, pages by permission."""

import re

import pytest

from portal.signing import own_path
from tests.portal.conftest import Register
from tests.portal.test_pages import Visitor


@pytest.fixture
def visitor(portal: str) -> Visitor:
    return Visitor(portal, headers={"accept-language": "zh-CN"})


@pytest.mark.parametrize(
    "back",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\evil", "/a\nb", "/sign-in", "", "/a" * 2000],
)
def test_the_way_back_leads_nowhere_else(back: str) -> None:
    assert own_path(back) == "/"
    assert own_path("/projects/3?as_of=2014-01-01") == "/projects/3?as_of=2014-01-01"


def enter(visitor: Visitor, login: str, back: str = "/account") -> tuple[int, dict[str, str], str]:
    status, _headers, page = visitor.ask("/sign-in")
    assert status == 200 and login in page
    return visitor.send("/sign-in/demo", {"login": login, "back": back})


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_an_administrator_signs_in_and_makes_a_person_and_a_key(
    visitor: Visitor, register: Register, language: str
) -> None:
    visitor.headers["accept-language"] = language
    status, headers, _page = enter(visitor, "demo-administrator")
    assert status == 303 and headers["location"] == "/account"
    for path in ("/account", "/people", "/organisations", "/keys"):
        status, _headers, page = visitor.ask(path)
        assert status == 200, (path, page[-500:])
    login = f"new-{language[:2]}"
    form = {"login": login, "name": "示例癸", "organisation_id": "demo-office"}
    status, _headers, page = visitor.send("/people", form)
    assert status == 200 and "one-time-password" in page
    status, _headers, page = visitor.send("/people", form)
    assert status == 409
    account = register.ask("SELECT id FROM accounts WHERE login = $1", login)[0]["id"]
    status, _headers, _page = visitor.send(f"/people/{account}/grant", {"role": "reader", "reason": "test"})
    assert status == 303
    status, _headers, page = visitor.ask(f"/people/{account}")
    assert status == 200, page[-500:]
    version = re.findall(r'name="version" value="(\d+)"', page)[0]
    change = {"name": "示例新癸", "email": "", "region": "000000", "language": "en", "version": version}
    assert visitor.send(f"/people/{account}/change", {**change, "region": "9"})[0] == 422
    assert visitor.send(f"/people/{account}/change", change)[0] == 303
    status, _headers, page = visitor.send(f"/people/{account}/change", {**change, "name": "示例"})
    assert status == 409
    status, _headers, _page = visitor.send(f"/people/{account}/end", {"reason": "test"})
    assert status == 303
    office = f"office-{language[:2].lower()}"
    form = {"id": office, "kind": "agency", "name_zh": "示例机关", "region": "130000"}
    assert visitor.send("/organisations", form)[0] == 303
    assert office in visitor.ask("/organisations")[2]
    assert visitor.ask(f"/organisations/{office}")[0] == 200
    assert visitor.send(f"/organisations/{office}", {"name_zh": " "})[0] == 422
    assert visitor.send(f"/organisations/{office}", {"name_zh": "示例新机关", "lanes": "land"})[0] == 303
    assert visitor.send(f"/organisations/{office}/end", {"reason": ""})[0] == 422
    assert visitor.send(f"/organisations/{office}/end", {"reason": "合并"})[0] == 303
    assert visitor.ask(f"/organisations/{office}")[0] == 404
    key = {"name": f"key {login}", "organisation_id": "demo-office", "scopes": "read", "rate": "10"}
    assert visitor.send("/keys", {**key, "expires": "2000-01-01"})[0] == 422
    status, headers, _page = visitor.send("/sign-out", {})
    assert status == 303 and headers["clear-site-data"] == '"cache", "storage"'
    assert visitor.ask("/people")[0] == 303


def test_who_is_no_administrator_sees_no_people(visitor: Visitor) -> None:
    enter(visitor, "demo-officer")
    assert visitor.ask("/account")[0] == 200
    assert visitor.ask("/people")[0] == 403
    assert visitor.send("/account/codes/new", {})[0] == 303
    status, headers, drawn = visitor.ask("/account/codes.svg")
    assert status == 200 and headers["content-type"].startswith("image/svg") and "<svg" in drawn
    assert visitor.send("/account/codes", {"code": "000000"})[0] == 422


def test_every_refusal_reads_the_same(visitor: Visitor) -> None:
    visitor.ask("/sign-in")
    answers = [
        visitor.send("/sign-in", {"login": login, "password": "wrong", "code": "", "back": "/"})
        for login in ("nobody-here", "demo-reader")
    ]
    assert [answer[0] for answer in answers] == [401, 401]
    assert all("不正确" in page for _status, _headers, page in answers)
