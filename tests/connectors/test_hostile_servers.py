"""Agencies that are slow, broken or lie: every call ends in time and within bytes, and nothing false gets through."""

import gc
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.agency import Agency
from connectors.errors import (
    FeedError,
    FeedHeld,
    FeedOffHost,
    FeedRefused,
    FeedTooLarge,
    FeedTooSlow,
    FeedUnreachable,
    FeedUnreadable,
)
from connectors.fetch import fetch
from connectors.page import Page
from deploy.agencies import Players
from deploy.agencies.land import KEY, Land
from deploy.agencies.server import Played
from tests.connectors.conftest import ACTS, keys_of

# Nothing beside a day's wait, and much beside what a busy machine takes.
NOT_WAITED = 20
EVERY = pytest.mark.parametrize("name", list(ACTS))


def until_error(agency: Agency) -> tuple[list[Page], FeedError, float]:
    """The pages that came before the error, the error, and the seconds it all took."""
    pages: list[Page] = []
    start = time.monotonic()
    with pytest.raises(FeedError) as caught:
        pages.extend(fetch(agency))
    return pages, caught.value, time.monotonic() - start


MISBEHAVIOUR: list[tuple[str, dict[str, Any], type[FeedError]]] = [
    ("slow", {"seconds": 2}, FeedUnreachable),
    ("drip", {"seconds": 0.05}, FeedTooSlow),
    ("drip-head", {"seconds": 0.05}, FeedTooSlow),
    ("fail", {"status": 500}, FeedUnreachable),
    ("fail", {"status": 404}, FeedError),
    ("empty", {}, FeedHeld),
    ("garbage", {}, FeedError),
    ("truncate", {}, FeedError),
    ("cut", {}, FeedUnreachable),
    ("redirect", {"to": "http://127.0.0.1:1/elsewhere"}, FeedOffHost),
    ("redirect", {"to": "https://evil.invalid/"}, FeedOffHost),
    ("retry-after", {"seconds": 86400}, FeedUnreachable),
    ("gzip-bomb", {"bytes": 8 * 2**20}, FeedTooLarge),
    ("large", {"bytes": 8 * 2**20}, FeedTooLarge),
    ("bad-token", {}, FeedRefused),
    ("wrong-total", {}, FeedHeld),
    ("missing-page", {}, FeedHeld),
]


@EVERY
@pytest.mark.parametrize(("mode", "told", "error"), MISBEHAVIOUR, ids=[one[0] for one in MISBEHAVIOUR])
def test_every_misbehaviour_ends_in_time_with_an_error_that_speaks(
    agencies: dict[str, Agency], players: Players, name: str, mode: str, told: dict[str, Any], error: type[FeedError]
) -> None:
    # The first request of the environment agency asks for the token; let it pass, so that the feed itself is hit.
    players.tell(name, mode, after=1 if name == "environment" and mode != "bad-token" else 0, **told)
    pages, caught, seconds = until_error(agencies[name])
    assert isinstance(caught, error), caught
    assert seconds < 2
    assert not any(page.last for page in pages), "a run that failed must not look whole"
    assert name in caught.where
    assert caught.remedy
    for secret in players.feed(name).secrets().values():
        assert secret not in str(caught)


@EVERY
@pytest.mark.parametrize("mode", ["fail", "cut", "slow", "truncate", "empty", "garbage", "missing-page", "wrong-total"])
def test_what_came_before_is_sound_and_the_rest_follows_later(
    agencies: dict[str, Agency], players: Players, name: str, mode: str
) -> None:
    """After some pages a request fails; the next run resumes after the last page, and nothing is lost or repeated.

    A feed that contradicted itself (FeedHeld) is read from the start: what came before may have had a gap.
    """
    after = {"land": 3, "environment": 3, "finance": 0 if mode in ("missing-page", "wrong-total") else 2}[name]
    players.tell(name, mode, after=after, seconds=1)
    pages, caught, _ = until_error(agencies[name])
    assert after == 0 or pages
    players.tell(name, "normal")
    if isinstance(caught, FeedHeld) or not pages:
        pages = []
    pages += fetch(agencies[name], checkpoint=pages[-1].checkpoint if pages else None)
    assert keys_of(pages) == [f"K{number:04d}" for number in range(130)]


@EVERY
def test_a_passing_failure_is_tried_again(agencies: dict[str, Agency], players: Players, name: str) -> None:
    players.tell(name, "fail", times=2, status=503)
    assert len(keys_of(list(fetch(agencies[name])))) == 130


@EVERY
def test_a_short_retry_after_is_obeyed_and_a_long_one_is_not_waited_for(
    agencies: dict[str, Agency], players: Players, name: str
) -> None:
    players.tell(name, "retry-after", seconds=86400)
    _, caught, seconds = until_error(agencies[name])
    assert isinstance(caught, FeedUnreachable)
    assert caught.retry_after == 86400
    assert seconds < NOT_WAITED
    players.tell(name, "retry-after", seconds=0, times=1)
    assert len(keys_of(list(fetch(agencies[name])))) == 130


def test_a_wrong_checksum_holds_the_file(agencies: dict[str, Agency], players: Players) -> None:
    players.tell("finance", "wrong-checksum")
    pages, caught, _ = until_error(agencies["finance"])
    assert isinstance(caught, FeedHeld)
    assert "SHA-256" in caught.message
    assert pages == []


@EVERY
def test_one_malformed_record_harms_itself_alone(agencies: dict[str, Agency], players: Players, name: str) -> None:
    players.tell(name, "malformed")
    pages = list(fetch(agencies[name]))
    rejected = [one for page in pages for one in page.rejected]
    # Land and environment break the first record of each page; finance adds a row to each file.
    assert len(rejected) == (2 if name == "finance" else 7)
    assert len(keys_of(pages)) == (130 if name == "finance" else 123)
    assert all(one.raw and one.reason for one in rejected)
    assert pages[-1].last


def test_a_shrunken_feed_is_for_the_bounds_to_hold(agencies: dict[str, Agency], players: Players) -> None:
    players.tell("land", "shrink", share=0.5)
    received = sum(len(page.keys) for page in fetch(agencies["land"]))
    assert received == 65
    assert "shrank" in (agencies["land"].bounds.problem(received=received, rejected=0, stored=130, full=True) or "")


@pytest.fixture
def elsewhere() -> Iterator[Played]:
    """Another server, which notes what it is told."""
    with Played(Land()) as server:
        yield server


def test_no_credential_and_no_request_goes_to_another_host(
    agencies: dict[str, Agency], players: Players, elsewhere: Played
) -> None:
    players.tell("land", "redirect", to=elsewhere.address + "/api/tGdxm/result/list")
    _, caught, _ = until_error(agencies["land"])
    assert isinstance(caught, FeedOffHost)
    assert elsewhere.feed.asked == []


def test_an_allowed_host_gets_no_credential(
    agencies: dict[str, Agency], players: Players, elsewhere: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link that is absolute leads to an allowed host: it is asked, but the key stays at home."""
    land = agencies["land"].model_copy(update={"path": elsewhere.address + "/api/tGdxm/result/list"})
    with pytest.raises(FeedRefused):
        list(fetch(land))
    (asked,) = elsewhere.feed.asked
    assert KEY not in str(asked)


def test_a_host_that_is_not_allowed_is_not_asked(agencies: dict[str, Agency], players: Players) -> None:
    for path in ("https://evil.invalid/x", "//evil.invalid/x", "ftp://127.0.0.1/x", "http://user@127.0.0.1/x"):
        with pytest.raises(FeedOffHost, match="not allowed"):
            list(fetch(agencies["land"].model_copy(update={"path": path})))


def test_the_environment_of_the_process_sends_nothing_astray(
    agencies: dict[str, Agency], players: Players, elsewhere: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxy variables and .netrc are not obeyed."""
    monkeypatch.setenv("http_proxy", elsewhere.address)
    monkeypatch.setenv("HTTP_PROXY", elsewhere.address)
    monkeypatch.setenv("no_proxy", "")
    assert len(keys_of(list(fetch(agencies["land"])))) == 130
    assert elsewhere.feed.asked == []


def test_plain_http_beyond_this_machine_is_refused(
    agencies: dict[str, Agency], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THREEGATES_AGENCY_LAND_URL", "http://land.invalid")
    with pytest.raises(Exception, match="plain_http"):
        list(fetch(agencies["land"]))


def test_nobody_there(agencies: dict[str, Agency], monkeypatch: pytest.MonkeyPatch, players: Players) -> None:
    monkeypatch.setenv("THREEGATES_AGENCY_LAND_URL", "http://127.0.0.1:1")
    _, caught, seconds = until_error(agencies["land"])
    assert isinstance(caught, FeedUnreachable)
    assert "cannot be reached" in caught.message
    assert seconds < NOT_WAITED


def test_tls_is_always_verified(agencies: dict[str, Agency], monkeypatch: pytest.MonkeyPatch, players: Players) -> None:
    """A server that does not speak TLS as it should is refused, whatever the environment says."""
    address = players.servers["land"].address.replace("http://", "https://")
    monkeypatch.setenv("THREEGATES_AGENCY_LAND_URL", address)
    monkeypatch.setenv("CURL_CA_BUNDLE", "")
    _, caught, _ = until_error(agencies["land"])
    assert "certificate" in caught.message or "connection" in caught.message


def measured(work: Callable[[], object]) -> int:
    """The greatest number of bytes that Python held while it worked."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("mode", "told"), [("gzip-bomb", {"bytes": 100 * 2**20}), ("large", {"bytes": 50 * 2**20})])
def test_large_answers_cost_little_memory(
    agencies: dict[str, Agency], players: Players, mode: str, told: dict[str, Any]
) -> None:
    """The played server's own bytes are made before the measuring begins."""
    players.tell("land", mode, **told)
    ready = players.feed("land").misbehaviour._replace(mode, 0.0)
    players.feed("land").misbehaviour._replace = lambda *_: ready
    assert measured(lambda: until_error(agencies["land"])) < 8 * 2**20


def test_a_dripping_agency_does_not_delay_another(agencies: dict[str, Agency], players: Players) -> None:
    players.tell("land", "drip", seconds=0.05)
    slow = threading.Thread(target=until_error, args=(agencies["land"],))
    slow.start()
    assert len(keys_of(list(fetch(agencies["environment"])))) == 130
    assert slow.is_alive(), "the other was read to its end while the first still drips"
    slow.join()


def test_the_deadline_of_the_run_ends_it(agencies: dict[str, Agency], players: Players) -> None:
    players.tell("land", "slow", seconds=0.3)
    with pytest.raises(FeedTooSlow):
        list(fetch(agencies["land"], deadline_seconds=0.7))


def test_unreadable_listing(agencies: dict[str, Agency], players: Players) -> None:
    players.tell("finance", "truncate")
    _, caught, _ = until_error(agencies["finance"])
    assert isinstance(caught, FeedUnreadable)
