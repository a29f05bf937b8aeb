"""Passwords: argon2id, and what a new one must be (NIST SP 800-63B: length and a list, no rules of composition)."""

import asyncio
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from registry.errors import BadInput
from registry.settings import settings

SHORTEST: Final = 12
LONGEST: Final = 128
# So much must be left of a password when names, words of the house and common pieces are taken out.
_LEFT: Final = 6
# What stands around everybody here, and what guessers therefore try (docs/security.md, 6.1.2).
HOUSE_WORDS: Final = (
    *("threegates", "three gates", "sandaozhamen", "zhamen", "register", "dengjibu", "password", "admin", "mima"),
    *("三道闸门", "闸门", "登记簿", "发展改革委", "发改委", "自然资源", "生态环境", "金融监管", "密码", "管理员"),
)
# No 0, O, 1, l, I: a one-time password is read from paper.
_READABLE: Final = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_HASHER: Final = PasswordHasher()
# Each check takes 64 MiB and a tenth of a second: so many at once.
_AT_ONCE: Final = asyncio.Semaphore(4)


def _shipped(name: str) -> list[str]:
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("# ")]


@lru_cache(maxsize=1)
def common_pieces() -> frozenset[str]:
    """What common passwords are put together from, and the words of this house, in small letters."""
    return frozenset(HOUSE_WORDS).union(*(line.split() for line in _shipped("common_pieces.txt")))


@lru_cache(maxsize=1)
def common_passwords() -> frozenset[str]:
    """Passwords that are tried first by whoever guesses, in small letters."""
    lines = _shipped("common_passwords.txt")
    if (password_list := settings().password_list) is not None:
        lines += password_list.read_text(encoding="utf-8", errors="replace").splitlines()
    return frozenset(line.strip().lower() for line in lines if line.strip())


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
    left = plain
    for word in sorted({name.lower() for name in names if len(name) > 3} | common_pieces(), key=len, reverse=True):
        left = left.replace(word, "")
    named = left != plain and len(left) < _LEFT
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


def is_outdated(password_hash: str) -> bool:
    """Whether a hash was made with other parameters than today's: it is renewed when its password is shown."""
    return _HASHER.check_needs_rehash(password_hash)


def _fits(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash or _nobody(), password) and bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False


def one_time_password() -> str:
    """A random password to be replaced at the first sign-in: four groups of five."""
    return "-".join("".join(secrets.choice(_READABLE) for _character in range(5)) for _group in range(4))
