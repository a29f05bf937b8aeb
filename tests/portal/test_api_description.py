"""The API's description is whole in both languages: each sentence of it, from one source."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from portal.api import describe
from portal.application import make_application
from portal.language import Language

HAN = re.compile("[\u4e00-\u9fff]")


def _said(part: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every description and summary with its place."""
    if isinstance(part, list):
        for number, one in enumerate(part):
            yield from _said(one, f"{place}/{number}")
    elif isinstance(part, dict):
        for name, value in part.items():
            if name in ("description", "summary") and isinstance(value, str):
                yield place, value
            else:
                yield from _said(value, f"{place}/{name}")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_description_speaks_the_reader_s_language(language: Language) -> None:
    """A sentence that is new gets its Chinese in portal/api/chinese.yml."""
    said = list(_said(describe(make_application(), language)))
    other = [(place, text) for place, text in said if bool(HAN.search(text)) is not (language == "zh")]
    assert len(said) > 200 and other == []
