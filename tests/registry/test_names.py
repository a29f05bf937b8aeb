"""Names: disguises of one name have one normal form, each is signalled, and different names stay different."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opencc import OpenCC

from registry.names import disguises, initials, normal_texts, normalise, pinyin, search_text
from registry.numerals import normal_numerals, read_chinese

PLAIN = "长治示例钢铁有限公司一期"


@pytest.mark.parametrize(
    ("disguised", "signal"),
    [
        ("长治示例钢铁有限公司1期", None),
        ("长治示例钢铁有限公司（Ⅰ期）", "bracket"),
        ("长治示例钢铁有限公司第一期", None),
        ("长治示例钢铁有限公司１期", "full_width"),
        ("长治示例钢铁\u200b有限公司一期", "invisible"),
        ("长治示例钢铁\ufe00有限公司一期", "invisible"),
        ("长治示例\u3164钢铁有限公司一期", "invisible"),
        ("\u202e长治示例钢铁有限公司一期", "invisible"),
        ("长治示例钢铁\u0336有限公司一期", "combining"),
        ("⻓治示例钢铁有限公司一期", "radical"),
        ("長治示例鋼鐵有限公司一期", "traditional"),
        ("长治示例钢铁有限公司一期", None),
        ("长冶示例钢铁有限公司一期", "look_alike"),
        ("长治示例钢铁有限公司  一期", "space"),
        ("长治·示例钢铁有限公司一期", "punctuation"),
        ("长治示例钢鐡有限公司一期", "look_alike"),
    ],
)
def test_disguises_have_one_normal_form_and_are_signalled(disguised: str, signal: str | None) -> None:
    registered = normalise(PLAIN)
    found = normalise(disguised)
    assert found.text == registered.text
    if signal is not None:
        assert signal in disguises(found, registered)


@pytest.mark.parametrize(("one", "other"), [("己", "已"), ("未来", "末来"), ("土", "士"), ("日", "曰"), ("口", "ロ")])
def test_look_alikes_fold_to_one(one: str, other: str) -> None:
    assert normalise(one).text == normalise(other).text
    assert "look_alike" in disguises(normalise(other), normalise(one))


@pytest.mark.parametrize("way", ["s2t", "s2tw", "s2hk"])
def test_every_common_character_comes_back_from_traditional(way: str) -> None:
    written = OpenCC(way)
    common = [bytes(pair).decode("gb2312", "ignore") for pair in product(range(0xB0, 0xF8), range(0xA1, 0xFF))]
    assert [
        (one, written.convert(one))
        for one in [*common, "乾安县信大轧钢", "澄江市", "浚县"]
        if normalise(written.convert(one)).text != normalise(one).text
    ] == []


def test_an_honest_name_has_no_signal() -> None:
    for name in ("唐山示例钢铁有限公司", "长治钢铁", "富士示例有限公司"):
        assert normalise(name).signals == frozenset()


def test_dash_that_stands_for_one() -> None:
    assert normalise("新疆八—钢铁有限公司").text == normalise("新疆八一钢铁有限公司").text
    assert normalise("高炉—转炉").text == normalise("高炉转炉").text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("唐山甲钢铁有限公司", "唐山乙钢铁有限公司"),
        ("示例钢铁一期", "示例钢铁二期"),
        ("示例钢业有限公司", "示例铜业有限公司"),
        ("大华示例有限公司", "太华示例有限公司"),
        ("三钢示例", "三铜示例"),
    ],
)
def test_different_names_stay_different(one: str, other: str) -> None:
    assert normalise(one).text != normalise(other).text


@pytest.mark.parametrize(
    ("text", "value"), [("一百二十", 120), ("十", 10), ("二十三", 23), ("二〇", 20), ("一一", 11), ("三千零五", 3005)]
)
def test_chinese_numerals(text: str, value: int) -> None:
    assert read_chinese(text) == value


def test_only_numbers_that_count_something_become_digits() -> None:
    assert normal_numerals("八一钢铁三钢二号高炉") == "八一钢铁三钢2号高炉"
    assert normal_numerals("年产一百二十万吨") == "年产120万吨"
    assert normal_numerals("1780立方米高炉") == normal_numerals("1780m3高炉")


@given(st.text(max_size=30))
@settings(max_examples=300, deadline=None)
def test_normalising_never_fails_and_twice_is_once(name: str) -> None:
    once = normalise(name).text
    assert normalise(once).text == once


def test_places_are_read_as_they_are_read_there() -> None:
    assert pinyin("长治钢铁").startswith("chang zhi")
    assert pinyin("长沙") == "chang sha"
    assert pinyin("乐亭县") == "lao ting xian"
    assert initials("重庆钢铁") == "cqgt"
    assert "changzhigangtie" in search_text(["长治钢铁"])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.text(alphabet="第一二十百千瓦号期线万吨立方米示例钢鋼铁（)(\n i1#", max_size=12) | st.text(max_size=8),
        max_size=12,
    )
)
def test_many_names_at_once_are_normalised_as_each_alone(names: list[str]) -> None:
    assert normal_texts(names) == {name: normalise(name).text for name in names}
