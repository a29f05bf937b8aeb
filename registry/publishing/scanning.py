"""Personal data and bank accounts in free text: found by shape and check digit, refused before publication.

Wide on purpose: what is found wrongly is reworded in a minute, what is missed stands in public.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stdnum import luhn
from stdnum.cn import ric

from registry.errors import BadInput

_DIGITS: Final = re.compile(r"\d(?:[ \-\u2010-\u2015\u2212]?\d){6,24}[ \-]?[Xx]?")
_MAIL: Final = re.compile(r"[\w.+\-]+\s?@\s?[\w\-]+(?:\.[\w\-]+)+")
_NAMED: Final = re.compile(
    r"(?:身份证(?:号码?|件号码?)?|公民身份号码|联系人|联系电话|联系方式|手机号?码?|电话|住址|家庭地址|户籍|"
    r"法定代表人|法人代表|经办人|负责人|微信号?|QQ号?|开户行|银行账[号户]|账[号户]|卡号)\s*[:：为是]?\s*([^\s█:：为是]\S{0,29})"
)
_PERSON: Final = re.compile(r"[\u4e00-\u9fff·]{2,4}(?:先生|女士|同志)")
_CODE: Final = re.compile(r"\d{4}-\d{6}-\d{2}-\d{2}-\d{6}")
_MOBILE: Final = re.compile(r"(?:86)?1[3-9]\d{9}")
_FIXED: Final = re.compile(r"0\d{9,11}")


@dataclass(frozen=True, slots=True)
class Found:
    """One place: what it seems to be, and where it stands."""

    what: str
    start: int
    end: int


def scan(text: str) -> list[Found]:
    """Every place of a text that seems to hold personal data or an account, in order, none within another."""
    plain = _plain(text)
    places: list[Found] = []
    for one in sorted(_look(plain), key=lambda found: (found.start, -found.end)):
        if not places or one.start >= places[-1].end:
            places.append(one)
    return places


def refuse(text: str, where: str) -> None:
    """Raise BadInput where a text may not be published: the place and what to do, without the data itself."""
    found = scan(text)
    if found:
        one = found[0]
        raise BadInput(
            f"Characters {one.start + 1} to {one.end} look like personal data or a bank account; neither is published.",
            where=where,
            remedy="Take it out, or say it without the person or the number.",
        )


def cover(text: str) -> tuple[str, int]:
    """A text with such places blacked out character by character, and how many there were."""
    found = scan(text)
    for one in reversed(found):
        text = text[: one.start] + "█" * (one.end - one.start) + text[one.end :]
    return text, len(found)


def _plain(text: str) -> str:
    """One character for each, full width made narrow, so that places stay where they are."""
    return "".join(
        narrow if len(narrow := unicodedata.normalize("NFKC", one)) == 1 else one
        for one in (" " if unicodedata.category(one) == "Cf" else one for one in text)
    )


def _look(text: str) -> Iterator[Found]:
    codes = [one.span() for one in _CODE.finditer(text)]
    for one in _DIGITS.finditer(text):
        if any(start <= one.start() and one.end() <= end for start, end in codes):
            continue
        what = _number(re.sub(r"[^\dXx]", "", one.group()))
        if what:
            yield Found(what, one.start(), one.end())
    yield from (Found("mail", one.start(), one.end()) for one in _MAIL.finditer(text))
    yield from (Found("person", one.start(1), one.end()) for one in _NAMED.finditer(text))
    yield from (Found("person", one.start(), one.end()) for one in _PERSON.finditer(text))


def _number(digits: str) -> str:
    """What a run of digits seems to be, or nothing."""
    digits = digits.upper()
    plain = digits.rstrip("X")
    if len(digits) == 18 and ric.is_valid(digits):
        return "identity"
    if len(plain) == 15 and _born(plain[6:12]):
        return "identity"
    if _MOBILE.fullmatch(plain):
        return "mobile"
    if _FIXED.fullmatch(plain):
        return "phone"
    if 15 <= len(plain) <= 22 and (luhn.is_valid(plain) or len(plain) in (16, 17, 19)):
        return "account"
    return ""


def _born(six: str) -> bool:
    return "01" <= six[2:4] <= "12" and "01" <= six[4:6] <= "31"
