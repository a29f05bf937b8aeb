"""Elasticsearch of our own: its configuration, and that no other server on the port is taken for it."""

from pathlib import Path

import pytest

from deploy.elasticsearch import Elasticsearch, read_health
from deploy.ports import choose_port
from deploy.programs import Programs


@pytest.fixture
def server(tmp_path: Path, programs: Programs) -> Elasticsearch:
    """A prepared server that is not started."""
    server = Elasticsearch(tmp_path / "搜索 folder", programs.elasticsearch, programs.java, choose_port(29300))
    server.prepare()
    return server


def test_the_configuration_fits_our_java_and_stays_on_this_machine(server: Elasticsearch) -> None:
    options = (server.folder / "config" / "jvm.options").read_text()
    assert "jdk.incubator.vector" not in options
    assert "java.io.tmpdir" in options
    settings = (server.folder / "config" / "elasticsearch.yml").read_text()
    assert "network.host: 127.0.0.1" in settings
    assert "搜索 folder" in settings


def test_preparing_again_keeps_its_name(server: Elasticsearch) -> None:
    name = server.cluster
    server.prepare()
    assert server.cluster == name


@pytest.mark.elasticsearch
def test_another_server_on_the_port_is_not_taken_for_ours(
    server: Elasticsearch, elasticsearch_url: str, programs: Programs
) -> None:
    health = read_health(elasticsearch_url)
    assert health is not None
    assert health["status"] in ("green", "yellow")
    port = int(elasticsearch_url.rsplit(":", 1)[1])
    ours = Elasticsearch(server.folder, programs.elasticsearch, programs.java, port)
    assert not ours.is_healthy()


def test_nothing_there_is_not_healthy(server: Elasticsearch) -> None:
    assert read_health(server.url) is None
    assert not server.is_healthy()
