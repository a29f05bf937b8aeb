"""TLS towards an agency: a certificate that nobody vouches for is refused, one of the named authority is accepted."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.agency import Agency
from connectors.errors import FeedUnreachable
from connectors.fetch import fetch
from deploy.agencies.land import KEY, Land
from deploy.agencies.server import Played
from tests.connectors.conftest import keys_of, records

CERTIFICATE = Path(__file__).with_name("self_signed.pem")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    """The land agency behind TLS with a certificate of its own making."""
    played = Played(Land(records("land", 30)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    played.socket = context.wrap_socket(played.socket, server_side=True)
    with played:
        monkeypatch.setenv("THREEGATES_AGENCY_LAND_URL", played.address.replace("http://", "https://"))
        monkeypatch.setenv("THREEGATES_AGENCY_LAND_KEY", KEY)
        yield played


def test_an_unknown_certificate_is_refused(agencies: dict[str, Agency], server: Played) -> None:
    with pytest.raises(FeedUnreachable, match="certificate is not valid") as caught:
        list(fetch(agencies["land"]))
    assert "ca_file" in caught.value.remedy
    assert server.feed.asked == []


def test_the_named_authority_is_accepted(
    agencies: dict[str, Agency], server: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THREEGATES_AGENCY_LAND_CA", str(CERTIFICATE))
    trusting = agencies["land"].model_copy(update={"ca_file": "${THREEGATES_AGENCY_LAND_CA}"})
    assert len(keys_of(list(fetch(trusting)))) == 30
