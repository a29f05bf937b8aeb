"""Elasticsearch over TLS with an API key: it works, and each mistake is a sentence with its remedy."""

from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
from pydantic import SecretStr

from deploy.reaching import SearchServer
from deploy.server_checks import check_elasticsearch
from registry.errors import Unavailable
from registry.settings import Settings
from search.client import ask, make_client
from tests.tls_proxy import API_KEY, CERTIFICATE, elasticsearch_behind_tls

pytestmark = pytest.mark.elasticsearch
OTHER_AUTHORITY = Path(certifi.where())

# what is given -> what is said
MISTAKES = [
    (None, API_KEY, "certificate", "THREEGATES_ELASTICSEARCH_CA_FILE"),
    (OTHER_AUTHORITY, API_KEY, "certificate", "THREEGATES_ELASTICSEARCH_CA_FILE"),
    (CERTIFICATE, None, "401", "THREEGATES_ELASTICSEARCH_API_KEY"),
    (CERTIFICATE, "d3Jvbmc6a2V5", "401", "THREEGATES_ELASTICSEARCH_API_KEY"),
]
IDS = ["no authority", "another authority", "no key", "a wrong key"]


@pytest.fixture(scope="module")
def secured(elasticsearch_url: str) -> Iterator[str]:
    with elasticsearch_behind_tls(elasticsearch_url) as address:
        yield address


def given(address: str, authority: Path | None, key: str | None) -> Settings:
    return Settings(
        elasticsearch_url=address,
        elasticsearch_ca_file=authority,
        elasticsearch_api_key=SecretStr(key) if key else None,
    )


async def test_the_client_the_doctor_and_the_start_get_through(secured: str) -> None:
    with make_client(given(secured, CERTIFICATE, API_KEY)) as client:
        assert (await ask(client.cluster.health))["status"] in ("green", "yellow")
    server = SearchServer(secured, API_KEY, CERTIFICATE)
    assert {check.outcome for check in check_elasticsearch(server) if check.name != "elasticsearch-disk"} == {"ok"}
    assert server.is_healthy()


@pytest.mark.parametrize(("authority", "key", "words", "remedy"), MISTAKES, ids=IDS)
async def test_each_mistake_is_said_by_the_client(
    secured: str, authority: Path | None, key: str | None, words: str, remedy: str
) -> None:
    with (
        make_client(given(secured, authority, key)) as client,
        pytest.raises(Unavailable, match=words) as caught,
    ):
        await ask(client.cluster.health)
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(("authority", "key", "words", "remedy"), MISTAKES, ids=IDS)
def test_each_mistake_is_said_by_the_doctor(
    secured: str, authority: Path | None, key: str | None, words: str, remedy: str
) -> None:
    server = SearchServer(secured, key, authority)
    (failed,) = (check for check in check_elasticsearch(server) if check.outcome == "failed")
    assert words in failed.found
    assert remedy in failed.remedy_en
    assert remedy in failed.remedy_zh
    assert not server.is_healthy()
