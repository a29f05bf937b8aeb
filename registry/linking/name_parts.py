"""What a normal name says: a company's place, own name, trade, branch; a project's phases, numbers, amounts, words."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from registry.linking.places import named_places

_FORMS: Final = re.compile(
    "(?:集团)?(?:股份有限责任公司|股份有限公司|有限责任公司|股份合作公司|股份制公司|有限公司|责任公司|股份公司|集团公司|"
    "实业公司|总公司|公司|总厂|集团|控股|股份|有限|厂)+$"
)
_TRADES: Final = re.compile(
    "(?:特殊钢铁|特殊钢|钢铁联合|钢铁|特钢|不锈钢|钢管|铸管|带钢|型钢|线材|棒线材|制钢|炼钢|炼铁|轧钢|钢业|铁业|轧制|"
    "建材水泥|水泥|建材|熟料|电解铝|铝电|铝业|铝|平板玻璃|浮法玻璃|玻璃|船舶重工|船舶修造|船舶|造船|重工|冶金|冶炼|"
    "金属制品|金属材料|金属|新材料|材料|实业|工业|科技|制造|制品|铸造|铸业|镍业|合金|矿业|能源|发展|集团|控股|商贸|贸易|"
    "投资|装备|新型|联合|有限)+$"
)
# What clerks write around a company's name, and what approvals put around a project's.
_CLERKS: Final = re.compile(
    "^(?:申请人|申请单位|建设单位|项目单位|单位名称|企业名称|借款人|受让人|受让方|使用权人|竞得人)|"
    "(?<=公司)(?:原名?|曾用名|现名?|更名为).+$|"
    "(?:盖章|公章|签章|章|等|财务部|工程部|项目部|筹建处|办公室|本部|存续|筹)$"
)
_BOILERPLATE: Final = re.compile(
    "^关于(?:同意|核准|批准|印发)?|环境影响(?:评价)?(?:报告书|报告表|登记表|文件)?|可行性研究报告|节能(?:评估)?(?:报告书?|报告表|审查)|"
    "可行性研究$|初步设计|水土保持方案|竣工环境保护验收|竣工环保验收|环保验收|建设用地|用地预审|"
    "(?:项目)?(?:备案|核准)(?:证|通知书)?$|的?(?:批复|复函|审批意见|审查意见|意见|函|通知|公告|公示|请示)$|"
    "用地$|(?:项目)?贷款$|固定资产(?:贷款)?$|排污许可证?$|变更$"
)
# How something is built, as against what: clerks take one of these words for another.
_BUILDING: Final = re.compile(
    "^新建|改扩建|新建|扩建|改建|迁建|续建|易地改造|搬迁改造|环保搬迁|技术改造|技改|升级改造|改造升级|技术升级|改造|升级"
)
# How the name of a group or of a head company ends.
_GROUP: Final = re.compile("(?:集团|总公司|总厂)(?:股份|控股|有限|责任|公司)*$")
_COMPANY: Final = re.compile("^.{2,40}?(?:公司|总厂|厂|集团)")

_LEVELS: Final = frozenset("省市县区")
_PHASE: Final = re.compile(r"(\d+)(?:期|阶段|步|标段)|(?:期|阶段)(\d+)")
_NUMBERED: Final = re.compile(r"(\d+)(?:号线?|线)|号(\d+)")
_AMOUNT: Final = re.compile(
    r"(\d+(?:\.\d+)?)(亿|百万|万|千)?(重量箱|载重吨|吨级|吨|ta|t|m3|立方|m2|平方米|平米|ka|kva|mva|mw|kw|千瓦|兆瓦|千安)"
)
_COUNT: Final = re.compile(r"\d+(?:座|台|条|套|个|组)")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_TIMES: Final = {"亿": 1e8, "百万": 1e6, "万": 1e4, "千": 1e3, "": 1.0}
_UNITS: Final = {
    "t": "吨", "ta": "吨", "载重吨": "吨", "吨级": "吨", "立方": "m3", "平方米": "m2", "平米": "m2",
    "千瓦": "kw", "兆瓦": "mw", "千安": "ka",
}  # fmt: skip
# Words that say nothing of which project it is, and shorter words for longer ones.
_FILLING: Final = re.compile("建设项目|工程项目|项目|工程|建设|年产量|年产能|年产|日产|产能|规模|公司|有限")
_SHORTER: Final = {"技术改造": "技改", "技术升级": "升级", "节能环保": "环保", "的": "", "及": "", "和": "", "与": ""}


@dataclass(frozen=True, slots=True)
class CompanyParts:
    """A company's name in parts; `core` is its own name, or where it has none its place; never empty for a name."""

    place: str
    core: str
    stem: str  # without legal form and branch
    branch: str
    trade: str


@dataclass(frozen=True, slots=True)
class ProjectParts:
    """What a project's name says besides its owner; masks have a bit for each thing named."""

    words: str  # without numbers and filling words
    works: str  # what is built: the words without how it is built, where that leaves any
    phases: tuple[int, int]
    numbers: tuple[int, int]
    amounts: tuple[int, int]


def _place_end(text: str, at: int) -> int:
    """Where the longest place's name that begins at `at` ends; `at` where none does."""
    names, longest = named_places()
    for end in range(min(len(text), at + longest), at + 1, -1):
        if text[at:end] in names:
            return end + (text[end : end + 1] in _LEVELS)
    return at


@lru_cache(maxsize=131072)
def places_of(text: str) -> tuple[str, ...]:
    """The places that a text begins with."""
    found, at = [], 0
    while (end := _place_end(text, at)) > at:
        found.append(text[at:end])
        at = end
    return tuple(found)


@lru_cache(maxsize=131072)
def company_parts(name: str) -> CompanyParts:
    """The parts of a company's normal name."""
    head, mark, branch = _CLERKS.sub("", name).partition("公司")
    whole = head + mark
    bare = _FORMS.sub("", whole) or whole
    places = places_of(bare)
    place = "".join(places)
    rest = bare[len(place) :]
    core = _TRADES.sub("", rest)
    trade = rest[len(core) :]
    if not core and len(places) > 1:
        # 河北东海钢铁: Donghai is a county elsewhere and here the company's own name.
        core, place = places[-1], place.removesuffix(places[-1])
    return CompanyParts(place, core or place or bare, bare, branch, trade)


@lru_cache(maxsize=131072)
def bare_title(name: str) -> str:
    """A project's normal name without what an approval's title puts around it."""
    for _ in range(3):
        shorter = _BOILERPLATE.sub("", name)
        if shorter == name or len(shorter) < 2:
            break
        name = shorter
    return name


def subsidiary(group: str, owner: str) -> bool:
    """Whether one name is a group's or head company's and the other that of a company below it (both normal).

    山东钢铁集团有限公司 is not 山东钢铁集团日照有限公司; 唐山国丰集团 may well be 唐山国丰钢铁有限公司.
    """
    if _GROUP.search(group) is None:
        return False
    above, below = company_parts(group).stem, company_parts(owner).stem
    own = _TRADES.sub("", below.removeprefix(above).removeprefix("集团"))
    return len(above) >= 2 and below.startswith(above) and below != above and len(own) >= 2


def company_in(name: str) -> str:
    """The company that a project's name begins with, as far as it says so; '' where it does not."""
    found = _COMPANY.match(name)
    return found.group() if found else ""


def _mask(kind: str, told: Sequence[object]) -> tuple[int, int]:
    """Two numbers of 63 bits with a bit for each thing: equal, part of, or apart can be told for many at once."""
    one = other = 0
    for thing in told:
        number = hash_of(f"{kind}{thing}")
        one |= 1 << number % 63
        other |= 1 << number // 63 % 61
    return one, other


@lru_cache(maxsize=65536)
def hash_of(text: str) -> int:
    """The same number for the same text in every process."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value ^ value >> 29


@lru_cache(maxsize=131072)
def project_parts(name: str) -> ProjectParts:
    """The parts of a project's normal name; amounts are in the plain unit: 100万吨 and 1000000t are one."""
    name = bare_title(name)
    # Amounts first: 265m21期 is the first stage of 265 square metres.
    amounts = [
        (_UNITS.get(unit, unit), round(float(value) * _TIMES[times])) for value, times, unit in _AMOUNT.findall(name)
    ]
    bare = _AMOUNT.sub(" ", name)
    phases = [int(one or other) for one, other in _PHASE.findall(bare)]
    bare = _PHASE.sub(" ", bare)
    numbers = [f"号{int(one or other)}" for one, other in _NUMBERED.findall(bare)]
    bare = _COUNT.sub(" ", _NUMBERED.sub(" ", bare))
    numbers += [f"数{one}" for one in _NUMBER.findall(bare)]
    words = _FILLING.sub("", _NUMBER.sub("", bare)).replace(" ", "")
    for longer, shorter in _SHORTER.items():
        words = words.replace(longer, shorter)
    works = _BUILDING.sub("", words)
    return ProjectParts(
        words,
        works if len(works) >= 2 else words,
        _mask("期", phases),
        _mask("", numbers),
        _mask("量", amounts),
    )


@lru_cache(maxsize=1)
def _characters() -> list[dict[str, str]]:
    path = Path(__file__).parents[1] / "name_tables" / "character_features.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@lru_cache(maxsize=1)
def sounds() -> dict[int, str]:
    """Each character to two stand-ins: how its reading begins and how it ends; n and ng, z and zh sound alike."""
    known: dict[str, str] = {}
    return {
        ord(row["character"]): "".join(
            known.setdefault(one, chr(0xF0000 + len(known))) for one in (f"{row['begin']}-", f"-{row['end']}")
        )
        for row in _characters()
    }


@lru_cache(maxsize=1)
def shapes() -> dict[int, str]:
    """Each character to six stand-ins for what it looks like: its four corners and, twice, its last part."""
    return {
        ord(row["character"]): "".join(chr(0xF1000 + 10 * at + int(one)) for at, one in enumerate(row["corners"]))
        + row["part"] * 2
        for row in _characters()
    }
