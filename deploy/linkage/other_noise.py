"""Other noise than `noise`, written without it: no weights are trained on this, it shows what they are worth elsewhere.

Homophones of any character, shapes misread by a scanner, forms as clerks fill them in, titles as approvals bear them,
cut-off fields, swapped columns, pinyin and invisible joins.
"""

import csv
import random
import re
import string
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Final

from opencc import OpenCC
from pypinyin import lazy_pinyin

from deploy.linkage.world import Owner, Project

_HONG_KONG: Final = OpenCC("s2hk")
_SHAPES: Final = Path(__file__).parents[2] / "registry" / "name_tables" / "character_features.csv"
_TAIL: Final = re.compile("(?:（集团）|集团)?(?:股份|责任|有限)*公司$")
_PLAIN: Final = string.digits + string.ascii_letters + "()"
_FULL: Final = {ord(sign): chr(ord(sign) + 0xFEE0) for sign in _PLAIN}
_NUMBERS: Final = "〇一二三四五六七八九"


@cache
def common() -> list[str]:
    """The 3,755 characters of the first level of GB 2312."""
    return [bytes((high, low)).decode("gb2312", "ignore") for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF)]


@cache
def homophones() -> dict[str, list[str]]:
    heard: dict[str, list[str]] = defaultdict(list)
    for sign in filter(None, common()):
        heard[lazy_pinyin(sign)[0]].append(sign)
    return {sign: [one for one in group if one != sign] for group in heard.values() for sign in group}


@cache
def misread() -> dict[str, list[str]]:
    """Characters of one last part and three equal corners: what a scanner mistakes."""
    rows = {}
    with _SHAPES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows[row["character"]] = (row["corners"], row["part"])
    by_part: dict[str, list[str]] = defaultdict(list)
    for sign in filter(None, common()):
        if sign in rows:
            by_part[rows[sign][1]].append(sign)
    found = {}
    for group in by_part.values():
        for sign in group:
            near = [
                one
                for one in group
                if one != sign and sum(a == b for a, b in zip(rows[one][0], rows[sign][0], strict=True)) >= 2
            ]
            if near:
                found[sign] = near
    return found


def _exchange(name: str, table: dict[str, list[str]], chance: random.Random) -> str:
    spots = [at for at, sign in enumerate(name[: max(3, len(name) - 4)]) if table.get(sign)]
    if not spots:
        return name
    at = chance.choice(spots)
    return name[:at] + chance.choice(table[name[at]]) + name[at + 1 :]


def _clerk(name: str, chance: random.Random) -> str:
    """What clerks add or leave out around a name."""
    bare = _TAIL.sub("", name)
    return chance.choice(
        (
            f"{name}（盖章）",
            f"{name}财务部",
            f"申请人：{name}",
            f"{bare}有限公司",
            f"{bare}有限责任公司",
            f"{bare}公司",
            bare,
            name.replace("有限责任公司", "有限公司"),
            name.replace("集团", ""),
            f"{name}等",
            name[:-1],
            name[: max(6, len(name) - 3)],
        )
    )


def _hidden(name: str, chance: random.Random) -> str:
    kind = chance.randrange(5)
    if kind == 0:
        return "\u2063".join(name)
    if kind == 1:
        return name.translate(_FULL).replace("公司", "公 司")
    if kind == 2:
        written: str = _HONG_KONG.convert(name)
        return written
    if kind == 3:
        at = chance.randrange(1, len(name)) if len(name) > 1 else 0
        return name[:at] + chance.choice(("-", "_", "*", ".", "\t", "\u3000")) + name[at:]
    return name.replace("工", "⼯").replace("金", "⾦").replace("大", "⼤").replace("高", "⾼").replace("力", "⼒")


def party(owner: Owner, style: str, chance: random.Random) -> str:
    """The owner's name as a record has it."""
    name = chance.choice([owner.name, owner.name, *owner.former])
    kind = chance.random()
    if kind < 0.12:
        name = _exchange(name, homophones(), chance)
    elif kind < 0.2:
        name = _exchange(name, misread(), chance)
    elif kind < 0.42:
        name = _clerk(name, chance)
    elif kind < 0.47 and owner.address[2:3] == "省":
        name = owner.address[:2] + name
    for _ in range(2 if style == "disguised" else chance.random() < 0.25):
        name = _hidden(name, chance)
    return name


def title(project: Project, name: str, style: str, chance: random.Random, *, must_tell: bool) -> str:
    """The project's name as a record has it."""
    owner, kind = project.owner, chance.random()
    if kind < 0.12:
        name = f"关于{name}环境影响报告书的批复"
    elif kind < 0.2:
        name = f"{name}（用地）"
    elif kind < 0.3 and not must_tell:
        name = name.replace(owner.name, "") or name
    elif kind < 0.4:
        name = name.replace(owner.name, _TAIL.sub("", owner.name))
    elif kind < 0.5 and owner.name not in name:
        name = f"{owner.name}-{name}"
    elif kind < 0.58:
        name = name.replace("技术改造", "技改").replace("建设项目", "项目").replace("生产线", "线")
    if chance.random() < 0.3:
        for digit, numeral in enumerate(_NUMBERS):
            name = name.replace(f"第{numeral}期", f"{digit}期").replace(f"{numeral}期", f"第{numeral}期")
    if chance.random() < 0.25:
        name = name.replace("万吨", "万t").replace("立方米", "m³").replace("平方米", "㎡")
    if chance.random() < 0.08 and len(name) > 14 and "期" not in name[-8:]:
        name = _exchange(name, homophones(), chance)
    for _ in range(2 if style == "disguised" else chance.random() < 0.25):
        name = _hidden(name, chance)
    return name
