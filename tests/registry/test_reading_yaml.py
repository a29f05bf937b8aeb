"""Files that would hold the machine for hours, or break the reader, are refused with a sentence."""

import itertools
from pathlib import Path

import pytest

from registry.errors import BadFile
from registry.reading_yaml import MOST_BYTES, read_document
from registry.scenarios import read_scenarios


def written(folder: Path, text: str) -> Path:
    file = folder / "file.yml"
    file.write_text(text, encoding="utf-8")
    return file


def test_aliases_that_multiply_are_counted(tmp_path: Path) -> None:
    names = "abcdefghij"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in itertools.pairwise(names)]
    with pytest.raises(BadFile, match="aliases counted"):
        read_document(written(tmp_path, "\n".join(lines)))


@pytest.mark.parametrize("depth", [60, 20_000])
def test_brackets_without_end_are_refused(tmp_path: Path, depth: int) -> None:
    with pytest.raises(BadFile, match="nested more than"):
        read_document(written(tmp_path, "[" * depth + "]" * depth))


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.yml"
    with file.open("wb") as sparse:
        sparse.truncate(MOST_BYTES + 1)
    with pytest.raises(BadFile, match="larger than 16 MB"):
        read_document(file)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("months: 99999999999999999999", "less than or equal to 1200"),
        ('project_name: "a\\0b"', "NUL"),
        (f"id: {'L' * 10_001}", "at most 10000 characters"),
    ],
)
def test_what_no_database_can_hold_is_refused_with_its_line(tmp_path: Path, field: str, words: str) -> None:
    text = f"- scenario: x\n  as_of: 2014-01-01\n  records:\n    - act: loan\n      on: 2013-12-01\n      {field}\n"
    if not field.startswith("id"):
        text += "      id: L1\n"
    with pytest.raises(BadFile, match=words) as caught:
        read_scenarios(written(tmp_path, text))
    assert caught.value.where.endswith("line 6")
