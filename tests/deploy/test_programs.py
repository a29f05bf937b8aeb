"""Programs: found, checked by hash, and a wrong file is never unpacked."""

import os
import stat
from pathlib import Path

import pytest

from deploy.account import Account, server_account
from deploy.failure import Failure
from deploy.programs import (
    ELASTICSEARCH_SHA256,
    ELASTICSEARCH_VERSION,
    Programs,
    check_hash,
    fetch_elasticsearch,
    install,
)


def test_all_programs_are_there_and_can_be_run_by_the_servers_account(programs: Programs) -> None:
    account = server_account()
    for folder in (programs.postgresql, programs.java / "bin", programs.elasticsearch / "bin"):
        assert account.can_reach(folder)
    assert (programs.elasticsearch / "bin" / "elasticsearch").stat().st_mode & stat.S_IXOTH


def test_a_changed_zip_is_refused_with_a_sentence_and_not_unpacked(tmp_path: Path) -> None:
    archive = tmp_path / "downloads" / f"elasticsearch-{ELASTICSEARCH_VERSION}.zip"
    archive.parent.mkdir()
    archive.write_bytes(b"not what Elastic published")
    with pytest.raises(Failure) as refused:
        install(Account(), print, cache=tmp_path)
    assert "is not what it should be" in str(refused.value)
    assert ELASTICSEARCH_SHA256 in str(refused.value)
    assert "Delete the file and run again" in refused.value.remedy
    assert list((tmp_path / "programs").iterdir()) == []


def test_without_network_the_remedy_names_the_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(Failure, match="cannot be had from Maven Central") as failed:
        fetch_elasticsearch(tmp_path, lambda _text: None)
    assert "Check the network" in failed.value.remedy
    assert "THREEGATES_ELASTICSEARCH_URL" in failed.value.remedy
    assert list(tmp_path.iterdir()) == [], "half a download stayed behind"


def test_the_hash_is_checked_over_the_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    check_hash(file, expected)
    file.write_bytes(b"abd")
    with pytest.raises(Failure):
        check_hash(file, expected)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the servers as somebody else")
def test_what_the_account_cannot_reach_is_known(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    inside = hidden / "inside"
    inside.mkdir(parents=True)
    inside.chmod(0o755)
    hidden.chmod(0o700)
    assert not server_account().can_reach(inside)
