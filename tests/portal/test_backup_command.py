"""`threegates backup` and `restore`: there and back again, and what is refused in words with nothing changed."""

import asyncio
import os
import tarfile
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from portal.commands import application
from registry import database
from registry.backups.archive import MANIFEST, MANIFEST_HASH, put, writing
from registry.errors import ThreegatesError
from registry.row_security import unprotected
from registry.settings import settings
from registry.tips.private_keys import new_key_file
from search import client

WORD = "five words that do not belong"


def _call(*arguments: str | Path) -> str:
    """What a command says; its error where it refuses."""
    for cache in (settings, database.engine, client.servers):
        cache.cache_clear()
    done = CliRunner().invoke(application(str(arguments[0])), list(map(str, arguments)))
    if isinstance(done.exception, ThreegatesError):
        return str(done.exception)
    assert done.exit_code == 0, done.exception
    return done.output


async def _asked(dsn: str, question: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval(question))
    finally:
        await connection.close()


async def _shut(dsn: str) -> dict[str, str]:
    engine = database.make_engine(dsn)
    try:
        async with engine.connect() as connection:
            return await unprotected(connection)
    finally:
        await engine.dispose()


def test_there_and_back_again(
    database_url: str,
    empty_database_url: str,
    elasticsearch_url: str,
    index_prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def installed(name: str, dsn: str) -> Path:
        for variable, value in (
            ("DATA_FOLDER", str(tmp_path / name)),
            ("DATABASE_URL", dsn),
            ("ELASTICSEARCH_URL", elasticsearch_url),
            ("INDEX_PREFIX", index_prefix),
        ):
            monkeypatch.setenv(f"THREEGATES_{variable}", value)
        return tmp_path / name

    here = installed("here", database_url)
    for folder, name in (("keys", "tip-pepper"), ("keys", "installation-key"), ("tip-keys", "2026-11.key")):
        (here / folder).mkdir(parents=True, exist_ok=True)
        (here / folder / name).write_bytes(os.urandom(32))
    (tmp_path / "word").write_text(WORD)
    content, recipient = new_key_file(WORD)
    (tmp_path / "key.age").write_bytes(content)
    key = ("--key", tmp_path / "key.age", "--passphrase-file", tmp_path / "word")

    # It says what is in it and what is not, and that a file in the clear is one.
    said = _call("backup", tmp_path / "plain.backup")
    assert "未加密" in said and "outer keys" in said and "tip-pepper" in said
    with tarfile.open(tmp_path / "plain.backup") as archive:
        names = {name for name in archive.getnames() if not name.startswith("register.dump/")}
    assert names == {
        "threegates-backup", "files/keys/installation-key", "files/keys/tip-pepper", MANIFEST, MANIFEST_HASH,
    }  # fmt: skip
    assert (tmp_path / "plain.backup").stat().st_mode & 0o077 == 0
    assert "未加密" not in _call("backup", tmp_path / "sealed.backup", "--to", recipient)
    assert "such a file already" in _call("backup", tmp_path / "sealed.backup")
    assert "no public key" in _call("backup", tmp_path / "other.backup", "--to", "age1nobody")
    noted = "SELECT count(*) FROM audit_entries WHERE action = 'register.{}'"
    assert asyncio.run(_asked(database_url, noted.format("back_up"))) == 2
    assert not list(tmp_path.glob(".*"))

    # What is not right is refused before anything is touched.
    installed("there", empty_database_url)
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff" * 9_000)
    with writing(tmp_path / "newer.backup", []) as archive:
        put(archive, "register.dump/000001", b"")
    newer = (tmp_path / "newer.backup").read_bytes()
    (tmp_path / "newer.backup").write_bytes(newer.replace(b"1\n", b"9\n", 1))
    for arguments, words in (
        ((tmp_path / "photo.jpg",), "no backup of threegates"),
        ((tmp_path / "nowhere",), "cannot be read"),
        ((tmp_path / "newer.backup",), "A newer threegates"),
        ((tmp_path / "sealed.backup",), "The backup is sealed"),
        ((tmp_path / "sealed.backup", "--key", tmp_path / "photo.jpg", *key[2:]), "no key"),
    ):
        assert words in _call("restore", *arguments)
    installed("here", database_url)
    assert "not empty" in _call("restore", tmp_path / "plain.backup", "--without-search")
    other = installed("other", empty_database_url)
    (other / "keys").mkdir(parents=True)
    (other / "keys" / "tip-pepper").write_bytes(os.urandom(32))
    assert "a file of its own" in _call("restore", tmp_path / "plain.backup", "--without-search")
    tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    assert asyncio.run(_asked(empty_database_url, tables)) == 0

    there = installed("there", empty_database_url)
    assert "whole: True" in _call("restore", tmp_path / "sealed.backup", *key, "--check")
    told = _call("restore", tmp_path / "sealed.backup", *key)
    assert "audit holds: True" in told and "search:" in told
    for name in ("keys/tip-pepper", "keys/installation-key"):
        assert (there / name).read_bytes() == (here / name).read_bytes()
        assert (there / name).stat().st_mode & 0o077 == 0
    assert not (there / "tip-keys").exists()
    assert asyncio.run(_shut(empty_database_url)) == {}
    assert asyncio.run(_asked(empty_database_url, noted.format("restore"))) == 1
    for cache in (settings, database.engine, client.servers):
        cache.cache_clear()
