"""Rates of the API: counted by key or by address, told in headers, refused with 429; no address is kept."""

import json
import time
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from portal import request_rates, viewing
from portal.request_rates import Addresses, RequestRates
from registry.settings import settings


async def _answer(_request: Request) -> Response:
    return JSONResponse({})


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> RequestRates:
    """The counter before an application, for a public rate of 3 and one key whose rate is 5."""
    rates: dict[bytes, int] = {viewing.hash_of("tg_known"): 5}

    async def rate_of(key_hash: bytes) -> int | None:
        return rates.get(key_hash)

    monkeypatch.setattr(request_rates, "_rate_of", rate_of)
    monkeypatch.setattr(settings(), "public_rate", 3)
    return RequestRates(Starlette(routes=[Route("/api/v1/projects", _answer), Route("/", _answer)]))


async def _ask(
    rates: RequestRates, path: str = "/api/v1/projects", *, address: str = "192.0.2.1", key: str = "", cookie: str = ""
) -> Any:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    headers |= {"cookie": f"threegates_sign_in={cookie}"} if cookie else {}
    transport = httpx.ASGITransport(app=rates, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://register") as client:
        return await client.get(path, headers=headers)


async def test_an_address_beyond_its_rate_is_refused_and_told_when(rates: RequestRates) -> None:
    answers = [await _ask(rates) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert [one.headers["ratelimit"].split(";")[1] for one in answers] == ["r=2", "r=1", "r=0", "r=0"]
    assert {one.headers["ratelimit-policy"] for one in answers} == {'"address";q=3;w=60'}
    assert 1 <= int(answers[3].headers["retry-after"]) <= 60
    assert answers[3].headers["content-type"] == "application/problem+json"
    assert answers[3].json()["type"] == "/problems#too-many-requests"
    assert "retry-after" not in answers[0].headers
    assert (await _ask(rates, address="192.0.2.2")).status_code == 200
    # Pages are counted apart: by the address, and whoever is signed in by the sign-in.
    pages = [await _ask(rates, "/") for _ in range(4)]
    assert [one.status_code for one in pages] == [200, 200, 200, 429]
    assert "ratelimit" not in pages[0].headers and pages[3].headers["content-type"].startswith("text/html")
    people = [await _ask(rates, "/", cookie=f"person{number % 2}") for number in range(7)]
    assert [one.status_code for one in people] == [200] * 6 + [429]
    invented = [await _ask(rates, "/", cookie=f"invented{number}") for number in range(60)]
    assert invented[0].status_code == 200 and invented[-1].status_code == 429
    assert (await _ask(rates, "/health/ready")).status_code == 404


async def test_a_key_has_its_own_rate_wherever_it_comes_from(rates: RequestRates) -> None:
    # The first request of a key is counted at its address, until its rate is known.
    answers = [await _ask(rates, key="tg_known", address=f"192.0.2.{one}") for one in range(1, 8)]
    assert [one.status_code for one in answers] == [200] * 6 + [429]
    assert answers[1].headers["ratelimit-policy"] == '"key";q=5;w=60'


async def test_guessing_keys_is_counted_at_the_address(rates: RequestRates) -> None:
    answers = [await _ask(rates, key=f"tg_guess{one}") for one in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]


async def test_an_ipv6_network_counts_as_one_and_no_address_is_kept(rates: RequestRates) -> None:
    answers = [await _ask(rates, address=f"2001:db8::{one}") for one in range(1, 5)]
    assert answers[-1].status_code == 429
    assert (await _ask(rates, address="2001:db8:1::1")).status_code == 200
    kept = json.dumps([list(map(str, rates.limiter.storage.storage)), list(rates.rates.known)])  # type: ignore[attr-defined]  # the memory store's dictionary
    assert "2001" not in kept


def test_names_of_addresses_change_with_the_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = Addresses()
    before = addresses.name("192.0.2.1")
    assert addresses.name("192.0.2.1") == before
    later = time.monotonic() + 3601
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert addresses.name("192.0.2.1") != before


async def test_a_key_that_is_forgotten_is_read_again(rates: RequestRates, monkeypatch: pytest.MonkeyPatch) -> None:
    await _ask(rates, key="tg_known")
    assert rates.rates.get(viewing.hash_of("tg_known")) == 5
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert rates.rates.get(viewing.hash_of("tg_known")) is None
