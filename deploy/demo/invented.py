"""Invented enterprises and projects: every name bears 示例, every one is marked invented."""

from dataclasses import dataclass, field
from datetime import date

from deploy.demo import numbers
from deploy.demo.chance import Chance, days_after
from deploy.demo.regions import FORMER_CODES, Place, places, provinces
from deploy.demo.sectors import SECTORS, Line, capacity, choose
from deploy.demo.sources import SYNTHETIC
from deploy.demo.world import Json, Undertaking, World

DIGITS = "零一二三四五六七八九"
FIRST_INVENTED_SERIAL = 100000
SUFFIXES = ("有限公司", "有限公司", "有限责任公司", "股份有限公司", "（集团）有限公司", "集团有限公司")
NUMBER_OFFICES = {"approval": "发改审批", "verification": "发改核准", "filing": "发改备"}


def numeral(number: int) -> str:
    """A Chinese numeral below one hundred: 二十三."""
    tens, ones = divmod(number, 10)
    if tens == 0:
        return DIGITS[ones]
    return ("" if tens == 1 else DIGITS[tens]) + "十" + (DIGITS[ones] if ones else "")


@dataclass
class Registry:
    """Gives out references, serials and names, each once."""

    world: World
    counters: dict[str, int] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def next(self, what: str) -> int:
        """The next number of its kind."""
        self.counters[what] = self.counters.get(what, 0) + 1
        return self.counters[what]

    def company_name(self, chance: Chance, place: Place, trade: str) -> str:
        """A company name that no other has, and of which no other in the place is a mere variant."""
        return f"{place.stem}示例{numeral(self.next('name/' + place.stem))}{trade}{chance.one(SUFFIXES)}"

    def enterprise(self, chance: Chance, place: Place, trade: str, registered: bool = True) -> Json:
        """An invented enterprise; one that is not registered exists in records only."""
        name = self.company_name(chance, place, trade)
        serial = FIRST_INVENTED_SERIAL + self.next("uscc")
        enterprise: Json = {
            "reference": f"demo:E{self.next('enterprise'):04d}" if registered else None,
            "uscc": numbers.uscc(place.code, serial),
            "name": name,
            "region": place.code,
            "address": f"{place.full_name}示例工业园{chance.whole(1, 99)}号",
            "names": [],
            "owners": [],
            "invented": True,
            "synthetic_fields": ["uscc", "name", "address"],
            "source": SYNTHETIC,
        }
        if registered:
            self.world.enterprises.append(enterprise)
        return enterprise

    def project_name(self, owner: Json, line_name: str, chance: Chance) -> str:
        """A project name of its own: the owner's name or its short form, and a phase when there are several."""
        prefix = owner["name"] if chance.happens(0.7) else owner["name"].split("有限")[0]
        phases = ("", "一期", "二期", "三期", "四期", "五期", "六期")
        for phase in phases if chance.happens(0.75) else phases[1:]:
            name = f"{prefix}{line_name.removesuffix('项目')}{phase}项目"
            if name not in self.names:
                self.names.add(name)
                return str(name)
        raise AssertionError(f"more than six projects named {prefix}{line_name}")


@dataclass(frozen=True)
class Wish:
    """What an invented project should be; absent means by chance."""

    stage: str = "operating"
    nature: str = "new_build"
    line: Line | None = None
    size: int | None = None
    code_on: date | None = None  # the day the code was given out
    kind: str = "filing"  # what the code says of the procedure


def place_of(chance: Chance, province: str) -> Place:
    """A county of the province with a short name, so that company names stay readable."""
    short = [
        place for place in places().values() if place.code[:2] == province and len(place.name) == 3 and place.longitude
    ]
    favoured = [place for place in short if place.code in FORMER_CODES or place.code[:4] == "4206"]
    return chance.one(favoured) if favoured and chance.happens(0.25) else chance.one(short)


def province_at(position: int) -> str:
    """The provinces in turn, so that a run of positions covers all of them."""
    listed = sorted(provinces())
    return listed[position % len(listed)]


def project(registry: Registry, chance: Chance, owner: Json, sector: str, wish: Wish) -> Undertaking:
    """An invented project of the owner, without approvals."""
    line, size = choose(chance, sector)
    line, size = wish.line or line, wish.size or size
    place = places()[owner["region"]]
    code = None
    if wish.code_on is not None:
        division = SECTORS[sector].division
        code = numbers.project_code(wish.code_on, place.code, division, wish.kind, registry.next("code") * 7 + 11)
    shift = chance.whole(-300, 300) / 10000
    made: Json = {
        "reference": f"demo:P{registry.next('project'):04d}",
        "code": code,
        "name": registry.project_name(owner, line.name.format(size=size), chance),
        "owner": owner["reference"],
        "sector": sector,
        "industry": line.industry,
        "industry_edition": "2017",
        "region": place.code,
        "address": owner["address"],
        "longitude": round(float(place.longitude) + shift, 6),
        "latitude": round(float(place.latitude) - shift, 6),
        "nature": wish.nature,
        "stage": wish.stage,
        "capacities": [capacity(line, size)],
        "approvals": [],
        "equipment": [],
        "invented": True,
        "synthetic_fields": ["code", "approvals", "name", "owner", "capacities"],
        "source": SYNTHETIC,
    }
    registry.world.projects.append(made)
    return Undertaking(made, owner, wish.code_on if code else None)


def approve(chance: Chance, undertaking: Undertaking, issued: date, kind: str = "filing", **more: object) -> Json:
    """Add an approval, verification or filing to the project."""
    project = undertaking.project
    region = str(project["region"])
    authority = places()[region].city if region in places() else "示例市"
    approval: Json = {
        "reference": f"{project['reference']}/A{len(project['approvals']) + 1}",
        "kind": kind,
        "number": numbers.document_number(chance, region, issued, NUMBER_OFFICES[kind]),
        "authority": f"{authority}发展和改革委员会（示例）",
        "issued": issued.isoformat(),
        "synthetic": True,
    }
    for key, value in more.items():
        approval[key] = value.isoformat() if isinstance(value, date) else value
    project["approvals"].append(approval)
    return approval


def declared(chance: Chance, approved: date) -> date:
    """The day a code is given out: some months before the approval."""
    return days_after(approved, -chance.whole(20, 200))
