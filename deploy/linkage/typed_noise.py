"""Names as they are typed: by pinyin with wrong choices, characters swapped, places added or dropped, titles retold."""

import random
import re
from collections import defaultdict
from functools import cache
from typing import Final

from opencc import OpenCC
from pypinyin import lazy_pinyin

from deploy.linkage.other_noise import common, homophones, misread
from deploy.linkage.world import Owner, Project, headed

_TAIWAN: Final = OpenCC("s2tw")
_UNSEEN: Final = "\u200b\u200c\u2060\u2064\u180e\u202a\ufe0e\u034f\u115f\u3164"
_JOINS: Final = (" ", "\u3000", "\u2009", "·", "•", "-", "_", "/", "、", ".")
_BUILT: Final = (
    "项目",
    "建设项目",
    "工程",
    "技改",
    "技术改造项目",
    "扩建工程",
    "迁建项目",
    "新建工程",
    "改扩建项目",
    "升级改造工程",
)
_AROUND: Final = (
    "关于{}环境影响评价文件的批复", "{}用地", "{}可行性研究", "新建{}", "{}（变更）", "{}竣工环保验收", "{}项目贷款",
    "{}排污许可",
)  # fmt: skip
_BEHIND: Final = ("（章）", "项目部", "本部", "（存续）", "（筹）", "厂", "集团")
_PLACE: Final = re.compile("^.{2,7}?(?:省|自治区|市|县|区|旗)")
_BUILDING: Final = re.compile(
    f"(?:{'|'.join(sorted(_BUILT, key=len, reverse=True))}|搬迁改造项目|技改工程|新建项目|扩建项目)$"
)
_STAGE: Final = re.compile("([一二三])期")


@cache
def _near_sounds() -> dict[str, list[str]]:
    """Characters that people who do not tell zh from z, n from l, ng from n type for one another."""
    heard: dict[str, list[str]] = defaultdict(list)
    for sign in filter(None, common()):
        sound = lazy_pinyin(sign)[0].replace("zh", "z").replace("ch", "c").replace("sh", "s")
        sound = "n" + sound[1:] if sound.startswith("l") else sound
        heard[sound.removesuffix("g") if sound.endswith("ng") else sound].append(sign)
    return {sign: [one for one in group if one != sign] for group in heard.values() for sign in group}


def _exchanged(text: str, table: dict[str, list[str]], chance: random.Random, most: int) -> str:
    spots = [at for at, sign in enumerate(text[:most]) if table.get(sign) and sign not in "一二三四五期号万千"]
    if not spots:
        return text
    at = chance.choice(spots)
    return text[:at] + chance.choice(table[text[at]]) + text[at + 1 :]


def _typed(name: str, owner: Owner, chance: random.Random) -> str:
    """One way in which a name goes wrong."""
    head, kind = len(headed(name)), chance.random()
    if kind < 0.2:
        return _exchanged(name, homophones(), chance, head)
    if kind < 0.26:
        return _exchanged(name, _near_sounds(), chance, head)
    if kind < 0.32:
        return _exchanged(name, misread(), chance, head)
    at = chance.randrange(1, len(name) - 1)
    if kind < 0.38:
        return name[: at - 1] + name[at] + name[at - 1] + name[at + 1 :]
    if kind < 0.44 and head > 5:
        return name[:at] + name[at + 1 :]
    if kind < 0.48:
        return name[:at] + name[at:][:1] + name[at:]
    if kind < 0.58:
        without = _PLACE.sub("", name)
        return without if len(headed(without)) >= 4 else name
    if kind < 0.7:
        return chance.choice((owner.address[:3], owner.address[:2], owner.address[:6])) + name
    if kind < 0.78:
        return headed(name)
    if kind < 0.86:
        return headed(name) + chance.choice(("公司", "有限公司", "股份公司", "集团有限公司", "有限责任公司"))
    if kind < 0.91 and owner.former and name == owner.name:
        return f"{name}（原{chance.choice(owner.former)}）"
    if kind < 0.96:
        return name + chance.choice(_BEHIND)
    return name[: max(7, len(name) - chance.randint(1, 4))]


def party(owner: Owner, style: str, chance: random.Random) -> str:
    """The owner's name as a record has it."""
    name = chance.choice(owner.former) if owner.former and chance.random() < 0.3 else owner.name
    if chance.random() < 0.55:
        name = _typed(name, owner, chance)
    return _dressed(name, style, chance)


def title(project: Project, name: str, style: str, chance: random.Random, *, must_tell: bool) -> str:
    """The project's name as a record has it: the same works, told in other words."""
    owner = project.owner
    if chance.random() < 0.35:
        held = next((one for one in (owner.name, owner.head) if one in name), "")
        others = [owner.name, owner.head, *([] if must_tell else ["", ""])]
        name = chance.choice(others) + name.removeprefix(held) if name.startswith(held) else name
    if chance.random() < 0.4:
        name = _BUILDING.sub("", name) + chance.choice((*_BUILT, ""))
    if chance.random() < 0.2 and (stage := _STAGE.search(name)) is not None:
        name = f"{name[: stage.start()]}{name[stage.end() :]}（{chance.choice(('', '第'))}{stage[0]}）"
    if chance.random() < 0.5:
        name = re.sub(
            r"年产(\d+)万吨", lambda one: chance.choice(("{}万吨/年", "{}万t/a", "{}万吨")).format(one[1]), name
        )
        name = re.sub(r"(\d)立方米", lambda one: one[1] + chance.choice(("m³", "m3", "立方")), name)
        name = re.sub(r"(\d)号", lambda one: one[1] + chance.choice(("#", "＃", "号")), name)
    if chance.random() < 0.12:
        name = chance.choice(_AROUND).format(name)
    if chance.random() < 0.14:
        name = _exchanged(name, homophones(), chance, len(name))
    return _dressed(name, style, chance)


def _dressed(name: str, style: str, chance: random.Random) -> str:
    for _ in range(chance.choice((1, 2, 2, 3)) if style == "disguised" else chance.random() < 0.18):
        name = _disguised(name, chance)
    return name


def _disguised(name: str, chance: random.Random) -> str:
    kind = chance.randrange(7)
    if kind == 0:
        return "".join(sign + (chance.choice(_UNSEEN) if chance.random() < 0.5 else "") for sign in name)
    if kind == 1:
        return chance.choice(_JOINS[:5]).join(name)
    if kind == 2:
        written: str = _TAIWAN.convert(name)
        return written
    if kind == 3:
        return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in name)
    if kind == 4:
        return "".join(sign + ("\u0336" if chance.random() < 0.6 else "") for sign in name)
    if kind == 5 and len(name) > 1:
        at = chance.randrange(1, len(name))
        between: str = chance.choice((*_JOINS, *_UNSEEN))
        return f"{name[:at]}{between}{name[at:]}"
    around = chance.choice(("“{}”", "【{}】", "({})", "〔{}〕"))
    return str(around.format(name))
