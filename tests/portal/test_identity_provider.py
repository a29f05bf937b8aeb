"""Signing in through an identity provider: a kept one that others wrote, and one of ours that lies."""

import sys
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.portal.conftest import Register, answers, child, free_port, wait_for
from tests.portal.lying_provider import LIES, LyingProvider, lying_provider
from tests.portal.test_pages import Visitor

ROOT = Path(__file__).parents[2]


@contextmanager
def portal_with(register: Register, issuer: str, acr: str = "") -> Iterator[str]:
    """A portal whose people come from a provider, which states one of these classes of authentication."""
    port = free_port()
    environment = register.environment | {
        "THREEGATES_OIDC_ISSUER": issuer,
        "THREEGATES_OIDC_CLIENT_ID": "threegates",
        "THREEGATES_OIDC_CLIENT_SECRET": "a secret of tests only",
    }
    environment |= {"THREEGATES_OIDC_ACR": acr} if acr else {}
    command = [sys.executable, "-m", "uvicorn", "portal.web:application", "--port", str(port), "--log-level", "warning"]
    with child(command, environment, ROOT, register.data / f"portal-{port}.log"):
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/health/ready"), "the portal")
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def kept_provider(register: Register) -> Iterator[str]:
    """oidc-provider-mock in a process of its own."""
    port = free_port()
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "oidc_provider_mock",
        "--port",
        str(port),
        "--require-nonce",
        "true",
    ]
    with child(command, register.environment, ROOT, register.data / "provider.log"):
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers(f"{address}/.well-known/openid-configuration"), "the provider")
        yield address


@pytest.fixture(scope="module")
def liar() -> Iterator[LyingProvider]:
    with lying_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def portal_of_liar(register: Register, liar: LyingProvider) -> Iterator[str]:
    with portal_with(register, liar.issuer) as address:
        yield address


def invited(register: Register, portal: str, login: str) -> str:
    """The path of an invitation that an administrator made for a new person."""
    secret = register.sign_in("administrator")
    admin = Visitor(portal, {"threegates_sign_in": secret}, {"accept-language": "en"})
    admin.ask("/about")
    office = register.ask("SELECT organisation_id AS id FROM accounts WHERE login = 'demo-officer'")[0]["id"]
    assert admin.send("/people", {"login": login, "name": "示例丙", "organisation_id": office})[0] == 200
    account = register.ask("SELECT id FROM accounts WHERE login = $1", login)[0]["id"]
    assert admin.send(f"/people/{account}/grant", {"role": "officer", "reason": "test"})[0] == 303
    status, _headers, page = admin.send(f"/people/{account}/invite", {})
    assert status == 200
    return "/sign-in/provider?invitation=" + page.split("invitation=")[1].split('"')[0].split("<")[0].strip()


def consent(address: str, subject: str) -> str:
    """Say at the kept provider who one is; gives the path and query to which it sends the browser back."""
    answer = Visitor(address.partition("/oauth2")[0]).ask("/oauth2" + address.partition("/oauth2")[2], {"sub": subject})
    assert answer[0] in (302, 303), answer
    back = urllib.parse.urlsplit(answer[1]["Location"])
    return f"{back.path}?{back.query}"


def test_an_invitation_links_an_identity_once_and_its_owner_signs_in_with_it(
    register: Register, kept_provider: str
) -> None:
    with portal_with(register, kept_provider) as portal:
        path = invited(register, portal, "kept-one")
        visitor = Visitor(portal, headers={"accept-language": "en"})
        status, headers, _page = visitor.ask(f"{path}&back=/account")
        assert status == 303 and headers["location"].startswith(kept_provider)
        status, headers, page = visitor.ask(consent(headers["location"], "subject-kept"))
        assert (status, headers.get("location")) == (303, "/account"), page[-500:]
        status, _headers, page = visitor.ask("/account")
        assert status == 200 and "kept-one" in page
        # Its owner comes again without an invitation, from another browser.
        again = Visitor(portal, headers={"accept-language": "en"})
        _status, headers, _page = again.ask("/sign-in/provider?back=/findings")
        assert again.ask(consent(headers["location"], "subject-kept"))[1]["location"] == "/findings"
        # The invitation is spent, and whom nobody invited stays outside.
        for way, subject in ((path, "subject-thief"), ("/sign-in/provider", "subject-stranger")):
            other = Visitor(portal, headers={"accept-language": "en"})
            _status, headers, _page = other.ask(way)
            status, _headers, _page = other.ask(consent(headers["location"], subject))
            assert status == 401
            assert other.ask("/account")[0] == 303
    said = register.ask("SELECT why FROM audit_entries WHERE action = 'sign_in.refuse' ORDER BY id DESC LIMIT 2")
    assert [one["why"] for one in said] == ["identity not linked"] * 2


def test_a_lying_provider_lets_nobody_in(register: Register, liar: LyingProvider, portal_of_liar: str) -> None:
    path = invited(register, portal_of_liar, "lied-to")
    visitor = Visitor(portal_of_liar)
    liar.lie = "honest"
    back = liar.authorise(visitor.ask(path)[1]["location"])
    assert visitor.ask(f"/sign-in/return?{back}")[0] == 303
    assert visitor.ask("/account")[0] == 200
    assert len(liar.verifiers[-1]) >= 43  # PKCE
    for lie in LIES:
        liar.lie = lie
        caught = Visitor(portal_of_liar, headers={"accept-language": "en"})
        back = liar.authorise(caught.ask("/sign-in/provider")[1]["location"])
        status, _headers, page = caught.ask(f"/sign-in/return?{back}")
        assert status == 401 and "identity" in page, lie
        assert not caught.cookies.get("threegates_sign_in"), lie


def test_a_class_of_authentication_that_is_asked_for_must_be_stated(register: Register, liar: LyingProvider) -> None:
    liar.lie = "honest"
    with portal_with(register, liar.issuer, "token card") as portal:
        path = invited(register, portal, "classed")
        liar.subject = "classed-subject"
        for acr, status in (("password", 401), ("card", 303)):
            liar.acr = acr
            visitor = Visitor(portal)
            address = visitor.ask(path)[1]["location"]
            assert "acr_values=token+card" in address
            assert visitor.ask(f"/sign-in/return?{liar.authorise(address)}")[0] == status, acr


def test_an_answer_for_another_browser_or_twice_is_refused(
    register: Register, liar: LyingProvider, portal_of_liar: str
) -> None:
    liar.lie = "honest"
    first, second = Visitor(portal_of_liar), Visitor(portal_of_liar)
    mine = liar.authorise(first.ask("/sign-in/provider")[1]["location"])
    second.ask("/sign-in/provider")
    for query in (mine, mine.replace("state=", "state=x"), "error=access_denied&state=x", ""):
        assert second.ask(f"/sign-in/return?{query}")[0] == 401
    without = Visitor(portal_of_liar)
    assert without.ask(f"/sign-in/return?{mine}")[0] == 401
    forged = Visitor(portal_of_liar, {"threegates_provider": "00" * 80})
    assert forged.ask(f"/sign-in/return?{mine}")[0] == 401


def test_a_provider_that_does_not_answer_is_said_and_passwords_still_do(register: Register) -> None:
    with portal_with(register, f"http://127.0.0.1:{free_port()}") as portal:
        visitor = Visitor(portal, headers={"accept-language": "en"})
        status, _headers, page = visitor.ask("/sign-in/provider")
        assert status == 503 and "sign in with a password" in page
        assert visitor.ask("/sign-in")[0] == 200


def test_who_comes_from_elsewhere_goes_on_by_a_click_of_their_own(portal_of_liar: str) -> None:
    visitor = Visitor(portal_of_liar, headers={"accept-language": "en", "sec-fetch-site": "cross-site"})
    status, _headers, page = visitor.ask("/sign-in/provider?invitation=abc&back=//evil.example")
    assert status == 200 and "administrator" in page
    assert 'href="/sign-in/provider?back=/&amp;invitation=abc"' in page
    assert "threegates_provider" not in visitor.cookies
    visitor.headers["sec-fetch-site"] = "same-origin"
    assert visitor.ask("/sign-in/provider?invitation=abc&back=%2F")[0] == 303


def test_without_a_provider_there_is_no_such_page(portal: str) -> None:
    visitor = Visitor(portal)
    assert visitor.ask("/sign-in/provider")[0] == 404
    assert visitor.ask("/sign-in/return?code=x&state=y")[0] == 404
