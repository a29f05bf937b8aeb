"""The second factor: codes of an authenticator that are taken once, and recovery codes that replace one once."""

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Final

import pyotp

from registry.installation_key import seal, unseal

ISSUER: Final = "threegates"
STEP_SECONDS: Final = 30
RECOVERY_CODES: Final = 10
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"


def new_secret() -> str:
    """A secret for an authenticator, in its Base32 form."""
    return pyotp.random_base32()


def sealed_secret(secret: str, account_id: int) -> bytes:
    """The secret as it is kept; it opens for this account only."""
    return seal(secret.encode(), f"totp:{account_id}")


def opened_secret(sealed: bytes, account_id: int) -> str | None:
    """The secret of an account, or None where the installation's key has changed."""
    opened = unseal(sealed, f"totp:{account_id}")
    return None if opened is None else opened.decode()


def address_of_secret(secret: str, login: str) -> str:
    """What the QR code says: otpauth://totp/…"""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)


def step_of_code(secret: str, code: str, now: datetime, last_step: int) -> int | None:
    """The step of a code that is right now or one step beside, and later than the last one taken; else None."""
    given = "".join(code.split())
    current = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in (current - 1, current, current + 1):
        # All three are compared, whichever fits.
        expected = pyotp.TOTP(secret).at(step * STEP_SECONDS)
        if hmac.compare_digest(expected.encode(), given.encode()) and step > last_step:
            found = step
    return found


def new_recovery_codes() -> list[str]:
    """Codes to be shown once: ten, each of 28 characters (138 bits, so that a plain hash keeps them: ASVS 6.5.2)."""
    return [
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(7)) for _ in range(RECOVERY_CODES)
    ]


def hash_of_recovery_code(code: str) -> str:
    """The hash under which a recovery code is kept; it is random, so a plain hash cannot be guessed back."""
    plain = "".join(letter for letter in code.lower() if letter in _LETTERS)
    return hashlib.sha256(plain.encode()).hexdigest()
