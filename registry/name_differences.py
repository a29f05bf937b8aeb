"""Two names held side by side: which characters differ, which are only written otherwise, and which nobody sees."""

import unicodedata
from difflib import SequenceMatcher
from typing import Final, Literal

from pydantic import BaseModel

from registry.names import DISGUISES, disguises, normalise

Kind = Literal["same", "differs", "written", "unseen"]

# Longer texts are no names, and comparing grows with the square of the length.
LONGEST: Final = 300


class Piece(BaseModel):
    """A part of a name: `same` in both, `differs`, `written` otherwise but meaning the same, `unseen` by the eye."""

    text: str
    kind: Kind


class NamePair(BaseModel):
    """Two names in pieces, and what had to be undone to compare them (registry.names)."""

    one: list[Piece]
    other: list[Piece]
    equal: bool  # after normalising
    undone: list[str]
    disguised: bool  # what was undone is what a person does to hide a name


def compare_names(one: str, other: str) -> NamePair:
    """The pieces of both names; whatever is written with other characters but normalises alike is `written`."""
    one, other = one[:LONGEST], other[:LONGEST]
    ones: list[Piece] = []
    others: list[Piece] = []
    for step, start, end, other_start, other_end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        left, right = one[start:end], other[other_start:other_end]
        kind: Kind = "same"
        if step != "equal":
            kind = "written" if normalise(left).text == normalise(right).text else "differs"
        ones += _pieces(left, kind)
        others += _pieces(right, kind)
    given, registered = normalise(one), normalise(other)
    undone = disguises(given, registered) | (given.signals - registered.signals)
    return NamePair(
        one=_join(ones),
        other=_join(others),
        equal=given.text == registered.text,
        undone=sorted(undone),
        disguised=bool(undone & DISGUISES),
    )


def _pieces(text: str, kind: Kind) -> list[Piece]:
    """The text with unseen characters named by their code points, since they would not show."""
    return [
        Piece(text=f"U+{ord(character):04X}", kind="unseen")
        if unicodedata.category(character) in ("Cf", "Cc", "Mn", "Me", "Co", "Cn") or character in "\u3164\u115f\u1160"
        else Piece(text=character, kind=kind)
        for character in text
    ]


def _join(pieces: list[Piece]) -> list[Piece]:
    joined: list[Piece] = []
    for piece in pieces:
        if joined and joined[-1].kind == piece.kind and piece.kind != "unseen":
            joined[-1] = Piece(text=joined[-1].text + piece.text, kind=piece.kind)
        else:
            joined.append(piece)
    return joined
