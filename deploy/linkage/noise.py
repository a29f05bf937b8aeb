"""How names get written by agencies and by those who hide: the noise that the linker's weights are trained on."""

import random
from collections.abc import Callable
from functools import cache
from typing import Final

from opencc import OpenCC
from pypinyin import lazy_pinyin

from deploy.linkage.world import ENDINGS, FORMS, SIGNS, Owner, Project, headed, own_name

Change = Callable[[str, random.Random], str]
HOMOPHONES: Final = (
    "信新鑫欣心",
    "华花化",
    "宏红洪鸿弘",
    "兴星行",
    "达大",
    "丰峰锋枫风",
    "盛胜圣",
    "金锦津今",
    "恒衡横",
    "昌长常",
    "建健剑",
    "龙隆",
    "立利力丽",
    "东冬",
    "源元园远原",
    "明铭名",
    "合和河",
    "宝保堡",
    "文纹",
    "瑞锐",
    "祥翔详",
    "德得",
    "顺舜",
    "成诚城",
    "海嗨",
    "钢刚",
)
LOOKS: Final = {
    "己": "已",
    "未": "末",
    "土": "士",
    "口": "ロ",
    "铁": "鉄",
    "治": "冶",
    "天": "夭",
    "人": "入",
    "高": "髙",
    "力": "カ",
    "工": "エ",
    "二": "ニ",
    "卜": "ト",
    "金": "釒",
    "八": "ハ",
}
CONFUSED: Final = (
    "钢纲",
    "铁轶",
    "泰秦",
    "鑫金",
    "丰半",
    "业亚",
    "太大",
    "日曰",
    "宝室",
    "玉王",
    "特持",
    "冶治",
    "源原",
    "玻坡",
    "泥呢",
)
UNSEEN: Final = ("\u200b", "\u200d", "\ufeff", "\u00ad", "\u2060", "\ufe00")
_TRADITIONAL: Final = OpenCC("s2t")


def abbreviated(name: str, chance: random.Random) -> str:
    """The name as people say it."""
    head = headed(name)
    if chance.random() < 0.25 and head.endswith(("钢铁", "铝业", "水泥")) and len(head) > 4:
        head = head[:-1] if chance.random() < 0.5 else head[:-2]
    return head if chance.random() < 0.8 else head + "公司"


def without_place(name: str, chance: random.Random) -> str:
    """Without its first two characters, where they are most often a place."""
    for word in ("省", "市", "县", "区"):
        if word in name[1:7]:
            return name[name.index(word, 1) + 1 :]
    return name[2:] if len(headed(name)) > 6 else name


def with_place(owner: Owner, name: str, chance: random.Random) -> str:
    """With the province or city put before."""
    return owner.address[: chance.choice((3, 6))] + name if owner.address[2:3] == "省" else name


def mistyped(name: str, chance: random.Random) -> str:
    """One character exchanged for one that sounds or looks like it, lacking, doubled or moved."""
    groups = HOMOPHONES if chance.random() < 0.7 else CONFUSED
    spots = [(at, group) for at, sign in enumerate(name) for group in groups if sign in group]
    if spots and chance.random() < 0.6:
        at, group = chance.choice(spots)
        return name[:at] + chance.choice([one for one in group if one != name[at]]) + name[at + 1 :]
    kind, tail = chance.random(), max(2, len(headed(name)) - 2)
    if len(name) <= tail + 2:
        return name
    # Characters of legal form and trade tell no companies apart.
    at = chance.randrange(tail, len(name) - 1)
    if kind < 0.4:
        return name[:at] + name[at + 1 :]
    if kind < 0.7:
        return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    return name[: at + 1] + name[at:]


def lacking_one(name: str, chance: random.Random) -> str:
    """One character of a longer own name left out."""
    head = headed(name)
    at = chance.randrange(1, len(head)) if len(head) > 6 else 0
    return name[:at] + name[at + 1 :] if at else name


def other_form(name: str, chance: random.Random) -> str:
    """Another legal form."""
    head = headed(name)
    return head + chance.choice([one for one in FORMS if not name.endswith(one)]) if head != name else name


def unseen(name: str, chance: random.Random) -> str:
    """Characters between that nobody sees."""
    return "".join(one + (chance.choice(UNSEEN) if chance.random() < 0.3 else "") for one in name)


def looked_alike(name: str, chance: random.Random) -> str:
    """Characters that look like others."""
    return "".join(LOOKS.get(one, one) if chance.random() < 0.7 else one for one in name)


def wide(name: str, chance: random.Random) -> str:
    """Full-width digits and letters."""
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in name)


def traditional(name: str, chance: random.Random) -> str:
    """Traditional characters."""
    written: str = _TRADITIONAL.convert(name)
    return written


def spaced(name: str, chance: random.Random) -> str:
    """Spaces and dots between."""
    return "".join(one + (chance.choice(" ·　") if chance.random() < 0.2 else "") for one in name)


def bracketed(name: str, chance: random.Random) -> str:
    """Brackets of another kind."""
    return name.replace("（", chance.choice("([【")).replace("）", chance.choice(")]】"))


def as_it_is(name: str, chance: random.Random) -> str:
    """Unchanged."""
    return name


LIGHT: Final[tuple[Change, ...]] = (wide, traditional, spaced, bracketed, as_it_is, as_it_is)
FUZZY: Final[tuple[Change, ...]] = (
    abbreviated,
    abbreviated,
    without_place,
    mistyped,
    mistyped,
    other_form,
    lacking_one,
)
HIDING: Final[tuple[Change, ...]] = (unseen, looked_alike, wide, traditional, spaced, mistyped)


def party(owner: Owner, style: str, chance: random.Random) -> str:
    """The owner's name as a record has it."""
    name = chance.choice(owner.former) if owner.former and chance.random() < 0.3 else owner.name
    if chance.random() < 0.45:
        change = chance.choice(FUZZY)
        name = change(name, chance)
        if change is other_form and chance.random() < 0.3:
            name = mistyped(name, chance)
    elif chance.random() < 0.1:
        name = with_place(owner, name, chance)
    return _dressed(name, style, chance)


def _dressed(name: str, style: str, chance: random.Random) -> str:
    for change in chance.sample(HIDING, k=2) if style == "disguised" else (chance.choice(LIGHT),):
        name = change(name, chance)
    return name


def title(project: Project, name: str, style: str, chance: random.Random, *, must_tell: bool) -> str:
    """The project's name as a record has it: numerals, units, order, parts left out; never another stage or work."""
    owner = project.owner
    for kind in chance.sample(range(7), k=chance.choice((0, 1, 1, 2, 2))):
        if kind == 0:
            for chinese, digit in (("一期", "1期"), ("二期", "Ⅱ期"), ("三期", "第3期")):
                name = name.replace(chinese, digit)
        elif kind == 1 and not must_tell:
            name = name.replace(owner.name, chance.choice(("", owner.head)))
        elif kind == 1:
            name = name.replace(owner.name, owner.head)
        elif kind == 2:
            for ending in sorted(filter(None, ENDINGS), key=len, reverse=True):
                name = name.removesuffix(ending)
            name += chance.choice(("项目", "工程", "建设工程", "", "技改项目"))
        elif kind == 3:
            name = name.replace("立方米", "m3").replace("万吨", chance.choice(("万吨", "0000吨", "0000t", "万t")))
        elif kind == 4 and "年产" in name:
            head, tail = name.split("年产", 1)
            name = (
                f"{head}{tail.replace('项目', '')}（年产{tail[: tail.find('吨') + 1]}）项目" if "吨" in tail else name
            )
        elif kind == 5 and len(name) > 12:
            name = mistyped(name, chance) if not any(one in name[-8:] for one in "一二三") else name
        elif kind == 6 and owner.name not in name and owner.head not in name:
            name = chance.choice((owner.name, owner.head)) + name
    return _dressed(name, style, chance)


@cache
def _sound(sign: str) -> str:
    return lazy_pinyin(sign)[0].replace("ng", "n")


def namesake(name: str, chance: random.Random) -> str:
    """Another company: one character of the own name is another that neither looks nor sounds like it.

    '' where the company is called after its place alone: with another character it would be a typing error.
    """
    start, end = own_name(name)
    if end <= start:
        return ""
    at = chance.randrange(start, min(end, len(name)))
    if not "一" <= name[at] <= "龥":
        return ""
    alike = "".join(group for group in (*HOMOPHONES, *CONFUSED) if name[at] in group)
    sound = _sound(name[at])
    others = [one for one in SIGNS if one not in alike + name[at] and _sound(one) != sound]
    return name[:at] + chance.choice(others) + name[at + 1 :]
