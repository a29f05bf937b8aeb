"""A second batch: records that the agencies corrected or added afterwards, for an incremental sync."""

from copy import deepcopy
from datetime import date

from deploy.demo.acts import Telling, act
from deploy.demo.chance import Chance, days_after
from deploy.demo.course import later_act
from deploy.demo.scene import LAND, finding
from deploy.demo.world import Draft, Undertaking, World
from deploy.demo.writing import Keyed

BATCH_DAY = date(2026, 11, 20)


def later_batch(world: World, keyed: list[Keyed], count: int) -> list[Draft | Keyed]:
    """About so many records: corrections keep their key, new ones have none yet."""
    chance = world.chance("updates")
    plain = [one for one in keyed if one.draft.malformed is None and one.draft.story is None and one.draft.projects]
    batch: list[Draft | Keyed] = []
    seen: set[str] = set()
    while len(seen) < min(count * 3 // 5, len(plain)):
        one = chance.one(plain)
        if one.key not in seen:
            seen.add(one.key)
            batch.append(_corrected(chance, one))
    batch += _redated(world, keyed)
    batch += [_received_now(later_act(chance, chance.one(world.lawful))) for _ in range(count * 2 // 5)]
    return batch + [_received_now(draft) for draft in _new_evasions(world, chance)]


def _received_now(draft: Draft) -> Draft:
    draft.received = BATCH_DAY
    return draft


def _corrected(chance: Chance, one: Keyed) -> Keyed:
    """An amount, an area or an address put right."""
    draft = deepcopy(one.draft)
    for field in ("area_hectares", "amount"):
        if field in draft.fields:
            value = float(draft.fields[field]) * chance.whole(95, 105) / 100
            draft.fields[field] = f"{value:.4f}" if field == "area_hectares" else str(int(value))
            break
    else:
        draft.fields["address"] = f"{draft.fields['address']}（更正）"
    return Keyed(one.key, _received_now(draft))


def _redated(world: World, keyed: list[Keyed]) -> list[Keyed]:
    """Two early land grants turn out to be misdated: their findings go."""
    issued = {p["reference"]: date.fromisoformat(p["approvals"][0]["issued"]) for p in world.projects if p["approvals"]}
    early = [one for one in keyed if one.draft.story == "land-before-filing" and one.draft.findings]
    redated = []
    for one in early[:2]:
        draft = deepcopy(one.draft)
        draft.fields["acted_on"] = days_after(issued[draft.projects[0]], 150).isoformat()
        draft.findings = ()
        redated.append(Keyed(one.key, _received_now(draft)))
    return redated


def _new_evasions(world: World, chance: Chance) -> list[Draft]:
    """More land for projects that were never approved."""
    references = world.stories["land-never-approved"]["project_references"][:3]
    owners = {enterprise["reference"]: enterprise for enterprise in world.enterprises}
    projects = [project for project in world.projects if project["reference"] in references]
    told = Telling(by="name", findings=finding(LAND, "no-approval"), story="land-never-approved")
    return [
        act(chance, "land_grant", date(2026, 10, 9), Undertaking(project, owners[project["owner"]]), told)
        for project in projects
    ]
