"""The one function that normalises a name, for linking, indexing and querying alike, and what it had to undo."""

import csv
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from opencc import OpenCC

from registry.numerals import normal_numerals

# Raise it with every change that alters a normal form: `threegates migrate` then computes stored names again.
NORMALISER_VERSION: Final = 2

_TABLES: Final = Path(__file__).with_name("name_tables")
_TO_SIMPLIFIED: Final = OpenCC("t2s")


def _rows(file: str) -> list[dict[str, str]]:
    with (_TABLES / file).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


_UNIFIED: Final = {ord(row["character"]): row["unified"] for row in _rows("unified_ideographs.csv")}
_FOLDED: Final = {ord(one): row["folded"] for row in _rows("look_alikes.csv") for one in row["characters"]}
SUSPECT: Final = {ord(one) for row in _rows("look_alikes.csv") if row["use"] != "common" for one in row["characters"]}

_BRACKETS: Final = re.compile(r"[()\[\]{}〔〕〈〉《》「」『』【】〖〗]")
_NO_BRACKETS: Final = dict.fromkeys(map(ord, "（）()"))
_BRACKETS_OF_PLAIN: Final = re.compile("[（）()]")
_SPACES: Final = re.compile(r"\s+")
# 八—钢铁 stands for 八一钢铁: a dash between a Chinese numeral and a character is the numeral one.
_DASH_FOR_ONE: Final = re.compile(r"(?<=[二三四五六七八九十第])[-—―‐‑‒–ー](?=[\u4e00-\u9fff])")


@dataclass(frozen=True, slots=True)
class Normalised:
    """A name ready for comparing.

    `text` is the key; `spelled` is the same before look-alike characters were folded; `signals` says what was undone:
    full_width, compatibility, invisible, combining, radical, traditional, look_alike, bracket, space, punctuation,
    numeral, letter_case.
    """

    text: str
    spelled: str
    signals: frozenset[str]


# What a person does to hide a name, as against what a typist does to it.
DISGUISES: Final = frozenset({"full_width", "compatibility", "invisible", "combining", "radical", "look_alike"})


@lru_cache(maxsize=131072)
def normalise(name: str) -> Normalised:
    """The normal form of a name of an enterprise, a project or a place; never raises, and is idempotent on `text`."""
    signals: set[str] = set()
    if _plain().fullmatch(name):
        text = name
        if _BRACKETS_OF_PLAIN.search(name) is not None:
            text = _replace(name, name.translate(_NO_BRACKETS), "bracket", signals)
        text = _replace(text, normal_numerals(text), "numeral", signals)
        return Normalised(text, text, frozenset(signals))
    text = _strip_unseen(name, signals)
    text = _compose(text, signals)
    text = _replace(text, _DASH_FOR_ONE.sub("一", text), "look_alike", signals)
    text = _replace(text, _BRACKETS.sub("", text), "bracket", signals)
    text = _replace(text, _SPACES.sub("", text), "space", signals)
    text = _replace(text, text.casefold(), "letter_case", signals)
    text = _replace(text, _TO_SIMPLIFIED.convert(text), "traditional", signals)
    text = _replace(text, normal_numerals(text), "numeral", signals)
    text = _replace(text, _drop_punctuation(text), "punctuation", signals)
    if any(ord(character) in SUSPECT for character in text):
        signals.add("look_alike")
    return Normalised(normal_numerals(text.translate(_FOLDED)), text, frozenset(signals))


def normal_texts(names: Iterable[str]) -> dict[str, str]:
    """`normalise(name).text` by name, for many names at a third of the time: plain ones are taken as one text."""
    plain, normal = list(set(names)), dict[str, str]()
    text = "\n".join(plain)
    # No plain name holds a line's end.
    if text.count("\n") >= len(plain) or _plain().fullmatch(text.replace("\n", "")) is None:
        normal = {name: normalise(name).text for name in plain if _plain().fullmatch(name) is None}
        plain = [name for name in plain if name not in normal]
        text = "\n".join(plain)
    if plain:
        for bracket in "（）()":
            text = text.replace(bracket, "")
        # Nothing in a numeral reaches over a line's end.
        normal.update(zip(plain, normal_numerals(text).split("\n"), strict=True))
    return normal


def disguises(given: Normalised, registered: Normalised) -> frozenset[str]:
    """What was done to a given name that was not done to the registered name it equals."""
    signals = given.signals - registered.signals
    if given.text == registered.text and given.spelled != registered.spelled:
        signals |= {"look_alike"}
    return frozenset(signals)


def _replace(before: str, after: str, signal: str, signals: set[str]) -> str:
    if after != before:
        signals.add(signal)
    return after


def _strip_unseen(name: str, signals: set[str]) -> str:
    """Without characters that nobody sees (format, control) and marks that hang on others."""
    kept = []
    for character in name:
        category = unicodedata.category(character)
        if category in ("Cf", "Cc", "Cs", "Co", "Cn") and not character.isspace():
            signals.add("invisible")
        elif category in ("Mn", "Me"):
            # A variation selector is not seen; a stroke laid over a character is.
            signals.add("invisible" if 0xFE00 <= ord(character) <= 0xFE0F or ord(character) > 0xE0000 else "combining")
        elif character in "\u3164\u115f\u1160\uffa0\u2800":
            # Blank letters: no space by category, and yet nothing is seen.
            signals.add("invisible")
        else:
            kept.append(character)
    return "".join(kept)


def _compose(text: str, signals: set[str]) -> str:
    """Plain widths, composed forms, and ideographs for radicals and strokes."""
    for character in text:
        code = ord(character)
        if code < 0x2E80:
            continue
        # Full-width punctuation is how Chinese is typed; full-width letters and digits are not.
        if 0xFF01 <= code <= 0xFF5E and unicodedata.category(chr(code - 0xFEE0))[0] in "LN":
            signals.add("full_width")
        elif code in _UNIFIED:
            signals.add("radical")
        elif 0xF900 <= code <= 0xFAFF or 0x2F800 <= code <= 0x2FA1F:
            signals.add("compatibility")
    text = unicodedata.normalize("NFKC", text.translate(_UNIFIED)).translate(_UNIFIED)
    # Composing can bring marks to light (half-width katakana, letters with accents).
    decomposed = unicodedata.normalize("NFKD", text)
    if any(unicodedata.category(character) in ("Mn", "Me") for character in decomposed):
        bare = "".join(character for character in decomposed if unicodedata.category(character) not in ("Mn", "Me"))
        text = unicodedata.normalize("NFC", bare)
    return text


def _drop_punctuation(text: str) -> str:
    return "".join(character for character in text if unicodedata.category(character)[0] not in "PSZ")


@lru_cache(maxsize=1)
def _plain() -> re.Pattern[str]:
    """Matches names of which every character but brackets is its own normal form: most names need no further look."""
    ideographs = [chr(code) for code in range(0x4E00, 0xA000)]
    simplified = _TO_SIMPLIFIED.convert("\n".join(ideographs)).split("\n")
    special = {*map(chr, _FOLDED), *map(chr, _UNIFIED)}
    plain = "".join(one for one, other in zip(ideographs, simplified, strict=True) if one == other)
    plain = "".join(one for one in plain if one not in special)
    return re.compile(f"[0-9a-z（）(){plain}]+")


@lru_cache(maxsize=1)
def _load_places() -> None:
    """Teach pypinyin the readings of places, once."""
    from pypinyin import load_phrases_dict  # loading its dictionaries takes a while: only who needs them waits

    load_phrases_dict({row["place"]: [[one] for one in row["pinyin"].split()] for row in _rows("place_pinyin.csv")})


@lru_cache(maxsize=16384)
def pinyin(name: str) -> str:
    """The reading of a name in syllables with spaces between them: to sort by and to search by.

    长治钢铁 -> "chang zhi gang tie"; letters and digits stay as they are.
    """
    from pypinyin import lazy_pinyin  # as above

    _load_places()
    spelled = normalise(name).spelled
    return " ".join(lazy_pinyin(spelled, errors="default"))


def initials(name: str) -> str:
    """The first letters of the reading: 长治钢铁 -> "czgt"."""
    return "".join(syllable[0] for syllable in pinyin(name).split())


def search_text(names: Iterable[str]) -> str:
    """All that a person may type to find one of these names: normal forms, readings, initials, a space between."""
    words: dict[str, None] = {}
    for name in names:
        if name:
            reading = pinyin(name)
            words |= dict.fromkeys((normalise(name).text, reading, reading.replace(" ", ""), initials(name)))
    return " ".join(words)
