"""The months' outer keys: files in a folder outside the database and its backups, destroyed on schedule.

Every sealed part is sealed once more to the key of its month. Once that file is destroyed nobody reads the month's
parts again, wherever copies of the database are kept; to read longer, a part is sealed again to a later month.
"""

import os
import re
import secrets
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Final

from pyrage import IdentityError
from pyrage.x25519 import Identity

from registry.errors import BadInput, BadSetting, NotFound
from registry.private_files import made_once
from registry.settings import settings

_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def key_folder() -> Path:
    """THREEGATES_TIP_KEY_FOLDER, or `tip-keys` in the data folder: to be left out of every backup."""
    return settings().tip_key_folder or settings().data_folder / "tip-keys"


def month_of(day: date) -> str:
    """The month whose key a part of that day is sealed to."""
    return f"{day:%Y-%m}"


def destroy_on(month: str) -> date:
    """The day on which a month's key is due to be destroyed: THREEGATES_TIP_MONTHS whole months after its end."""
    year, number = int(month[:4]), int(month[5:]) - 1 + settings().tip_months + 1
    return date(year + number // 12, number % 12 + 1, 1)


def outer_recipient(today: date) -> str:
    """The public key of today's month; the first call of a month makes the key."""
    path = _path(month_of(today))
    if not path.exists():
        made_once(path, str(Identity.generate()).encode())
    return str(_read(path).to_public())


def outer_identity(month: str) -> Identity:
    """The private key of a month; NotFound once it was destroyed."""
    path = _path(month)
    if not path.exists():
        raise NotFound(
            "The key of that month was destroyed: what was sealed to it cannot be read any more.", where=month
        )
    return _read(path)


def kept_months() -> list[str]:
    """The months whose keys are there, oldest first."""
    return sorted(path.stem for path in key_folder().glob("*.key") if _MONTH.fullmatch(path.stem))


def destroy(month: str) -> None:
    """Overwrite a month's key and remove it. What a disk keeps of it all the same: docs/threat-model-reporters.md."""
    path = _path(month)
    with suppress(FileNotFoundError):
        with path.open("r+b") as stream:
            stream.write(secrets.token_bytes(path.stat().st_size))
            stream.flush()
            os.fsync(stream.fileno())
        path.unlink()


def _path(month: str) -> Path:
    if not _MONTH.fullmatch(month):
        raise BadInput("A month has the form 2026-11.", where=month)
    return key_folder() / f"{month}.key"


def _read(path: Path) -> Identity:
    try:
        return Identity.from_str(path.read_text(encoding="ascii"))
    except OSError as error:
        raise BadSetting(f"The outer key of a month cannot be read ({error.strerror}).", where=str(path)) from error
    except (IdentityError, ValueError):
        # Its own words would repeat the key.
        raise BadSetting("The outer key of a month is damaged.", where=str(path)) from None
