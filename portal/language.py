"""Languages: the source strings are Chinese; every other language is one catalogue in translations/.

The language of the request under way stands in a context variable, so that templates, macros and Python say `_("…")`
alike. Catalogues are kept as .po and read when first used: a fresh clone needs no build step.
"""

import gettext
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Literal

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

Language = Literal["zh", "en"]

SOURCE: Final[Language] = "zh"
# code -> (its name in itself, the tag of HTML and HTTP)
LANGUAGES: Final[dict[Language, tuple[str, str]]] = {"zh": ("中文", "zh-CN"), "en": ("English", "en")}
TRANSLATIONS: Final = Path(__file__).with_name("translations")
# What babel looks for: keyword -> positions of the messages
KEYWORDS: Final[dict[str, tuple[int, ...] | None]] = {"_": None, "_n": (1, 1), "N_": None}

_current: ContextVar[Language] = ContextVar("language", default=SOURCE)


@lru_cache(maxsize=8)
def catalogue(language: Language) -> gettext.NullTranslations:
    """The translations into a language; the source language has none."""
    if language == SOURCE:
        return gettext.NullTranslations()
    compiled = BytesIO()
    with (TRANSLATIONS / f"{language}.po").open("rb") as stream:
        write_mo(compiled, read_po(stream, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def current_language() -> Language:
    """The language of the request under way."""
    return _current.get()


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Speak a language inside the block."""
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)


def _(message: str, **values: Any) -> str:
    """The message in the current language, its {names} filled in."""
    said = catalogue(_current.get()).gettext(message) if message else ""
    return said.format_map(values) if values else said


def _n(message: str, count: int, **values: Any) -> str:
    """The message for a count; {count} is written with thousands separated."""
    said = catalogue(_current.get()).ngettext(message, message, count)
    return said.format_map({"count": f"{count:,}", **values})


def N_(message: str) -> str:  # noqa: N802  # gettext's own name for a message that is translated where it is shown
    """Mark a message in a table; it is translated where it is shown."""
    return message


def as_language(text: str | None) -> Language | None:
    """A language code we speak, or None."""
    return next((language for language in LANGUAGES if language == text), None)


def preferred(accept_language: str) -> Language | None:
    """The first language of an Accept-Language header that we speak, by its weights."""
    wished: list[tuple[float, Language]] = []
    for part in accept_language.split(",")[:20]:
        tag, _separator, weight = part.strip().partition(";q=")
        language = as_language(tag.split("-")[0].lower())
        if language is None:
            continue
        try:
            wished.append((float(weight or 1), language))
        except ValueError:
            continue
    return max(wished, key=lambda wish: wish[0])[1] if wished else None
