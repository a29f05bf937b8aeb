"""How agencies misspell names: what normalising undoes, and what only fuzzy linking can."""

import re
import unicodedata
from functools import cache

from opencc import OpenCC

from deploy.demo.chance import Chance

FULL_WIDTH = {ord(sign): chr(ord(sign) + 0xFEE0) for sign in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
FULL_WIDTH |= {ord("("): "（", ord(")"): "）"}
SUFFIXES = ("集团有限公司", "有限责任公司", "股份有限公司", "有限公司")


@cache
def _traditional() -> OpenCC:
    return OpenCC("s2t")


@cache
def _simplified() -> OpenCC:
    return OpenCC("t2s")


@cache
def to_traditional(name: str) -> str:
    """The name in traditional characters, unless the way back is another name."""
    traditional: str = _traditional().convert(name)
    return traditional if _simplified().convert(traditional) == name else name


@cache
def undone(name: str) -> str:
    """The name with everything undone that any sound normaliser undoes: width, script, spaces, brackets, case."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKC", name) if unicodedata.category(sign) != "Cf")
    simplified: str = _simplified().convert(plain)
    return re.sub(r"[\s()〔〕\[\]﹝﹞【】·,，、.-]", "", simplified).upper()


def harmless(chance: Chance, name: str) -> str:
    """A spelling that normalises to the same name."""
    style = chance.whole(1, 6)
    if style == 1:
        return name.translate(FULL_WIDTH)
    if style == 2:
        place = chance.whole(1, len(name) - 1)
        return f"{name[:place]} {name[place:]}"
    if style == 3:
        return to_traditional(name)
    if style == 4:
        return name.replace("（", chance.one("(〔[")).replace("）", ")") if "（" in name else f" {name}"
    if style == 5:
        place = chance.whole(1, len(name) - 1)
        return f"{name[:place]}\u200b{name[place:]}"
    return f"{name}　"


def brackets_only(name: str) -> str:
    """The name with half-width brackets, the one liberty taken with real names."""
    return name.replace("（", "(").replace("）", ")")


def abbreviated(chance: Chance, name: str) -> str:
    """A spelling that only fuzzy linking brings home."""
    short = name
    for suffix in SUFFIXES:
        short = short.removesuffix(suffix)
    short = short.removesuffix("（集团）")
    if chance.happens(0.4) and "示例" in short:
        short = short[short.index("示例") :]
    return short if short != name else f"{name}公司"


PHASES = {"一期": "1期", "二期": "2期", "三期": "Ⅲ期"}


def another_phase(name: str) -> str:
    """一期 written 1期, 二期 as 2期."""
    for chinese, digit in PHASES.items():
        name = name.replace(chinese, digit)
    return name
