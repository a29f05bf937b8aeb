"""The checklist names every requirement of ASVS 5.0 level 2 once, with a state, and only tests that exist."""

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Requirements of levels 1 and 2 in each chapter of ASVS 5.0.0.
CHAPTERS = dict(enumerate((27, 11, 19, 10, 9, 35, 18, 7, 7, 29, 14, 9, 13, 9, 13, 16, 7), start=1))
ROW = re.compile(r"^\| (\d+)\.(\d+)\.(\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)


def test_every_requirement_stands_once_with_a_state() -> None:
    rows = ROW.findall((ROOT / "docs" / "security.md").read_text(encoding="utf-8"))
    assert len({row[:3] for row in rows}) == len(rows)
    assert Counter(int(row[0]) for row in rows) == CHAPTERS
    assert {row[3] for row in rows} == {"met", "operator", "not applicable"}, "nothing is left open"


def test_what_the_checklist_points_at_exists() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:tests|registry|portal|docs|connectors)/[\w/.-]+\.(?:py|md)\b", text))
    assert len(named) > 30
    assert [one for one in sorted(named) if not (ROOT / one).exists()] == []
