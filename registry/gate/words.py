"""What the gate says beside the rules, read once from words.yml."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from registry.reading_yaml import Strict, read_as, read_document

Answer = Literal["allow", "refuse", "refer"]


class Words(Strict):
    """One sentence in both languages."""

    zh: str
    en: str


class Supplied(Words):
    """What is missing, and the agency that can supply it (its successor of the day does)."""

    who: str


class GateWords(Strict):
    """The content of words.yml."""

    answers: dict[Answer, Words]
    says: dict[str, Words]
    derived_reasons: list[str]
    supplied: dict[str, Supplied]


@lru_cache(maxsize=1)
def gate_words() -> GateWords:
    """The words that threegates ships."""
    document = read_document(Path(__file__).with_name("words.yml"), name="gate/words.yml")
    return read_as(document, document.content, TypeAdapter(GateWords))
