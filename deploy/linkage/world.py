"""Registered projects and who owns them, for labelled sets; steel plants: Global Energy Monitor, CC BY 4.0."""

import csv
import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from deploy.demo import regions

PLANTS: Final = Path(__file__).parents[1] / "demo" / "data" / "gem" / "china_plants.csv"
SIGNS: Final = (
    "宝合信丰达文华鑫金隆兴盛泰恒瑞祥安东方德昌顺诚永新龙海天中建远大宏伟正通利源明亚联立国力"
    "康富贵春荣辉凯越晨旭振腾飞长青山河江北南西润泽茂林玉铭锦翔岳普阳敬业纵横烘熔冠县沙裕华福"
    "星旺鼎九州友发首创"
)
TRADES: Final = {
    "steel": ("钢铁", "钢铁", "特钢", "冶金", "轧钢", "不锈钢", "实业", "金属制品", "铸造", "钢铁集团"),
    "cement": ("水泥", "建材", "建材水泥", "新材料"),
    "aluminium": ("铝业", "铝电", "电解铝"),
    "glass": ("玻璃", "浮法玻璃", "建材"),
    "ships": ("船舶", "造船", "船舶重工"),
}
FORMS: Final = ("有限公司", "有限公司", "有限责任公司", "股份有限公司", "集团有限公司", "（集团）有限公司")
WORKS: Final[dict[str, tuple[str, ...]]] = {
    "steel": (
        "年产{n}万吨炼钢",
        "年产{n}万吨高炉炼铁",
        "{v}立方米高炉",
        "{m}吨转炉",
        "年产{n}万吨热轧带钢",
        "年产{n}万吨电炉炼钢",
        "{k}号高炉",
        "{k}号转炉",
        "高炉大修改造",
        "{n}万吨/年冷轧薄板",
        "烧结机{a}平方米",
        "棒线材生产线",
        "产能置换升级改造",
        "炼钢系统升级",
        "铸造高炉",
        "余热余压发电",
        "钢渣综合利用",
        "中厚板轧机",
        "精品板材基地",
    ),
    "cement": (
        "日产{d}吨新型干法熟料水泥生产线",
        "年产{n}万吨水泥粉磨站",
        "{d}t/d熟料生产线",
        "水泥窑协同处置",
        "{k}号水泥窑技术改造",
    ),
    "aluminium": ("年产{n}万吨电解铝", "{p}kA预焙槽电解铝", "{k}系列电解槽升级", "铝电一体化"),
    "glass": ("日产{t}吨浮法玻璃生产线", "年产{n}万重量箱平板玻璃", "{k}线冷修改造", "超白玻璃生产线"),
    "ships": ("年产{n}万载重吨船舶建造", "{n}万吨级船坞", "{k}号船台", "海洋工程装备"),
}
ENDINGS: Final = ("项目", "建设项目", "工程", "技术改造项目", "扩建项目", "搬迁改造项目", "新建项目", "技改工程", "")
_TRADE_WORDS: Final = [
    "钢铁",
    "特钢",
    "特种",
    "特殊",
    "冶金",
    "轧钢",
    "不锈",
    "实业",
    "金属",
    "铸造",
    "水泥",
    "建材",
    "材料",
    "铝",
    "玻璃",
    "浮法",
    "船",
    "造船",
    "重工",
    "集团",
    "控股",
    "联合",
    "型钢",
    "钢管",
    "制钢",
    "科技",
    "发展",
    "工业",
    "产业",
    "精密",
    "合金",
    "线材",
    "股份",
    "铸管",
    "炼铁",
    "第",
]
_FORM: Final = re.compile("(?:（集团）)?(?:集团)?(?:股份|有限|责任)*公司|集团$")


@dataclass
class Owner:
    """A company with its former names; `registered` is false where no project of it is in the register."""

    name: str
    former: list[str]
    region: str
    sector: str
    address: str
    registered: bool = True

    @property
    def head(self) -> str:
        """The name without its legal form."""
        return headed(self.name)


@dataclass
class Project:
    """A registered project."""

    code: str
    name: str
    work: str
    stage: str
    owner: Owner
    uscc: str

    def row(self) -> dict[str, str]:
        """As projects.csv has it."""
        return {
            "code": self.code,
            "name": self.name,
            "owner_name": self.owner.name,
            "owner_uscc": self.uscc,
            "former_names": "|".join(self.owner.former),
            "region": self.owner.region,
            "address": self.owner.address,
            "sector": self.owner.sector,
        }


@dataclass
class World:
    """Projects, their owners, and companies of which nothing is registered."""

    projects: list[Project] = field(default_factory=list)
    strangers: list[Owner] = field(default_factory=list)
    names: set[str] = field(default_factory=set)  # that any owner bears or bore
    works: set[tuple[int, str]] = field(default_factory=set)  # which owner has which works

    @cached_property
    def by_owner(self) -> dict[int, list[Project]]:
        """The projects of each owner, by the owner's `id`; for a world that is complete."""
        found: dict[int, list[Project]] = defaultdict(list)
        for one in self.projects:
            found[id(one.owner)].append(one)
        return found

    def of(self, owner: Owner) -> list[Project]:
        """An owner's projects."""
        return self.by_owner[id(owner)]


def headed(name: str) -> str:
    """A company's name without its legal form."""
    found = _FORM.search(name)
    return name[: found.start()] if found and found.start() >= 2 else name


def own_name(name: str) -> tuple[int, int]:
    """Where in a company's name its own name stands: behind its place, before its trade."""
    head = headed(name)
    end = len(head)
    for word in _TRADE_WORDS:
        at = head.find(word, 2)
        if at >= 2:
            end = min(end, at)
    start = 2
    for at in range(3, min(len(head), 9)):
        if head[at - 1] in "省市县区旗" and at < end:
            start = at
    return start, end


def made(size: int, chance: random.Random, *, real: bool) -> World:
    """A world of about `size` projects; the owners are real plants or invented companies."""
    world = World()
    places = list(regions.places().values())
    owners = _plants(places, chance) if real else [_invented(places, chance) for _ in range(max(2, int(size * 0.5)))]
    if real and size > 2 * len(owners):
        owners += [_invented(places, chance) for _ in range(int((size - 2 * len(owners)) * 0.6))]
    once: dict[str, Owner] = {}
    for owner in owners:
        if not any(name in once for name in (owner.name, *owner.former)):
            for name in (owner.name, *owner.former):
                once[name] = owner
    unique = list({id(one): one for one in once.values()}.values())
    chance.shuffle(unique)
    world.names = set(once)
    cut = len(unique) // 8
    world.strangers, holders = unique[:cut], unique[cut:]
    for one in world.strangers:
        one.registered = False
    # Each owner has one project at least, some have many.
    for owner in holders:
        _found(world, owner, chance)
    while len(world.projects) < size:
        _found(world, chance.choice(holders), chance)
    world.projects = world.projects[:size]
    return world


def _found(world: World, owner: Owner, chance: random.Random) -> None:
    """Give an owner a project, or one in two or three stages, unlike those it has."""
    work = chance.choice(WORKS[owner.sector]).format(
        n=chance.choice((10, 20, 30, 50, 60, 80, 100, 120, 150, 200, 300)),
        v=chance.choice((450, 1080, 1780, 2500)),
        m=chance.choice((50, 100, 120, 200)),
        d=chance.choice((2500, 3200, 5000)),
        t=chance.choice((500, 600, 700, 900)),
        k=chance.choice((1, 2, 3, 4, 5)),
        a=chance.choice((198, 265, 360)),
        p=chance.choice((300, 400, 500)),
    )
    # Two works of one owner differ by more than what they are called in passing.
    kind = (id(owner), work)
    if kind in world.works:
        return
    world.works.add(kind)
    style = chance.random()
    place = owner.head[:2]
    head = owner.name if style < 0.55 else owner.head if style < 0.75 else place if style < 0.82 else ""
    ending = chance.choice(ENDINGS)
    stages = ("一期", "二期", "三期")[: chance.choice((2, 3))] if chance.random() < 0.15 else ("",)
    for stage in stages:
        number = len(world.projects)
        region = owner.region
        world.projects.append(
            Project(
                code=f"{chance.randint(2014, 2019)}-{region}-31-03-{number % 10**6:06d}",
                name=f"{head}{work}{stage}{ending}",
                work=work,
                stage=stage,
                owner=owner,
                uscc=f"91{region}{number_of(owner.name) % 10**9:09d}X",
            )
        )


def number_of(text: str) -> int:
    """The same number for the same text in every run."""
    return int.from_bytes(text.encode(), "big") % (10**15 + 37)


def company(place: regions.Place, sector: str, chance: random.Random) -> str:
    """An invented company's name."""
    stem = chance.choice(
        (
            place.stem,
            place.stem,
            place.name.rstrip("市县区"),
            place.province.removesuffix("省"),
            place.province.removesuffix("省") + place.stem,
            place.name,
        )
    )
    core = "".join(chance.choices(SIGNS, k=chance.choice((1, 2, 2, 2, 2, 3))))
    return f"{stem}{core}{chance.choice(TRADES[sector])}{chance.choice(FORMS)}".replace("集团集团", "集团").replace(
        "集团（集团）", "（集团）"
    )


def _invented(places: Sequence[regions.Place], chance: random.Random) -> Owner:
    place, sector = chance.choice(places), chance.choice((*TRADES, "steel", "steel"))
    name = company(place, sector, chance)
    former = []
    if chance.random() < 0.25:
        former = [company(place, sector, chance)]
    if chance.random() < 0.05:
        name += chance.choice(("第一分公司", f"{place.name.rstrip('市县区')}分公司", "炼铁厂"))
    return Owner(
        name,
        former,
        place.code,
        sector,
        f"{place.full_name}{chance.choice(('工业园', '经济开发区', '钢铁路', '新城大街'))}{chance.randint(1, 99)}号",
    )


def _plants(places: Sequence[regions.Place], chance: random.Random) -> list[Owner]:
    found = []
    with PLANTS.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            name = row["Plant name (other language)"].split(",")[0].strip()
            address = row["Other language location address"].strip()
            code = next((one.code for one in places if one.name in address and one.city[:2] in address), "")
            if not name or not code:
                continue
            others = [one.split("(")[0].strip() for one in row["Other plant names (other language)"].split(",")]
            former = [one for one in dict.fromkeys(others) if len(one) > 3 and one != name]
            found.append(Owner(name, former, code, "steel", address))
    return found
