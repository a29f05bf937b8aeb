"""Sealed parts as files on an officer's own machine: opened, sealed again, answered; needs no database."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyrage
from pyrage.x25519 import Identity

from registry.errors import BadFile, Conflict
from registry.tips.sealing import CannotOpen, Header, Opened, is_recipient, open_layer, seal_bytes, unwrap
from registry.tips.threads import LARGEST_ANSWER

_AGE: Final = b"age-encryption.org/v1\n"
# Names under which a file could do something by being put down.
_KEPT: Final = 100


@dataclass(frozen=True, slots=True)
class DeskGroups:
    """A desk's present public keys, as /tip-keys/DESK.json gives them."""

    two_people: bool
    group_a: tuple[str, ...]
    group_b: tuple[str, ...]

    def layers(self) -> list[list[str]]:
        """What a part is sealed to, the innermost first."""
        if self.two_people:
            return [list(self.group_a), list(self.group_b)]
        return [[*self.group_a, *self.group_b]]


def read_groups(content: bytes, where: str) -> DeskGroups:
    """The desk's keys from the file that its page gives."""
    try:
        said: dict[str, Any] = json.loads(content)
        groups = DeskGroups(bool(said["two_people"]), tuple(said["A"]), tuple(said["B"]))
    except (ValueError, KeyError, TypeError):
        raise BadFile("This is no list of a desk's keys.", where=where, remedy="Save /tip-keys/DESK.json.") from None
    if not groups.group_a or not all(is_recipient(str(one)) for one in (*groups.group_a, *groups.group_b)):
        raise BadFile("This is no list of a desk's keys.", where=where, remedy="Save /tip-keys/DESK.json.")
    return groups


def without_seals(sealed: bytes, identities: Sequence[Identity]) -> bytes:
    """As many layers less as these keys open: the envelope, or what only the second person's key opens further.

    CannotOpen where they open none.
    """
    left = open_layer(sealed, identities)
    while left.startswith(_AGE):
        try:
            left = open_layer(left, identities)
        except CannotOpen:
            return left
    return left


def is_sealed(content: bytes) -> bool:
    """Whether it is still sealed."""
    return content.startswith(_AGE)


def opened(sealed: bytes, identities: Sequence[Identity]) -> Opened:
    """A part's content; Conflict where a second person's key is needed too."""
    left = without_seals(sealed, identities)
    if is_sealed(left):
        raise Conflict(
            "One seal is off; another person's key is needed too.",
            remedy="Give both keys, or hand on what --half writes: it is still sealed to your colleague.",
        )
    return unwrap(left)


def sealed_again(sealed: bytes, identities: Sequence[Identity], groups: DeskGroups) -> bytes:
    """A part sealed to other keys; nothing of it is written unsealed."""
    left = without_seals(sealed, identities)
    if is_sealed(left):
        raise Conflict("One seal is off; another person's key is needed too.", remedy="Give both keys.")
    for layer in groups.layers():
        left = bytes(pyrage.encrypt(left, [pyrage.x25519.Recipient.from_str(one) for one in layer]))
    return left


def sealed_answer(said: str, recipients: Sequence[str]) -> bytes:
    """An answer for a receipt's key (and the desk's own, to read it again)."""
    content = said.strip().encode()
    if not content or len(content) > LARGEST_ANSWER:
        raise BadFile(f"An answer has 1 to {LARGEST_ANSWER} bytes.", remedy="Write it in two answers.")
    return seal_bytes(Header("answer"), content, [list(recipients)])


def safe_name(name: str, fallback: str) -> str:
    """A reporter's file name without anything that leads elsewhere or runs."""
    plain = "".join(c if c.isalnum() or c in "._- " else "_" for c in name.replace("\\", "/").rsplit("/", 1)[-1])
    return plain.strip(". ")[-_KEPT:] or fallback
