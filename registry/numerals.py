"""Numerals in names: 一期, 1期, Ⅰ期 and 第一期 are one thing; the one in 八一钢铁 is not a number."""

import re
from functools import lru_cache
from typing import Final

_DIGITS: Final = {
    **dict.fromkeys("〇零", 0),
    **dict.fromkeys("一壹弌", 1),
    **dict.fromkeys("二贰两弍", 2),
    **dict.fromkeys("三叁叄", 3),
    **dict.fromkeys("四肆", 4),
    **dict.fromkeys("五伍", 5),
    **dict.fromkeys("六陆", 6),
    **dict.fromkeys("七柒", 7),
    **dict.fromkeys("八捌", 8),
    **dict.fromkeys("九玖", 9),
}
_TENS: Final = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "干": 1000}
_ROMAN: Final = {
    roman: str(number)
    for number, roman in enumerate(("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"), start=1)
}

_CHINESE: Final = "[" + "".join(_DIGITS) + "".join(_TENS) + "]+"
# What a number in a name counts: stages, lines, furnaces, plants, amounts.
_COUNTED: Final = r"(?:期|号|#|线|座|台|条|套|阶段|标段|步|(?:万|亿)?吨|万重量箱|(?:立方)?米|m3|kva|ka|mw|千瓦)"
_CHINESE_RUN: Final = re.compile(_CHINESE)
_COUNTS: Final = re.compile(_COUNTED)
_ROMAN_LETTER: Final = re.compile("[ivxIVX]")
_ROMAN_NUMBER: Final = re.compile(
    rf"(?<![a-z])(?:{'|'.join(sorted(_ROMAN, key=len, reverse=True))})(?={_COUNTED})", re.I
)
_NUMBERED: Final = re.compile(r"第(?=[0-9])")
_CUBIC: Final = re.compile(r"(?<=[0-9])立方米?")
# Characters without which nothing below applies.
_ANY: Final = re.compile(r"[期号#线座台条套段步吨箱米第立mk千]", re.I)


@lru_cache(maxsize=4096)
def read_chinese(numeral: str) -> int | None:
    """The value of a Chinese numeral below ten thousand (一百二十, 二〇); None where it is not one."""
    if _TENS.keys().isdisjoint(numeral):
        return int("".join(str(_DIGITS[character]) for character in numeral))
    total, digit = 0, None
    for character in numeral:
        if character in _DIGITS:
            if digit not in (None, 0):
                return None
            digit = _DIGITS[character]
        else:
            total += (1 if digit is None else digit) * _TENS[character]
            digit = None
    return total + (digit or 0)


def _arabic(match: re.Match[str]) -> str:
    """A run of numerals in Arabic digits where it counts something, or follows 第."""
    text, start, end = match.string, match.start(), match.end()
    if (start == 0 or text[start - 1] != "第") and _COUNTS.match(text, end) is None:
        # 五千瓦 are five kilowatts: the thousand belongs to the unit.
        if text[end - 1] != "千" or end - start < 2 or not text.startswith("瓦", end):
            return match.group()
        end -= 1
    value = read_chinese(text[start:end])
    return match.group() if value is None else f"{value}{text[end : match.end()]}"


def normal_numerals(text: str) -> str:
    """The text with numbers that count something in Arabic digits, without 第, with 号 for # and m3 for 立方米."""
    if _ANY.search(text) is None:
        return text
    text = _CHINESE_RUN.sub(_arabic, text)
    # Most names have none of these: looking first costs a tenth.
    if _ROMAN_LETTER.search(text) is not None:
        text = _ROMAN_NUMBER.sub(lambda match: _ROMAN[match.group().lower()], text)
    if "第" in text:
        text = _NUMBERED.sub("", text)
    if "立方" in text:
        text = _CUBIC.sub("m3", text)
    return text.replace("#", "号")
