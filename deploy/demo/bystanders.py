"""Records of no interest: hospitals, roads, warehouses; registered projects of other sectors; records of nothing."""

from datetime import date

from deploy.demo import invented, numbers, regions
from deploy.demo.acts import Telling, act
from deploy.demo.chance import LAST_ACT, Chance
from deploy.demo.invented import Registry
from deploy.demo.sources import SYNTHETIC
from deploy.demo.world import Draft, Json, Undertaking, World

# name of the party, name of the project, GB/T 4754-2017 class
OTHERS = (
    ("{place}示例第{n}人民医院", "{place}示例第{n}人民医院门诊综合楼项目", "8411"),
    ("{place}示例{n}交通投资有限公司", "{place}示例{n}号公路改建项目", "4812"),
    ("{place}示例第{n}中学", "{place}示例第{n}中学教学楼项目", "8334"),
    ("{place}示例{n}水务有限公司", "{place}示例{n}号污水处理厂项目", "4620"),
    ("{place}示例{n}物流有限公司", "{place}示例{n}号仓储物流园项目", "5990"),
    ("{place}示例{n}置业有限公司", "{place}示例{n}号住宅小区项目", "7010"),
    ("{place}示例{n}食品有限公司", "{place}示例{n}食品加工车间项目", "1439"),
    ("{place}示例{n}新能源有限公司", "{place}示例{n}号风电场项目", "4415"),
)
USES = {
    "8411": "医疗卫生用地",
    "4812": "公路用地",
    "8334": "教育用地",
    "4620": "公用设施用地",
    "5990": "物流仓储用地",
    "7010": "城镇住宅用地",
}
ACTS = (
    ("land_grant",) * 13
    + ("eia_approval",) * 3
    + ("land_pre_review", "energy_assessment", "loan", "loan", "disbursement")
)


def _stranger(chance: Chance, position: int) -> Undertaking:
    """A party and a project that nobody registered and that are none of the five sectors."""
    place = invented.place_of(chance, invented.province_at(position))
    party, project, industry = chance.one(OTHERS)
    words = {"place": place.stem, "n": invented.numeral(1 + position // 31 % 90)}
    owner: Json = {
        "reference": None,
        "uscc": numbers.uscc(place.code, 700000 + position),
        "name": party.format(**words),
        "names": [],
        "region": place.code,
    }
    made: Json = {
        "reference": None,
        "code": None,
        "name": project.format(**words),
        "sector": "other",
        "industry": industry,
        "region": place.code,
        "address": f"{place.full_name}示例路{chance.whole(1, 300)}号",
        "capacities": [],
    }
    return Undertaking(made, owner)


def strangers(world: World, count: int) -> None:
    """Records that belong to no registered project and to no overcapacity sector."""
    for position in range(count):
        chance = world.chance(f"stranger/{position}")
        on = chance.day(date(2013, 11, 1), LAST_ACT)
        world.drafts.append(_record(chance, on, _stranger(chance, position)))


def _record(chance: Chance, on: date, stranger: Undertaking) -> Draft:
    draft = act(chance, chance.one(ACTS), on, stranger, Telling(by="uscc" if chance.happens(0.3) else "name"))
    if draft.act == "land_grant":
        draft.fields["details"]["use"] = USES.get(str(stranger.project["industry"]), "工业用地")
    return draft


def other_sector(world: World, registry: Registry, count: int) -> None:
    """Registered projects outside the five sectors, without any approval: the rules of the gates do not reach them."""
    for position in range(count):
        chance = world.chance(f"other/{position}")
        stranger = _stranger(chance, position)
        owner = registry.enterprise(chance, regions.places()[stranger.owner["region"]], "综合服务")
        project = stranger.project | {
            "reference": f"demo:P{registry.next('project'):04d}",
            "name": str(stranger.project["name"]).replace("示例", "示例新", 1),
            "owner": owner["reference"],
            "industry_edition": "2017",
            "nature": "new_build",
            "stage": "construction",
            "approvals": [],
            "equipment": [],
            "invented": True,
            "synthetic_fields": ["name", "owner", "address"],
            "source": SYNTHETIC,
        }
        world.projects.append(project)
        for kind in ("land_grant", "eia_approval", "loan"):
            on = chance.day(date(2016, 1, 1), LAST_ACT)
            world.drafts.append(act(chance, kind, on, Undertaking(project, owner), Telling(by="anchor")))
