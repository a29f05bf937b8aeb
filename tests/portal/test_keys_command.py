"""`threegates keys`: made, listed, rotated and revoked beside the database; the page shows the same keys."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.command_line import threegates
from tests.portal.conftest import Register
from tests.portal.test_api import Api
from tests.portal.test_pages import Visitor

Command = Callable[..., Any]


@pytest.fixture
def command(register: Register) -> Command:
    """Runs `threegates keys …`; the JSON it prints, or what it says where it refuses."""

    def run(*arguments: str, fails: bool = False) -> Any:
        done = threegates(register.environment, "keys", *arguments, *([] if fails else ["--json"]))
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else json.loads(done.stdout)

    return run


def test_a_key_is_made_used_rotated_and_revoked(register: Register, portal: str, command: Command) -> None:
    made = command("create", "collector", "--organisation", "demo-office", "--scope", "read", "--days", "30")
    assert made["scopes"] == ["read"]
    assert Api(portal, made["key"]).get("/overview")["projects"]
    rotated = command("rotate", "collector", "--overlap", "1")
    assert rotated["key"] != made["key"]
    for key in (made["key"], rotated["key"]):
        assert Api(portal, key).call("GET", "/overview")[0] == 200
    leaked = command("rotate", "collector", "--overlap", "0")["key"]
    assert [Api(portal, one).call("GET", "/overview")[0] for one in (made["key"], rotated["key"], leaked)] == [
        401,
        401,
        200,
    ]
    listed = {one["name"]: one for one in command("list")}
    assert listed["collector"]["state"] == "holds" and listed["collector"]["last_used_on"]
    assert leaked not in json.dumps(listed)
    administrator = Visitor(
        portal, {"threegates_sign_in": register.sign_in("administrator")}, {"accept-language": "en"}
    )
    page = administrator.ask("/keys")[2]
    assert "collector" in page
    command("revoke", "collector")
    assert Api(portal, leaked).call("GET", "/overview")[2]["detail"] == "This key has ended."
    assert "There is no such key" in command("rotate", "collector", fails=True)
    assert {one["name"]: one["state"] for one in command("list")}["collector"] == "revoked"


def test_what_a_key_cannot_be_is_refused(command: Command) -> None:
    wrong = ("create", "another", "--organisation", "demo-office", "--scope", "everything")
    assert "Choose at least one of the scopes." in command(*wrong, fails=True)
    assert "no such organisation" in command(
        "create", "another", "--organisation", "nobody", "--scope", "read", fails=True
    )


def test_the_first_key_is_rotated_in_its_file_too(register: Register, portal: str, command: Command) -> None:
    path = register.data / "run" / "api-key"
    before = path.read_text().strip()
    fresh = command("rotate", "first")["key"]
    assert path.read_text().strip() == fresh != before
    assert Api(portal, fresh).call("GET", "/overview")[0] == 200


def test_an_administrator_rotates_a_key_on_its_page(register: Register, portal: str, command: Command) -> None:
    made = command("create", "page-key", "--organisation", "demo-office", "--scope", "read")
    (row,) = register.ask("SELECT id FROM api_keys WHERE name = 'page-key'")
    administrator = Visitor(portal, {}, {"accept-language": "en"})
    administrator.ask("/sign-in")
    administrator.send("/sign-in/demo", {"login": "demo-administrator", "back": "/keys"})
    administrator.ask("/keys")
    status, _headers, page = administrator.send("/keys/rotate", {"key": str(row["id"])})
    assert status == 200 and made["key"] not in page
    assert "The old key holds until" in administrator.ask("/keys")[2]
    assert Api(portal, made["key"]).call("GET", "/overview")[0] == 200
