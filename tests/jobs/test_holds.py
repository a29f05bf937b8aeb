"""Bounds: what is held, and the words a person reads."""

import pytest

from connectors.declaration import Bounds
from jobs.holds import WORDS, Hold, check, held_text

BOUNDS = Bounds(minimum_records=10, maximum_shrink_percent=5, maximum_rejected_percent=5)


@pytest.mark.parametrize(
    ("received", "added", "rejected", "expected", "full", "code"),
    [
        (100, 0, 0, 100, True, None),
        (95, 0, 0, 100, True, None),  # 5 % fewer is within the bound
        (94, 0, 0, 100, True, "shrunk"),
        (110, 20, 0, 100, True, "shrunk"),  # news do not make up for what is missing
        (0, 0, 0, 100, True, "empty"),
        (0, 0, 0, 1, False, "empty"),  # the overlap must bring the newest record again
        (0, 0, 0, 0, False, None),
        (9, 9, 0, 0, True, "too_few"),
        (9, 9, 0, 0, False, None),
        (100, 94, 6, 0, True, "too_many_rejected"),
        (20, 15, 5, 0, True, None),  # a handful
    ],
)
def test_bounds(received: int, added: int, rejected: int, expected: int, full: bool, code: str | None) -> None:
    found = check(BOUNDS, received=received, added=added, rejected=rejected, expected=expected, full=full)
    assert (found.code if found else None) == code


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_reason_has_words_in_both_languages(language: str) -> None:
    values = {"received": 1, "expected": 2, "again": 1, "limit": 5, "rejected": 3, "detail": "d"}
    assert WORDS["zh"].keys() == WORDS["en"].keys()
    for code in WORDS[language]:
        text = held_text(Hold(code, values).stored(released_by="甲", released_because="已核实"), language)  # type: ignore[arg-type]  # the keys of WORDS are the codes
        assert "{" not in text
        assert "已核实" in text


@pytest.mark.parametrize(
    ("error", "zh", "en"),
    [
        (
            "https://land.example/list: The listing states 3 files and names 2. Ask the agency.",
            "机构的答复自相矛盾：清单载明 3 个文件，实际列出 2 个。请询问机构。",
            "The agency's answer contradicts itself: The listing states 3 files and names 2. Ask the agency.",
        ),
        ("words nobody foresaw", "机构的答复自相矛盾。", None),
    ],
)
def test_a_contradiction_is_told_in_one_language(error: str, zh: str, en: str | None) -> None:
    stored = Hold("contradiction", {"detail": error}).stored()
    assert held_text(stored, "zh") == zh
    assert en is None or held_text(stored, "en") == en


def test_no_reason_is_no_text() -> None:
    assert held_text("", "zh") == ""
