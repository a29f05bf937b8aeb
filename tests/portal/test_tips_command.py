"""`threegates tips` on an officer's own machine: keys, opening by one and by two, answers, sealing again, cleaning."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from portal.commands import application
from registry.tips.private_keys import read_key_file
from registry.tips.receipts import new_receipt
from registry.tips.sealing import CannotOpen, Header, open_sealed, seal_bytes

PASSPHRASE = "five words that do not belong"


def _call(*arguments: str | Path, typed: str = "") -> Result:
    return CliRunner().invoke(application("tips"), ["tips", *map(str, arguments)], input=typed)


def _jpeg() -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "TGSECRET"
    Image.new("RGB", (20, 10)).save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_an_officer_works_without_database_and_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREEGATES_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    word = tmp_path / "word"
    word.write_text(f"{PASSPHRASE}\n")
    made = {}
    for name in ("a", "b"):
        result = _call("keys", "new", tmp_path / f"{name}.age", "--passphrase-file", word)
        assert result.exit_code == 0
        made[name] = next(one for one in result.output.split() if one.startswith("age1"))
    # A key that is there is never written over.
    assert _call("keys", "new", tmp_path / "a.age", "--passphrase-file", word).exit_code != 0
    assert (tmp_path / "a.age").stat().st_mode & 0o077 == 0
    with pytest.raises(CannotOpen):
        read_key_file((tmp_path / "a.age").read_bytes(), "another passphrase")
    key = read_key_file((tmp_path / "a.age").read_bytes(), PASSPHRASE)
    assert str(key.to_public()) == made["a"]

    layers = [[made["a"]], [made["b"]]]
    said = json.dumps({"what": "夜里打桩 TGMARK", "place": {"name": "示例县"}}).encode()
    (tmp_path / "text.age").write_bytes(seal_bytes(Header("report"), said, layers))
    (tmp_path / "file.age").write_bytes(seal_bytes(Header("file", "../../夜 班.jpg"), _jpeg(), layers))
    a = ("--key", tmp_path / "a.age", "--passphrase-file", word)
    b = ("--key", tmp_path / "b.age", "--passphrase-file", word)
    both = _call("open", tmp_path / "text.age", tmp_path / "file.age", *b, *a, "--to", tmp_path / "opened")
    assert both.exit_code == 0 and "夜里打桩 TGMARK" in both.output and "示例县" in both.output
    # A name that leads elsewhere leads nowhere.
    assert [one.name for one in (tmp_path / "opened").iterdir()] == ["夜 班.jpg"]
    assert not list(tmp_path.parent.glob("*.jpg"))
    # Apart: the first takes off their seal, and what is handed on is still sealed.
    assert _call("open", tmp_path / "text.age", *b).exit_code != 0
    assert _call("open", tmp_path / "text.age", *b, "--half").exit_code == 0
    half = tmp_path / "text.half.age"
    assert b"TGMARK" not in half.read_bytes()
    assert "TGMARK" in _call("open", half, *a).output

    # Somebody left: sealed again to who is there now.
    (tmp_path / "desk.json").write_text(json.dumps({"two_people": False, "A": [made["a"]], "B": []}))
    again = ("reseal", tmp_path / "text.age", *b, *a, "--desk", tmp_path / "desk.json", "--to", tmp_path / "again")
    assert _call(*again).exit_code == 0
    assert open_sealed((tmp_path / "again" / "text.age").read_bytes(), [[key]]).content == said

    receipt = new_receipt()
    answer = ("answer", receipt.recipient, made["a"], "--to", tmp_path / "answer.age")
    assert _call(*answer, typed="已收到。").exit_code == 0
    sealed = (tmp_path / "answer.age").read_bytes()
    for identity in (receipt.identity, key):
        assert open_sealed(sealed, [[identity]]).content.decode() == "已收到。"

    (tmp_path / "opened" / "notes.txt").write_text("plain")
    files = sorted((tmp_path / "opened").iterdir())
    assert _call("clean", *files, "--to", tmp_path / "clean").exit_code == 1  # one was refused
    copies = list((tmp_path / "clean").iterdir())
    assert [one.name for one in copies] == ["夜 班.cleaned.jpg"] and b"TGSECRET" not in copies[0].read_bytes()
    assert b"TGSECRET" in (tmp_path / "opened" / "夜 班.jpg").read_bytes()
