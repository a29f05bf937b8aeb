"""Receipts: a JSON document signed with Ed25519 over its canonical form, which anybody can verify offline.

What is signed is the document without its member `signature`, as UTF-8 JSON with sorted keys and no white space
(RFC 8785; it holds texts, whole numbers, true, false and null only).
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from registry.errors import BadFile, BadInput

FORMAT: Final = "threegates-gate-receipt/1"
ALGORITHM: Final = "Ed25519"
LARGEST: Final = 1024 * 1024


class BadSignature(BadInput):
    """The receipt was not signed by the key it names, or was changed afterwards."""

    title = "The receipt is not genuine"


def canonical(document: Mapping[str, Any]) -> bytes:
    """The bytes that are signed."""
    return orjson.dumps(
        {name: value for name, value in document.items() if name != "signature"}, option=orjson.OPT_SORT_KEYS
    )


def plain(value: Any) -> Any:
    """A value as a receipt may hold it: numbers that are not whole become text, so that every reader reads the same."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float | Decimal):
        return f"{Decimal(str(value)):f}"
    return value


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of the public key."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def key_id(public_key: bytes) -> str:
    """The name of a key: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def sign(document: dict[str, Any], key: Ed25519PrivateKey, name: str) -> bytes:
    """The receipt: the document with its signature, as bytes."""
    value = base64.b64encode(key.sign(canonical(document))).decode()
    return orjson.dumps({**document, "signature": {"algorithm": ALGORITHM, "key": name, "value": value}})


def read_receipt(content: bytes) -> dict[str, Any]:
    """The document of a receipt; raises BadFile where it is none."""
    remedy = "Save the receipt again as it was given (JSON)."
    if len(content) > LARGEST:
        raise BadFile("The file is too large for a receipt.", remedy=remedy)
    try:
        document = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        raise BadFile("The file is not JSON.", remedy=remedy) from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadFile("The file is no receipt of a gate check.", remedy=remedy)
    return document


def verify(document: Mapping[str, Any], published: Mapping[str, bytes]) -> str:
    """The name of the key that signed the document; raises BadSignature, or BadInput where the key is not published."""
    signature = document.get("signature")
    if not isinstance(signature, dict) or not {"algorithm", "key", "value"} <= signature.keys():
        raise BadSignature("The receipt bears no signature.", remedy="Ask for the receipt again at its address.")
    name = signature["key"]
    if signature["algorithm"] != ALGORITHM or not isinstance(name, str):
        raise BadSignature("The receipt bears no signature.", remedy="Ask for the receipt again at its address.")
    if name not in published:
        raise BadInput(
            "The key that signed this receipt is not among the published ones.",
            remedy="Fetch the published keys from /gate-check/keys.json of the register that gave the receipt.",
        )
    try:
        value = base64.b64decode(str(signature["value"]), validate=True)
        Ed25519PublicKey.from_public_bytes(published[name]).verify(value, canonical(document))
    except (InvalidSignature, binascii.Error, ValueError, TypeError):
        raise BadSignature(
            "The signature does not fit: the receipt was changed, or was not given by this register.",
            remedy="Do not rely on it; fetch the receipt again at its address.",
        ) from None
    return name


def read_published(content: bytes) -> dict[str, bytes]:
    """Published keys by name, from the file that /gate-check/keys.json gives; raises BadFile."""
    remedy = "Fetch it again from /gate-check/keys.json."
    try:
        keys = {
            str(one["id"]): base64.b64decode(one["public_key"], validate=True) for one in orjson.loads(content)["keys"]
        }
    except (ValueError, KeyError, TypeError):
        raise BadFile("The file holds no published keys.", remedy=remedy) from None
    for name, key in keys.items():
        if len(key) != 32 or key_id(key) != name:
            raise BadFile("A published key does not fit its name.", remedy=remedy)
    return keys
