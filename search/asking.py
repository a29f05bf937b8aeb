"""What a person typed, understood: words, codes and numbers, and readings in pinyin."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from registry.errors import BadInput
from registry.identifiers import discharge_permit, eia_number, project_code, supervision_number, uscc
from registry.identifiers.problem import BadIdentifier, Parsed
from registry.names import normalise

MOST_CHARACTERS: Final = 200
MOST_WORDS: Final = 8
MOST_READINGS: Final = 6
# A word longer than any name is cut: every character more is another clause of the query.
LONGEST_WORD: Final = 60

_CODES: Final[tuple[Callable[[str], Parsed], ...]] = (project_code.parse, uscc.parse)
_NUMBERS: Final[tuple[Callable[[str], Parsed], ...]] = (
    eia_number.parse,
    supervision_number.parse,
    discharge_permit.parse,
)
_LATIN: Final = re.compile(r"[\x20-\x7e]+")
_LETTERS: Final = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Word:
    """One word between spaces: as typed, as names are stored, and whether it is written in Latin letters or digits."""

    typed: str
    normal: str
    latin: bool

    @property
    def compact(self) -> str:
        """As codes are indexed: capitals and digits only."""
        return re.sub(r"[^0-9A-Z]", "", self.typed.upper())

    @property
    def pairs(self) -> list[str]:
        """Neighbouring characters: what of a name is still together when something stands between."""
        return [self.normal[i : i + 2] for i in range(len(self.normal) - 1)]


@dataclass(frozen=True, slots=True)
class Asked:
    """A query: its words, the normal form of the whole, and the codes and numbers that it may be."""

    words: tuple[Word, ...]
    normal: str
    codes: tuple[str, ...]
    numbers: tuple[str, ...]


def understand(text: str) -> Asked:
    """Read a query; nothing in it is syntax. Raises BadInput where it is longer than any name or number."""
    if len(text) > MOST_CHARACTERS:
        raise BadInput(
            f"The query has {len(text)} characters; at most {MOST_CHARACTERS} are searched for.",
            where="q",
            remedy="Search for a name, a code or a document number.",
        )
    text = "".join(" " if unicodedata.category(one) in ("Cc", "Cs", "Co", "Cn") else one for one in text).strip()
    typed = [word[:LONGEST_WORD] for word in text.split()[:MOST_WORDS]]
    words = tuple(Word(word, normalise(word).text, bool(_LATIN.fullmatch(word))) for word in typed)
    return Asked(
        words=tuple(word for word in words if word.normal or word.compact),
        normal=normalise(text).text,
        codes=tuple(dict.fromkeys(_parsed(_CODES, text, typed))),
        numbers=tuple(dict.fromkeys(_parsed(_NUMBERS, text, typed))),
    )


def _parsed(parsers: tuple[Callable[[str], Parsed], ...], text: str, words: list[str]) -> Iterator[str]:
    """What the whole text and each word are, if they are identifiers; codes without hyphens, as they are indexed."""
    for candidate in dict.fromkeys([text, *words]):
        for parse in parsers:
            try:
                value = parse(candidate).value
            except BadIdentifier:
                continue
            yield value.replace("-", "") if parsers is _CODES else value


@lru_cache(maxsize=1)
def syllables() -> frozenset[str]:
    """Every syllable of Mandarin without its tone, ü written v.

    A file and not pypinyin's own table, which takes a second to load; a test holds that they agree.
    """
    return frozenset(Path(__file__).with_name("syllables.txt").read_text(encoding="utf-8").split())


@lru_cache(maxsize=1)
def _beginnings() -> frozenset[str]:
    return frozenset(syllable[:length] for syllable in syllables() for length in range(1, len(syllable) + 1))


def readings(letters: str, *, unfinished: bool = True) -> list[str]:
    """How letters may be read as syllables: tangshan -> "tang shan"; xian -> "xian", "xi an".

    With `unfinished` the last syllable may still be being typed. Fewest syllables first, at most MOST_READINGS.
    """
    letters = letters.lower()
    if not _LETTERS.fullmatch(letters) or len(letters) > 40:
        return []
    # ways[i]: the readings of the first i letters in whole syllables
    ways: list[list[list[str]]] = [[[]], *([] for _ in letters)]
    for end in range(1, len(letters) + 1):
        for start in range(max(0, end - 6), end):
            if letters[start:end] in syllables():
                ways[end] += [[*way, letters[start:end]] for way in ways[start]]
        ways[end] = sorted(ways[end], key=len)[:MOST_READINGS]
    found = list(ways[-1])
    if unfinished and not found:
        for start in range(len(letters) - 1, max(-1, len(letters) - 6), -1):
            if letters[start:] in _beginnings():
                found += [[*way, letters[start:]] for way in ways[start]]
    return [" ".join(way) for way in sorted(found, key=len)[:MOST_READINGS]]


def misspelt_readings(letters: str) -> list[str]:
    """Readings of letters that are none: with two neighbours swapped, one letter dropped, or one added."""
    letters = letters.lower()
    if not _LETTERS.fullmatch(letters) or not 4 <= len(letters) <= 30:
        return []
    candidates = [letters[:i] + letters[i + 1] + letters[i] + letters[i + 2 :] for i in range(len(letters) - 1)]
    candidates += [letters[:i] + letters[i + 1 :] for i in range(len(letters))]
    candidates += [letters[:i] + one + letters[i:] for i in range(1, len(letters) + 1) for one in "aeiouhgn"]
    found: dict[str, None] = {}
    for candidate in candidates:
        for reading in readings(candidate, unfinished=False)[:1]:
            found[reading] = None
    # Fewer syllables read more like words.
    return sorted(found, key=lambda reading: reading.count(" "))[:20]
