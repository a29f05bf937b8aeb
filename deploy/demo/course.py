"""The lawful course of an invented project: approval, formalities, construction credit, permits, in that order."""

from datetime import date

from deploy.demo import invented
from deploy.demo.acts import Telling, act
from deploy.demo.chance import LAST_ACT, Chance, days_after
from deploy.demo.invented import Registry, Wish
from deploy.demo.sectors import COAST, SECTORS, sectors_of
from deploy.demo.world import Draft, Json, Undertaking, World

ANCHOR = Telling(by="anchor")
KINDS = ("filing", "filing", "verification", "approval")
# What a lawful project may still receive when everything is in place, and how often.
LATER_ACTS = (
    ("land_grant", 46),
    ("disbursement", 18),
    ("working_capital", 10),
    ("discharge_permit", 8),
    ("safety_permit", 5),
    ("eia_approval", 4),
    ("loan", 4),
    ("energy_assessment", 2),
    ("production_licence", 2),
    ("bond", 1),
)
LATER_WEIGHTS = [name for name, weight in LATER_ACTS for _ in range(weight)]
STAGES = ("operating", "operating", "operating", "construction", "pre_retirement", "mothballed")


def lawful_project(
    registry: Registry, chance: Chance, owner: Json, sector: str, first: date, last: date
) -> Undertaking:
    """A project with standing from a day of the period on: an approval without end, or one extended in time."""
    issued = chance.day(first, last)
    kind = chance.one(KINDS)
    code_on = invented.declared(chance, issued)
    stage = chance.one(STAGES) if issued.year < 2023 else "construction"
    nature = chance.one(("new_build", "new_build", "expansion", "relocation"))
    undertaking = invented.project(registry, chance, owner, sector, Wish(stage, nature, code_on=code_on, kind=kind))
    if chance.happens(0.3):
        until = days_after(issued, 729)
        invented.approve(chance, undertaking, issued, kind, expires=until)
        invented.approve(chance, undertaking, days_after(until, -chance.whole(20, 90)), kind)
    else:
        invented.approve(chance, undertaking, issued, kind)
    return undertaking


def first_approval(undertaking: Undertaking) -> date:
    """The day of the first approval."""
    return date.fromisoformat(min(str(approval["issued"]) for approval in undertaking.project["approvals"]))


def formalities(chance: Chance, undertaking: Undertaking, skip: tuple[str, ...] = ()) -> list[Draft]:
    """EIA, energy assessment and land after the approval, told so that exact linking finds them; sets `ready`."""
    issued = first_approval(undertaking)
    days = {
        "eia_approval": days_after(issued, chance.whole(5, 120)),
        "energy_assessment": days_after(issued, chance.whole(5, 120)),
        "land_grant": days_after(issued, chance.whole(60, 300)),
    }
    undertaking.ready = days_after(max(days.values()), 1)
    return [
        act(chance, kind, on, undertaking, ANCHOR) for kind, on in days.items() if kind not in skip and on <= LAST_ACT
    ]


def lawful_course(chance: Chance, undertaking: Undertaking) -> list[Draft]:
    """The records of a lawful project from its approval on."""
    drafts = formalities(chance, undertaking)
    issued = first_approval(undertaking)
    ready = undertaking.ready or issued
    if chance.happens(0.3):
        drafts.append(act(chance, "land_pre_review", days_after(issued, chance.whole(1, 30)), undertaking))
    if chance.happens(0.8):
        loan = days_after(ready, chance.whole(5, 200))
        drafts.append(act(chance, "loan", loan, undertaking))
        drafts += [act(chance, "disbursement", days_after(loan, 30 * month), undertaking) for month in (1, 7)]
    coastal = undertaking.project["sector"] == "ships" and str(undertaking.project["region"])[:2] in COAST
    if coastal:
        drafts.append(act(chance, "sea_area_grant", days_after(issued, chance.whole(60, 260)), undertaking))
    if undertaking.project["sector"] == "ships":
        drafts.append(act(chance, "shoreline_grant", days_after(issued, chance.whole(60, 260)), undertaking))
    if undertaking.project["stage"] != "construction":
        production = days_after(ready, chance.whole(400, 800))
        drafts.append(act(chance, "discharge_permit", production, undertaking))
        drafts.append(act(chance, "safety_permit", days_after(production, 10), undertaking))
        if undertaking.project["sector"] in ("steel", "cement", "glass"):
            drafts.append(act(chance, "production_licence", days_after(production, 40), undertaking))
    return [draft for draft in drafts if draft.fields["acted_on"] <= LAST_ACT.isoformat()]


def later_act(chance: Chance, undertaking: Undertaking) -> Draft:
    """One more lawful record of a project that has everything."""
    if undertaking.ready is None:
        raise AssertionError(f"{undertaking.project['reference']} has no formalities yet")
    kind = chance.one(LATER_WEIGHTS)
    first = days_after(undertaking.ready, 1)
    on = chance.day(first, undertaking.until or LAST_ACT)
    if kind == "disbursement" and not any(signed <= on for signed, _, _ in undertaking.loans):
        kind = "loan"
    if kind == "working_capital":
        purpose = {
            "details": {"instrument": "loan", "currency": "CNY", "purpose": "流动资金周转", "five_class": "正常"}
        }
        return act(chance, "loan", on, undertaking, Telling(kind="working_capital", extra=purpose))
    return act(chance, kind, on, undertaking)


def settle(world: World, registry: Registry, enterprises: int, projects: int, whole_course: bool) -> None:
    """Invent the lawful majority: enterprises over all provinces and sectors, their projects and their records."""
    owners: list[tuple[Json, str]] = []
    for position in range(enterprises):
        chance = world.chance(f"lawful/{position}")
        province = invented.province_at(position)
        place = invented.place_of(chance, province)
        sectors = sectors_of(province)
        sector = sectors[(position // 31 + position) % len(sectors)]
        owner = registry.enterprise(chance, place, chance.one(SECTORS[sector].trades))
        _give_history(chance, owner, position)
        owners.append((owner, sector))
    _give_parents(world, owners)
    per_owner = [1] * enterprises
    for extra in range(max(0, projects - enterprises)):
        per_owner[(extra * 7) % enterprises] += 1
    for position, (owner, sector) in enumerate(owners):
        chance = world.chance(f"lawful-course/{position}")
        made = _settle_owner(registry, chance, owner, sector, per_owner[position])
        for undertaking in made:
            world.drafts += (lawful_course if whole_course else formalities)(chance, undertaking)
            if undertaking.ready and undertaking.ready < days_after(LAST_ACT, -200):
                world.lawful.append(undertaking)


def _settle_owner(registry: Registry, chance: Chance, owner: Json, sector: str, count: int) -> list[Undertaking]:
    made = []
    for _ in range(count):
        undertaking = lawful_project(registry, chance, owner, sector, date(2010, 3, 1), date(2024, 12, 1))
        undertaking.alone = count == 1
        made.append(undertaking)
    return made


def _give_history(chance: Chance, owner: Json, position: int) -> None:
    """A fifth of the enterprises bore another name before, some have a short name of record."""
    if position % 5 == 2:
        changed = chance.day(date(2014, 6, 1), date(2022, 6, 1))
        stem = str(owner["name"]).split("有限")[0].removesuffix("股份").removesuffix("集团").removesuffix("（集团）")
        old = stem.replace("示例", "示例老") + "厂"
        owner["names"].append({"name": old, "kind": "former", "to": days_after(changed, -1).isoformat()})
        owner["names"].append({"name": owner["name"], "kind": "registered", "from": changed.isoformat()})
    if position % 9 == 4:
        owner["names"].append({"name": str(owner["name"]).split("有限")[0], "kind": "short"})


def _give_parents(world: World, owners: list[tuple[Json, str]]) -> None:
    for position, (owner, _) in enumerate(owners):
        if position % 12 == 7 and position >= 12:
            parent = owners[position - 12][0]
            share = f"{51 + position % 49}.0"
            owner["owners"].append(
                {"reference": parent["reference"], "name": parent["name"], "share": share, "kind": "parent"}
            )
