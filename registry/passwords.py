"""Passwords: argon2id, and what a new one must be (NIST SP 800-63B: length and a list, no rules of composition)."""

import asyncio
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from registry.errors import BadInput

SHORTEST: Final = 12
LONGEST: Final = 128
# No 0, O, 1, l, I: a one-time password is read from paper.
_READABLE: Final = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_HASHER: Final = PasswordHasher()
# Each check takes 64 MiB and a tenth of a second: so many at once.
_AT_ONCE: Final = asyncio.Semaphore(4)


@lru_cache(maxsize=1)
def common_passwords() -> frozenset[str]:
    """Passwords that are tried first by whoever guesses, in small letters."""
    lines = Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip().lower() for line in lines if line.strip() and not line.startswith("#"))


@lru_cache(maxsize=1)
def _nobody() -> str:
    """A hash that no password fits: who has no account waits as long as who has one."""
    return _HASHER.hash(secrets.token_hex(32))


def check_new_password(password: str, *names: str) -> None:
    """Raise BadInput for a password that may not be chosen; `names` are the login and the name of the person."""
    if len(password) < SHORTEST:
        raise BadInput(
            f"A password has at least {SHORTEST} characters.", where="new_password", remedy="Take several words."
        )
    if len(password) > LONGEST:
        raise BadInput(f"A password has at most {LONGEST} characters.", where="new_password")
    plain = password.lower()
    repeated = len(set(plain)) < 5
    named = any(name and len(name) > 3 and name.lower() in plain and len(plain) < len(name) + 6 for name in names)
    if plain in common_passwords() or repeated or named:
        raise BadInput(
            "This password is easily guessed.",
            where="new_password",
            remedy="Take several words that are not connected.",
        )


async def hash_password(password: str) -> str:
    """The argon2id hash with its parameters."""
    async with _AT_ONCE:
        return await asyncio.to_thread(_HASHER.hash, password)


async def fits(password_hash: str, password: str) -> bool:
    """Whether the password is the one of the hash; an empty hash takes as long and never fits."""
    async with _AT_ONCE:
        return await asyncio.to_thread(_fits, password_hash, password[:LONGEST])


def _fits(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash or _nobody(), password) and bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False


def one_time_password() -> str:
    """A random password to be replaced at the first sign-in: four groups of five."""
    return "-".join("".join(secrets.choice(_READABLE) for _character in range(5)) for _group in range(4))
