"""What is shipped: our own fonts, nobody else's crown, nothing fetched from elsewhere, nothing inline."""

import re
from pathlib import Path

import pytest

from portal.rendering import STATIC, TEMPLATES

TEMPLATE_FILES = sorted(TEMPLATES.rglob("*.html"))
STYLES = sorted(STATIC.rglob("*.css"))


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_styles_hold_no_crown_no_transport_and_fetch_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "GDS Transport" not in text
    assert "crest" not in text
    assert "url(" not in text


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=lambda path: path.name)
def test_templates_have_nothing_inline_and_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=|\son[a-z]+=\"|<style|javascript:", text)
    assert not re.search(r"<script(?![^>]*src=)", text)
    assert not re.search(r"(src|href)=\"(https?:)?//", text)


def test_licences_are_shipped() -> None:
    for name in ("govuk", "moj"):
        assert "Permission is hereby granted" in (STATIC / f"govuk/LICENSE-{name}-frontend.txt").read_text()
