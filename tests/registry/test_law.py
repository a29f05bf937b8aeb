"""The law as data: nothing without its day and its words, and the words are those of the documents."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from shutil import copytree

import pytest

from registry.errors import BadFile, NotFound
from registry.law import reading
from registry.law.reading import Law, law, read_law

SHIPPED = Path(reading.__file__).parent
REFERENCE = """
    reference:
      article: g41-5-3
      quote_zh: 对未经核准、备案的项目，一律不得批准使用土地、岸线。
      quote_en: shall not authorize the use of land and shoreline for any project
"""
HEAD = "title_zh: 甲\ntitle_en: A\nmeaning_zh: 甲\nmeaning_en: A\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copytree(SHIPPED / "articles", tmp_path / "articles")
    (tmp_path / "parameters").mkdir()
    return tmp_path


def _read(folder: Path, text: str) -> Law:
    (folder / "parameters" / "example.yml").write_text(text, encoding="utf-8")
    return read_law(folder)


def test_the_articles_that_keep_the_gates_are_there_in_chinese_and_english() -> None:
    land = law().article("g41-5-3")
    assert "对未经核准、备案的项目，一律不得批准使用土地、岸线。" in land.text_zh
    assert land.clause_zh == "五（三）"
    assert land.clause_en == "5(3)"
    assert land.binds_from == date(2013, 10, 6)
    assert "assumption" in land.assumption
    assert "一律不得放贷、发债、上市融资" in law().article("g41-5-4").text_zh
    assert law().article("g7-4-1").binds_from == date(2010, 2, 6)
    for article in law().articles.values():
        assert article.text_zh and article.text_en
        assert "\n" not in article.text_zh
    with pytest.raises(NotFound, match="g41-5-3"):
        law().article("g41-9-9")


def test_the_sectors_are_those_of_the_day() -> None:
    sectors = law().parameter("overcapacity_sectors")
    assert sectors.on(date(2013, 10, 5)) is None
    in_force = sectors.on(date(2013, 10, 6))
    assert in_force is not None
    assert in_force.value == ("steel", "cement", "aluminium", "glass", "ships")
    with pytest.raises(NotFound, match="overcapacity_sectors"):
        law().parameter("no_such")


def test_values_stand_in_order_of_their_days_whatever_the_order_in_the_file(folder: Path) -> None:
    text = (
        f"{HEAD}type: number\nvalues:\n  2021-06-01:\n    value: 1.25{REFERENCE}  2014-01-01:\n    value: 1{REFERENCE}"
    )
    parameter = _read(folder, text + "  2024-08-23:\n    value: null" + REFERENCE).parameter("example")
    assert [one.value for one in parameter.values] == [Decimal(1), Decimal("1.25"), None]
    on = [date(2013, 12, 31), date(2014, 1, 1), date(2021, 5, 31), date(2021, 6, 1), date(2024, 8, 23)]
    held = [one and one.value for one in map(parameter.on, on)]
    assert held == [None, Decimal(1), Decimal(1), Decimal("1.25"), None]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (f"{HEAD}type: number\nvalues:\n  2014-01-01:\n    value: 1\n", 7, "reference: Field required"),
        (f"{HEAD}type: number\nvalues: {{}}\n", 6, "values"),
        (f"{HEAD}type: number\n", 1, "values: Field required"),
        (f"{HEAD}type: number\nvalues:\n  soon:\n    value: 1{REFERENCE}", 7, "must be a day"),
        (f"{HEAD}type: number\nvalues:\n  2014-01-01:\n    value: much{REFERENCE}", 8, "value"),
        (
            f"{HEAD}type: number\nvalues:\n  2014-01-01:\n    value: 1{REFERENCE}  2014-01-01:\n    value: 2",
            13,
            "this key stands twice",
        ),
        (f"{HEAD}type: number\ncolour: red\nvalues:\n  2014-01-01:\n    value: 1{REFERENCE}", 6, "colour: this field"),
        (f"{HEAD}type: number\nvalues:\n  2013-10-05:\n    value: 1{REFERENCE}", 7, "binds from 2013-10-06 only"),
        (
            f"{HEAD}type: number\nvalues:\n  2014-01-01:\n    value: 1{REFERENCE.replace('一律不得', '原则上不得')}",
            11,
            "these words do not stand in g41-5-3",
        ),
        (
            f"{HEAD}type: number\nvalues:\n  2014-01-01:\n    value: 1{REFERENCE.replace('g41-5-3', 'g41-5-99')}",
            10,
            "there is no article",
        ),
    ],
)
def test_a_value_without_its_day_or_its_words_is_refused(folder: Path, text: str, line: int, says: str) -> None:
    with pytest.raises(BadFile) as refused:
        _read(folder, text)
    assert refused.value.where == f"example.yml, line {line}"
    assert says in str(refused.value)


def test_later_law_is_data_alone() -> None:
    steel, manner = law().parameter("steel_replacement_ratio"), law().parameter("replacement_manner")
    days = [date(2021, 5, 31), date(2021, 6, 1), date(2024, 8, 22), date(2024, 8, 23)]
    held = [one and one.value for one in map(steel.on, days)]
    assert held == [None, Decimal("1.25"), Decimal("1.25"), None]
    by_region = dict(steel.regions)
    assert [one.value for one in by_region["130000"]] == [Decimal("1.5"), None]
    assert dict(manner.regions)["130000"][0].since == date(2013, 10, 6)
    assert dict(manner.regions)["340000"][0].since == date(2018, 6, 27)
    assert set(dict(manner.regions)) == set(by_region)


def test_the_articles_are_the_whole_of_both_documents_in_their_order() -> None:
    names = list(law().articles)
    for document, first, last, count in (("g7", "g7-preamble", "g7-7", 19), ("g41", "g41-preamble", "g41-6", 29)):
        held = [name for name in names if law().articles[name].document == document]
        assert (held[0], held[-1], len(held)) == (first, last, count)
