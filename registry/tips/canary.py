"""The signed statement of /reports: which keys reports are sealed to on a day, verifiable without this server.

It is signed with the installation's Ed25519 key, the one that signs gate receipts. It proves that this installation
said so on that day, to whoever kept the public key; it does not prove that nobody made it say so.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import orjson

from registry.errors import BadFile
from registry.gate.receipts import LARGEST, sign
from registry.gate.signing import SigningKey
from registry.reading import Row

FORMAT: Final = "threegates-canary/1"
_OF_KEY: Final = ("organisation_id", "key_group", "recipient", "fingerprint", "since", "until", "confirmed", "demo")
_OF_MONTH: Final = ("month", "fingerprint", "destroy_on", "destroyed_on")


def signed_statement(
    keys: Sequence[Row], months: Sequence[Row], intake: str | None, today: date, key: SigningKey
) -> bytes:
    """The statement of a day as JSON with its signature; `intake` is the address at which the public reports."""
    said = {
        "format": FORMAT,
        "day": today.isoformat(),
        "intake": intake,
        "keys": [_written(one, _OF_KEY) for one in keys],
        "months": [_written(one, _OF_MONTH) for one in months],
    }
    return sign(said, key.private, key.name)


def read_statement(content: bytes, where: str) -> dict[str, Any]:
    """The statement of a file; BadFile where it is none."""
    try:
        said: Any = orjson.loads(content[:LARGEST].removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise BadFile(
            "The file is no signed statement of keys.", where=where, remedy="Save /reports/signed.json as it is given."
        )
    return said


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What is otherwise than in an earlier statement: (new, gone or changed; whose; fingerprint)."""
    old, new = _by_fingerprint(before), _by_fingerprint(now)
    found = [("new", new[mark]["whose"], mark) for mark in new.keys() - old.keys()]
    found += [("gone", old[mark]["whose"], mark) for mark in old.keys() - new.keys()]
    found += [("changed", new[mark]["whose"], mark) for mark in new.keys() & old.keys() if new[mark] != old[mark]]
    return sorted(found)


def _by_fingerprint(said: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    keys = {str(one["fingerprint"]): {**one, "whose": str(one["organisation_id"])} for one in said["keys"]}
    return keys | {str(one["fingerprint"]): {**one, "whose": str(one["month"])} for one in said["months"]}


def _written(row: Row, names: Sequence[str]) -> dict[str, Any]:
    return {name: one.isoformat() if isinstance(one := row[name], date) else one for name in names}
