"""What a person typed, understood."""

import unicodedata

import pytest

from registry.errors import BadInput
from search.asking import misspelt_readings, readings, syllables, understand


def test_the_syllables_are_those_of_the_readings_of_names() -> None:
    from pypinyin.pinyin_dict import pinyin_dict

    found = set()
    for reading in set(",".join(pinyin_dict.values()).split(",")):
        parts = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
        found.add("".join(one for one in parts if unicodedata.category(one) != "Mn"))
    assert syllables() == {one for one in found if set(one) & set("aeiouv")}


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("tangshan", ["tang shan"]),
        ("xian", ["xian", "xi an"]),
        ("tangsh", ["tang sh"]),
        ("TangShan", ["tang shan"]),
        ("tsjgt", []),
        ("唐山", []),
        ("", []),
    ],
)
def test_readings(letters: str, expected: list[str]) -> None:
    assert readings(letters)[: len(expected)] == expected
    assert bool(readings(letters)) == bool(expected)


def test_a_misspelt_reading_is_guessed() -> None:
    assert "tang shan" in misspelt_readings("tangshna")
    assert "tang shan" in misspelt_readings("tangsahn")
    assert misspelt_readings("x" * 200) == []


def test_codes_in_either_shape_with_or_without_hyphens() -> None:
    for text in (
        "2017-440300-32-03-100123",
        "20174403003203100123",
        "2017 440300 32 03 100123",
        "２０１７-440300-32-03-100123",
    ):
        assert understand(text).codes == ("20174403003203100123",)
    assert understand("2509-320193-89-01-544060").codes == ("25093201938901544060",)
    assert understand("91130200MA00000017").codes == ("91130200MA00000017",)
    assert understand("鲁环审[2010]238号").numbers == ("鲁环审〔2010〕238号",)


def test_length_is_bounded() -> None:
    with pytest.raises(BadInput):
        understand("唐" * 201)
    assert len(understand(" ".join(["唐山"] * 60)).words) == 8
    assert understand("\x00\ud800 \u200b").words == ()
