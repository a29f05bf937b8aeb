"""Keeps the catalogues: `python -m portal.catalogues` collects every message and adds what translations/*.po lack."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from portal.language import KEYWORDS, LANGUAGES, SOURCE, TRANSLATIONS

PORTAL: Final = Path(__file__).parent
# A template that cannot be read is an error, not an empty one.
OPTIONS: Final[dict[str, Any]] = {
    "trim_blocks": "true",
    "lstrip_blocks": "true",
    "encoding": "utf-8",
    "silent": "false",
}
METHODS: Final = {".py": "python", ".html": "jinja2.ext:babel_extract"}


def messages() -> Iterator[tuple[str, str]]:
    """Every message of the portal's Python and templates with where it stands; each use once."""
    for path in sorted(PORTAL.rglob("*")):
        method = METHODS.get(path.suffix)
        if method is None:
            continue
        with path.open("rb") as stream:
            found = extract(method, io.BytesIO(stream.read()), keywords=KEYWORDS, options=OPTIONS)
            for line, message, _comments, _context in found:
                text = message[0] if isinstance(message, tuple) else message
                if text:
                    yield text, f"{path.relative_to(PORTAL.parent)}:{line}"


def plural_messages() -> set[str]:
    """The messages that are counted."""
    found = set()
    for path in sorted(PORTAL.rglob("*")):
        if method := METHODS.get(path.suffix):
            with path.open("rb") as stream:
                counted = extract(method, stream, keywords={"_n": (1, 1)}, options=OPTIONS)
                found |= {message[0] for _line, message, _c, _x in counted if isinstance(message, tuple)}
    return found


def update(path: Path, language: str) -> list[str]:
    """Add missing messages to one catalogue and drop unused ones; returns what is not translated."""
    old: Catalog = Catalog(locale=language)
    if path.exists():
        with path.open("rb") as stream:
            old = read_po(stream, locale=language)
    new: Catalog = Catalog(locale=language, project="threegates", fuzzy=False, charset="utf-8")
    new.header_comment = f"# threegates: the portal's words; the messages are Chinese, this is their {language}."
    plural = plural_messages()
    untranslated = []
    for text in dict.fromkeys(text for text, _place in messages()):
        known = old.get(text)
        said: Any = known.string if known else ""
        if text in plural:
            said = said if isinstance(said, tuple) else (said, said)
            new.add((text, text), said)
        else:
            new.add(text, said[0] if isinstance(said, tuple) else said)
        if not all(said if isinstance(said, tuple) else (said,)):
            untranslated.append(text)
    new.creation_date = old.creation_date
    new.revision_date = old.revision_date
    with path.open("wb") as stream:
        write_po(stream, new, width=120, omit_header=False, no_location=True)
    return untranslated


def main() -> None:
    """Update every catalogue and say what is missing."""
    for language in LANGUAGES:
        if language != SOURCE:
            for text in update(TRANSLATIONS / f"{language}.po", language):
                print(f"{language}: {text}")


if __name__ == "__main__":
    main()
