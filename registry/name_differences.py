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
    """The pieces of both names; whatever is written with other characters but means the same is `written`."""
    one, other = one[:LONGEST], other[:LONGEST]
    ones, others = _seen(one), _seen(other)
    # What nobody sees is left out of comparing, and shown where it stands.
    left = [place for place, (_character, normal) in enumerate(ones) if normal]
    right = [place for place, (_character, normal) in enumerate(others) if normal]
    steps = SequenceMatcher(None, [ones[at][1] for at in left], [others[at][1] for at in right], autojunk=False)
    kinds: list[Kind] = ["unseen" if not normal else "differs" for _character, normal in ones]
    other_kinds: list[Kind] = ["unseen" if not normal else "differs" for _character, normal in others]
    for start, other_start, length in steps.get_matching_blocks():
        for at, other_at in zip(left[start : start + length], right[other_start : other_start + length], strict=True):
            kinds[at] = other_kinds[other_at] = "same" if ones[at][0] == others[other_at][0] else "written"
    given, registered = normalise(one), normalise(other)
    undone = disguises(given, registered) | (given.signals - registered.signals)
    return NamePair(
        one=_join(ones, kinds),
        other=_join(others, other_kinds),
        equal=given.text == registered.text,
        undone=sorted(undone),
        disguised=bool(undone & DISGUISES),
    )


def _seen(text: str) -> list[tuple[str, str]]:
    """Each character with its normal form, which is empty for what is not seen or does not count (brackets, spaces)."""
    return [(character, normalise(character).text) for character in text]


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in ("Cf", "Cc", "Mn", "Me", "Co", "Cn") or character in "\u3164\u115f\u1160"


def _join(seen: list[tuple[str, str]], kinds: list[Kind]) -> list[Piece]:
    """Neighbours of one kind as one piece; the unseen named by its code point, since it would not show."""
    joined: list[Piece] = []
    for (character, _normal), kind in zip(seen, kinds, strict=True):
        if kind == "unseen" and _is_unseen(character):
            joined.append(Piece(text=f"U+{ord(character):04X}", kind="unseen"))
            continue
        # Brackets, spaces and punctuation are seen and do not count.
        kind = "written" if kind == "unseen" else kind
        if joined and joined[-1].kind == kind:
            joined[-1] = Piece(text=joined[-1].text + character, kind=kind)
        else:
            joined.append(Piece(text=character, kind=kind))
    return joined
