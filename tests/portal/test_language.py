"""Every string is translated: in templates, in Python, in the catalogues, in the tables of words."""

import re
import string
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from portal.catalogues import PORTAL, messages
from portal.language import LANGUAGES, SOURCE, TRANSLATIONS, _, _n, preferred, speaking
from portal.words import PROVINCES, TABLES, word

CHINESE = re.compile(r"[\u3400-\u9fff]")
OTHERS = [language for language in LANGUAGES if language != SOURCE]
# A template comment, an expression or a statement: what is left is what a reader sees as it stands.
NOT_SHOWN = re.compile(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
# Words that say what a person speaks, in that language, and what the law's own page marks as Chinese.
EXPRESSIONS = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}", re.DOTALL)


@cache
def used() -> frozenset[str]:
    """Every message of templates and Python; to find them all takes a second."""
    return frozenset(text for text, _place in messages())


def names_in(message: str) -> set[str]:
    """The {names} that a message has filled in."""
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(message) if name}


@pytest.mark.parametrize("language", OTHERS)
def test_the_catalogue_has_every_message_and_no_other(language: str) -> None:
    with (TRANSLATIONS / f"{language}.po").open("rb") as stream:
        catalogue = read_po(stream, locale=language)
    known = {message.id[0] if isinstance(message.id, tuple) else message.id for message in catalogue if message.id}
    assert used() - known == set(), "run `python -m portal.catalogues` and translate what it prints"
    assert known - used() == set(), "run `python -m portal.catalogues`: it drops what nobody uses"


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated_and_fills_in_the_same_names(language: str) -> None:
    with (TRANSLATIONS / f"{language}.po").open("rb") as stream:
        catalogue = read_po(stream, locale=language)
    for message in catalogue:
        if not message.id:
            continue
        source = str(message.id[0] if isinstance(message.id, tuple) else message.id)
        for said in map(str, message.string if isinstance(message.string, tuple) else (message.string,)):
            assert said, f"not translated: {source}"
            assert names_in(said) == names_in(source), source
            # An example of a document's number stays Chinese.
            assert not CHINESE.search(said) or "号" in said, f"Chinese in {language}: {source}"


@pytest.mark.parametrize("path", sorted(PORTAL.rglob("templates/**/*.html")), ids=lambda path: path.name)
def test_templates_show_nothing_untranslated(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not CHINESE.search(NOT_SHOWN.sub("", text)), "text outside _()"
    for match in EXPRESSIONS.finditer(text):
        for quoted in re.findall(r'"([^"]*[\u3400-\u9fff][^"]*)"|\'([^\']*[\u3400-\u9fff][^\']*)\'', match[0]):
            said = quoted[0] or quoted[1]
            assert said in used(), f"not through _(): {said}"


@pytest.mark.parametrize("name", sorted(TABLES))
def test_codes_are_called_something_in_english(name: str) -> None:
    with speaking("en"):
        for code in TABLES[name]:
            assert not CHINESE.search(word(name, code)), code


def test_counting_in_english_and_chinese() -> None:
    with speaking("en"):
        assert (_n("{count} 条疑点", 1), _n("{count} 条疑点", 2)) == ("1 finding", "2 findings")
    assert _n("{count} 条疑点", 1234) == "1,234 条疑点"


def test_there_are_34_provinces() -> None:
    assert len(PROVINCES) == 34


@pytest.mark.parametrize(
    ("header", "language"),
    [("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB,en;q=0.9", "en"), ("fr,de;q=0.9", None), ("", None), ("en;q=x", None)],
)
def test_the_browser_may_ask_for_a_language(header: str, language: str | None) -> None:
    assert preferred(header) == language


def test_an_empty_message_is_not_the_catalogues_header() -> None:
    with speaking("en"):
        assert _("") == ""
