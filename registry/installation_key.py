"""The installation's own key: made at first start, in the data folder for its owner alone; it seals small secrets."""

import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from registry.errors import BadSetting
from registry.private_files import made_once
from registry.settings import settings

_NONCE: Final = 12
# The first byte of what is sealed: by what, so that another cipher can follow (1: AES-256-GCM).
_FORM: Final = b"\x01"


def key_path() -> Path:
    """Where the key lies; lost, every one-time code has to be set up again."""
    return settings().data_folder / "keys" / "installation-key"


def _key() -> bytes:
    path = key_path()
    key = made_once(path, AESGCM.generate_key(256))
    if len(key) != 32:
        raise BadSetting("The installation's key is damaged.", where=str(path), remedy="Put it back from the backup.")
    return key


def seal(secret: bytes, purpose: str) -> bytes:
    """The secret encrypted; it opens for the same purpose only ("totp:17")."""
    nonce = secrets.token_bytes(_NONCE)
    return _FORM + nonce + AESGCM(_key()).encrypt(nonce, secret, purpose.encode())


def derived(purpose: str) -> bytes:
    """A key of its own for one purpose, for what is signed and not sealed."""
    return HKDF(hashes.SHA256(), 32, None, purpose.encode()).derive(_key())


def unseal(sealed: bytes, purpose: str) -> bytes | None:
    """What was sealed for this purpose, or None where it was not, or was changed."""
    if sealed[:1] != _FORM:
        return None
    nonce, content = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        return AESGCM(_key()).decrypt(nonce, content, purpose.encode())
    except (InvalidTag, ValueError):
        return None
