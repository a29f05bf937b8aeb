"""Every wrong setting is an error that names its variable, says what is wrong and shows no secret."""

from pathlib import Path

import pytest

from registry.errors import BadSetting
from registry.settings import Settings, settings


@pytest.fixture(autouse=True)
def only_what_the_test_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"THREEGATES_{name.upper()}", raising=False)


def read() -> Settings:
    settings.cache_clear()
    try:
        return settings()
    finally:
        settings.cache_clear()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DATABASE_URL", "mysql://root:hush@localhost/x", "must look like postgresql://"),
        ("DATABASE_URL", "postgresql://u:hush@localhost:abc/x", "no number from 1 to 65535"),
        ("DATABASE_URL", "postgresql://u:hush@localhost:99999/x", "no number from 1 to 65535"),
        ("ELASTICSEARCH_URL", "localhost:9200", "must look like https://"),
        ("ELASTICSEARCH_URL", "ftp://localhost:9200", "must look like https://"),
        ("ELASTICSEARCH_URL", "http://", "names no host"),
        ("ELASTICSEARCH_URL", "http://localhost:abc", "no number from 1 to 65535"),
        ("ELASTICSEARCH_URL", "https://elastic:hush@localhost:9200", "THREEGATES_ELASTICSEARCH_API_KEY"),
        ("ELASTICSEARCH_CA_FILE", "/nowhere/ca.crt", "cannot be read (No such file or directory)"),
        ("ELASTICSEARCH_CA_FILE", __file__, "holds no certificate"),
        ("INDEX_PREFIX", "Ä", "pattern"),
        ("DATA_FOLDER", __file__, "is a file"),
        ("DEMO", "perhaps", "boolean"),
        ("LANGUAGE", "fr", "'zh' or 'en'"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    monkeypatch.setenv(f"THREEGATES_{name}", value)
    with pytest.raises(BadSetting) as caught:
        read()
    assert caught.value.where == f"THREEGATES_{name}"
    assert words in caught.value.message
    assert "Value error" not in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://search.example.org", "https://search.example.org:443"),
        ("http://localhost:9200/", "http://localhost:9200"),
        ("https://example.org/search/", "https://example.org:443/search"),
    ],
)
def test_an_address_gets_its_usual_port(monkeypatch: pytest.MonkeyPatch, given: str, used: str) -> None:
    monkeypatch.setenv("THREEGATES_ELASTICSEARCH_URL", given)
    assert read().elasticsearch_url == used


def test_a_data_folder_may_be_made_later(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("THREEGATES_DATA_FOLDER", str(tmp_path / "later"))
    assert read().data_folder == tmp_path / "later"


def test_secrets_may_lie_in_files_that_a_vault_mounts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "threegates_database_url").write_text("postgresql://owner:s3cret@db/threegates\n")
    monkeypatch.setenv("THREEGATES_SECRETS_FOLDER", str(tmp_path))
    assert read().database_dsn() == "postgresql://owner:s3cret@db/threegates"
    monkeypatch.setenv("THREEGATES_SECRETS_FOLDER", str(tmp_path / "nowhere"))
    with pytest.raises(BadSetting, match="no folder"):
        read()
