"""The five sectors as the demo invents projects of them: industry, products, sizes, words."""

from dataclasses import dataclass

from deploy.demo.chance import Chance
from deploy.demo.world import Json


@dataclass(frozen=True)
class Line:
    """A kind of project: its words, product and the sizes it comes in."""

    name: str  # with {size}
    product: str
    unit: str
    industry: str
    sizes: tuple[int, ...]  # as the name states them
    factor: int  # amount in unit = size * factor
    process: str | None = None


@dataclass(frozen=True)
class Sector:
    """A sector with the words of company names and its lines."""

    trades: tuple[str, ...]
    lines: tuple[Line, ...]
    division: str  # GB/T 4754, in old project codes
    licence: str  # prefix of production licences


SECTORS: dict[str, Sector] = {
    "steel": Sector(
        ("钢铁", "特钢", "炼铁", "钢铁冶金"),
        (
            Line(
                "年产{size}万吨炼钢项目", "crude_steel", "t/a", "3120", (60, 80, 100, 120, 150, 200, 300), 10000, "BOF"
            ),
            Line("年产{size}万吨电炉炼钢项目", "crude_steel", "t/a", "3120", (50, 60, 75, 100), 10000, "EAF"),
            Line("年产{size}万吨高炉炼铁项目", "pig_iron", "t/a", "3110", (90, 110, 118, 150, 250), 10000, "BF"),
        ),
        "31",
        "XK05-001",
    ),
    "cement": Sector(
        ("水泥", "建材水泥", "特种水泥"),
        (
            Line("日产{size}吨新型干法熟料水泥生产线项目", "clinker", "t/a", "3011", (2500, 3200, 4000, 5000), 310),
            Line("年产{size}万吨水泥粉磨站项目", "cement", "t/a", "3011", (60, 80, 100, 120), 10000),
        ),
        "30",
        "XK08-001",
    ),
    "aluminium": Sector(
        ("铝业", "铝电", "电解铝"),
        (Line("年产{size}万吨电解铝项目", "aluminium", "t/a", "3216", (10, 15, 20, 25, 40), 10000, "pre-baked pots"),),
        "32",
        "XK10-002",
    ),
    "glass": Sector(
        ("玻璃", "浮法玻璃", "平板玻璃"),
        # A line of 600 t a day makes about 3.6 million weight cases of 50 kg a year.
        (
            Line(
                "日产{size}吨浮法玻璃生产线项目",
                "flat_glass",
                "weight_case/a",
                "3041",
                (500, 600, 700, 900, 1000),
                6000,
            ),
        ),
        "30",
        "XK08-003",
    ),
    "ships": Sector(
        ("船舶", "造船", "船舶重工"),
        (
            Line("年产{size}万载重吨船舶建造项目", "ships", "dwt/a", "3731", (20, 30, 50, 80, 120), 10000),
            Line("{size}万吨级船坞建设项目", "ships", "dwt/a", "3731", (10, 15, 30), 10000),
        ),
        "37",
        "XK13-001",
    ),
}
# Ships are built where there is a sea or a great river.
SHIP_PROVINCES = ("12", "13", "21", "31", "32", "33", "34", "35", "36", "37", "42", "43", "44", "45", "46", "50", "51")
COAST = ("12", "13", "21", "31", "32", "33", "35", "37", "44", "45", "46")
# The edition of 2011 numbers rolling 3140; what the demo invents bears the same number in both.
EDITION_OF_2017_FROM = 2018


def sectors_of(province: str) -> tuple[str, ...]:
    """The sectors that the province may hold."""
    return tuple(sector for sector in SECTORS if sector != "ships" or province in SHIP_PROVINCES)


def capacity(line: Line, size: int) -> Json:
    """A capacity line of the size that the project's name states."""
    amount: Json = {"product": line.product, "amount": str(size * line.factor), "unit": line.unit}
    return amount | ({"process": line.process} if line.process else {})


def choose(chance: Chance, sector: str) -> tuple[Line, int]:
    """A kind of project and its size."""
    line = chance.one(SECTORS[sector].lines)
    return line, chance.one(line.sizes)
