"""Receipts: 12 Chinese characters or 12 English words (128 bits and a checksum), and what is derived from them.

The same receipt can be written in either language. Nothing of it is stored: the database has a keyed hash of one
derived secret, and the public half of another, to which answers are sealed.
"""

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from bech32 import bech32_encode, convertbits
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from mnemonic import Mnemonic
from pyrage.x25519 import Identity

from registry.errors import BadSetting
from registry.private_files import made_once
from registry.settings import settings

# The page's script derives the same: portal/static/tips/receipt.js.
SALT: Final = b"threegates tips 1"
LOOKUP: Final = b"lookup"
ANSWERS: Final = b"answers"
WORDS: Final = 12
_BITS: Final = 128
_LISTS: Final = {"zh": "chinese_simplified", "en": "english"}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt opens; `entropy` is the receipt itself."""

    entropy: bytes

    @property
    def lookup(self) -> bytes:
        """The secret under which the thread is found; 32 bytes."""
        return _derive(self.entropy, LOOKUP)

    @property
    def identity(self) -> Identity:
        """The private key that opens answers."""
        five_bits = convertbits(_derive(self.entropy, ANSWERS), 8, 5)
        assert five_bits is not None  # noqa: S101  # 32 whole bytes always convert
        return Identity.from_str(bech32_encode("age-secret-key-", five_bits).upper())

    @property
    def recipient(self) -> str:
        """The public key (age1…) to which answers are sealed."""
        return str(self.identity.to_public())

    def words(self, language: Literal["zh", "en"]) -> list[str]:
        """The receipt as it is shown: 12 characters or 12 words."""
        return _list(language).to_mnemonic(self.entropy).split(" ")

    def __repr__(self) -> str:
        """Nothing of the secret."""
        return "Receipt(…)"


def new_receipt() -> Receipt:
    """A receipt that nobody else has."""
    return Receipt(secrets.token_bytes(_BITS // 8))


def read_receipt(written: str) -> Receipt | None:
    """The receipt somebody typed, in either language, with any spacing; None where it cannot be one."""
    plain = unicodedata.normalize("NFKC", written[:400]).casefold()
    chinese = [character for character in plain if "\u4e00" <= character <= "\u9fff"]
    words = chinese or "".join(c if c.isascii() and c.isalpha() else " " for c in plain).split()
    if len(words) != WORDS:
        return None
    try:
        return Receipt(bytes(_list("zh" if chinese else "en").to_entropy(words)))
    except (ValueError, LookupError):
        return None


def decoy_receipt() -> Receipt:
    """A receipt of nothing: what cannot be one is looked up all the same, so that it takes as long."""
    return new_receipt()


def lookup_hash(lookup: bytes) -> bytes:
    """The keyed hash under which a thread is stored."""
    return hmac.digest(_pepper(), lookup, hashlib.sha256)


def pepper_path() -> Path:
    """Where the key of the hashes lies; lost, no receipt finds its report any more."""
    return settings().data_folder / "keys" / "tip-pepper"


def _derive(entropy: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, SALT, purpose).derive(entropy)


@lru_cache(maxsize=2)
def _list(language: str) -> Mnemonic:
    return Mnemonic(_LISTS[language])


def _pepper() -> bytes:
    path = pepper_path()
    pepper = made_once(path, secrets.token_bytes(32))
    if len(pepper) != 32:
        raise BadSetting("The key of the receipts is damaged.", where=str(path), remedy="Put it back from the backup.")
    return pepper
