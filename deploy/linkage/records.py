"""Records about a world's projects, and others that belong to nothing; with the truth about each."""

import random
from collections import Counter
from types import ModuleType
from typing import Final

from deploy.demo import regions
from deploy.linkage import noise
from deploy.linkage.world import WORKS, Project, World, company, headed

Row = dict[str, str]
STYLES: Final = ("plain", "disguised", "ownerless")
ACTS: Final = ("land_grant", "eia_approval", "loan", "discharge_permit", "energy_assessment", "disbursement")
OTHER_WORKS: Final = ("职工宿舍楼", "原料仓库", "道路硬化", "办公楼", "污水处理站", "食堂", "停车场")
ELSEWHERE: Final = (
    "人民医院",
    "第一中学",
    "商贸有限公司",
    "物流有限公司",
    "食品有限公司",
    "农业合作社",
    "房地产开发有限公司",
)
PART_NOTHING: Final = 0.125
PART_CODED: Final = 0.2


def made(
    world: World, count: int, style: str, chance: random.Random, written: ModuleType = noise, coded: float = PART_CODED
) -> tuple[list[Row], list[Row]]:
    """Records and the truth about them; one in eight belongs to nothing, one in fifty to several projects."""
    rows: list[Row] = []
    truth: list[Row] = []
    titles = Counter(_told(one, one.name) for one in world.projects)
    for number in range(count):
        project = chance.choice(world.projects)
        if chance.random() < PART_NOTHING:
            meant: list[Project] = []
            told = _nothing(world, project, style, chance, written)
        else:
            meant = [project]
            told = _something(world, project, style, chance, written, titles, coded)
            if told is not None and chance.random() < 0.1 and style != "ownerless" and project.stage:
                meant = _of_stages(world, project, told, chance)
        if told is None:
            continue
        record = {"id": f"r{number:06d}", **told}
        rows.append(record)
        truth += [{"record": record["id"], "project": one.code} for one in meant] or [
            {"record": record["id"], "project": ""}
        ]
    return rows, truth


def _told(project: Project, name: str) -> str:
    """What a name says where its owner is not told: the name and the province."""
    return project.owner.region[:2] + name


def _base(project: Project, chance: random.Random, *, nothing: bool) -> Row:
    region = project.owner.region
    return {
        "act": chance.choice(ACTS),
        "on": f"{chance.randint(2014, 2022)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
        "project_code": "",
        "project_name": "",
        "party_name": "",
        "party_uscc": "",
        "region": chance.choice((region, region, region, region[:4] + "00", region[:2] + "0000", "")),
        "address": project.owner.address if chance.random() < 0.3 and not nothing else "",
    }


def _something(
    world: World,
    project: Project,
    style: str,
    chance: random.Random,
    written: ModuleType,
    titles: Counter[str],
    coded: float,
) -> Row | None:
    record = _base(project, chance, nothing=False)
    owner, ownerless = project.owner, style == "ownerless"
    tells_owner = headed(owner.name) in project.name
    if ownerless and not tells_owner and (titles[_told(project, project.name)] > 1 or len(project.name) < 9):
        return None  # nobody could tell
    if ownerless and not tells_owner:
        record["region"] = owner.region
    alone = len(world.of(owner)) == 1
    record["party_name"] = "" if ownerless else written.party(owner, style, chance)
    if not ownerless and alone and chance.random() < 0.15:
        record["project_name"] = ""
    else:
        no_party = not ownerless and tells_owner and chance.random() < 0.04
        record["party_name"] = "" if no_party else record["party_name"]
        record["project_name"] = written.title(
            project, project.name, style, chance, must_tell=tells_owner and not record["party_name"]
        )
    if chance.random() < coded:
        record["project_code"] = project.code
    if chance.random() < PART_CODED and not ownerless:
        record["party_uscc"] = project.uscc
    return record


def _of_stages(world: World, project: Project, record: Row, chance: random.Random) -> list[Project]:
    """Turn a record into one of the first two stages together."""
    both = [one for one in world.of(project.owner) if one.work == project.work and one.stage in ("一期", "二期")]
    if len(both) != 2 or not record["project_name"]:
        return [project]
    record["project_name"] = both[0].name.replace("一期", chance.choice(("一期、二期", "一期及二期", "1期2期")))
    record["project_code"] = ""
    return both


def _nothing(world: World, project: Project, style: str, chance: random.Random, written: ModuleType) -> Row | None:
    record, owner, kind = _base(project, chance, nothing=True), project.owner, chance.random()
    party, title = owner.name, project.name
    if kind < 0.45:
        # A near-namesake with works of the same kind in the same place.
        party = noise.namesake(owner.name, chance)
        if not party:
            return None
        title = title.replace(owner.name, party).replace(headed(owner.name), headed(party))
        if style == "ownerless" and headed(party) not in title:
            return None
    elif kind < 0.65 and world.strangers:
        stranger = chance.choice(world.strangers)
        party = stranger.name
        title = f"{headed(party)}{_work(stranger.sector, chance)}项目"
        record["region"] = stranger.region
    elif kind < 0.75:
        # The same own name in another place is another company.
        place = chance.choice(list(regions.places().values()))
        if place.code[:4] == owner.region[:4] or owner.name[:2] in place.full_name:
            return None
        party = place.stem + noise.without_place(owner.name, chance)
        title = title.replace(owner.name, party).replace(headed(owner.name), headed(party))
        record["region"] = place.code
        if style == "ownerless" and headed(party) not in title:
            return None
    elif kind < 0.82:
        title = f"{owner.name}{chance.choice(OTHER_WORKS)}项目"
    elif kind < 0.89:
        # The owner builds something of the kind that nobody registered: no other works of its are like that.
        work = _work(owner.sector, chance)
        if any(one.work == work for one in world.of(owner)):
            return None
        title = f"{chance.choice((owner.name, headed(owner.name), ''))}{work}项目"
    else:
        place = chance.choice(list(regions.places().values()))
        party = place.stem + chance.choice(ELSEWHERE)
        if chance.random() < 0.5:
            party = company(place, "cement", chance)
        title, record["region"] = f"{party}{chance.choice(OTHER_WORKS)}项目", place.code
    if party != owner.name and party in world.names and not any(one.name == party for one in world.strangers):
        return None
    other = Project("", title, "", "", type(owner)(party, [], owner.region, owner.sector, ""), "")
    record["party_name"] = "" if style == "ownerless" else written.party(other.owner, style, chance)
    record["project_name"] = written.title(other, title, style, chance, must_tell=True)
    return record


def _work(sector: str, chance: random.Random) -> str:
    return chance.choice(WORKS[sector]).format(n=40, v=600, m=80, d=4000, t=550, k=6, a=180, p=350)
