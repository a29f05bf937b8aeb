"""A receipt verifies with the published key alone; any change to it shows."""

import base64
import copy
import json
import stat
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from registry.errors import BadFile, BadInput, BadSetting
from registry.gate.receipts import (
    FORMAT,
    BadSignature,
    key_id,
    plain,
    public_bytes,
    read_published,
    read_receipt,
    sign,
    verify,
)
from registry.gate.signing import _make, read_key

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = public_bytes(KEY)
NAME = key_id(PUBLIC)
DOCUMENT: dict[str, Any] = {
    "format": FORMAT,
    "answer": "allow",
    "answer_zh": "可以办理",
    "reasons": [{"codes": []}],
    "holds_until": None,
}


def receipt() -> dict[str, Any]:
    return read_receipt(sign(dict(DOCUMENT), KEY, NAME))


def test_a_receipt_verifies_however_its_json_is_written() -> None:
    assert verify(receipt(), {NAME: PUBLIC}) == NAME
    pretty = json.dumps(receipt(), ensure_ascii=True, indent=4).encode()
    assert verify(read_receipt(b"\xef\xbb\xbf" + pretty), {NAME: PUBLIC}) == NAME


@pytest.mark.parametrize("change", [{"answer": "refuse"}, {"holds_until": "2099-01-01"}, {"more": 1}, {"reasons": []}])
def test_a_changed_receipt_is_not_genuine(change: dict[str, Any]) -> None:
    with pytest.raises(BadSignature, match="does not fit"):
        verify({**receipt(), **change}, {NAME: PUBLIC})


@pytest.mark.parametrize(
    "change",
    [
        {"value": base64.b64encode(bytes(64)).decode()},
        {"value": "no base64 at all"},
        {"value": ""},
        {"value": None},
        {"algorithm": "none"},
        {"key": 7},
    ],
)
def test_a_changed_signature_is_not_genuine(change: dict[str, Any]) -> None:
    changed = copy.deepcopy(receipt())
    changed["signature"] |= change
    with pytest.raises(BadSignature):
        verify(changed, {NAME: PUBLIC})
    changed["signature"] = "text"
    with pytest.raises(BadSignature, match="bears no"):
        verify(changed, {NAME: PUBLIC})


def test_another_key_under_the_same_name_does_not_verify() -> None:
    other = public_bytes(Ed25519PrivateKey.generate())
    with pytest.raises(BadSignature):
        verify(receipt(), {NAME: other})
    with pytest.raises(BadInput, match="not among the published") as refused:
        verify(receipt(), {key_id(other): other})
    assert "/gate-check/keys.json" in refused.value.remedy


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": "other/1"}', b"\x00", b"{" * 2000])
def test_what_is_no_receipt_says_so(content: bytes) -> None:
    with pytest.raises(BadFile) as refused:
        read_receipt(content)
    assert refused.value.remedy


def test_numbers_that_are_not_whole_are_text() -> None:
    assert plain({"a": 1.25, "b": [7, True, None, "x"]}) == {"a": "1.25", "b": [7, True, None, "x"]}


def test_published_keys_are_read_and_checked() -> None:
    one = {"id": NAME, "public_key": base64.b64encode(PUBLIC).decode()}
    assert read_published(orjson.dumps({"keys": [one]})) == {NAME: PUBLIC}
    for content in (b"{}", b"x", orjson.dumps({"keys": [{**one, "id": "0" * 16}]})):
        with pytest.raises(BadFile):
            read_published(content)


def test_the_key_is_made_for_its_owner_alone_and_refused_when_others_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "gate" / "key.pem"
    _make(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(path).name == key_id(read_key(path).public)
    open_to_all = tmp_path / "open.pem"
    open_to_all.write_bytes(path.read_bytes())
    open_to_all.chmod(0o644)
    with pytest.raises(BadSetting, match="Others can read"):
        read_key(open_to_all)
    broken = tmp_path / "broken.pem"
    broken.write_text("no key")
    broken.chmod(0o600)
    with pytest.raises(BadSetting, match="no Ed25519"):
        read_key(broken)
    with pytest.raises(BadSetting, match="cannot be read"):
        read_key(tmp_path / "absent.pem")


def test_what_is_signed_is_what_any_json_library_writes() -> None:
    # As docs/gate-check.md tells those who verify without threegates.
    document = receipt()
    signature = document.pop("signature")
    signed = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    Ed25519PublicKey.from_public_bytes(PUBLIC).verify(base64.b64decode(signature["value"]), signed)
