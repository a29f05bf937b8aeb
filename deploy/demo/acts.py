"""One agency record of a project's act: numbers, amounts and periods of its kind, and what identifies it."""

from dataclasses import dataclass, field
from datetime import date

from deploy.demo import numbers, regions
from deploy.demo.act_details import DETAILS
from deploy.demo.chance import LAST_ACT, Chance, days_after
from deploy.demo.disguise import abbreviated, another_phase, brackets_only, harmless
from deploy.demo.sectors import EDITION_OF_2017_FROM
from deploy.demo.world import Draft, Finding, Json, Undertaking

# How often a record of the act carries the project code and the USCC, where it can know them.
CODE_SHARE = {
    "land_grant": 0.06, "land_pre_review": 0.25, "sea_area_grant": 0.05, "shoreline_grant": 0.05,
    "eia_approval": 0.3, "energy_assessment": 0.45, "discharge_permit": 0.02, "production_licence": 0.0,
    "safety_permit": 0.0, "loan": 0.12, "disbursement": 0.05, "bond": 0.05, "listing": 0.05,
}  # fmt: skip
USCC_SHARE = {
    "land_grant": 0.03, "land_pre_review": 0.15, "sea_area_grant": 0.05, "shoreline_grant": 0.05,
    "eia_approval": 0.25, "energy_assessment": 0.4, "discharge_permit": 1.0, "production_licence": 0.7,
    "safety_permit": 0.5, "loan": 0.85, "disbursement": 0.8, "bond": 0.9, "listing": 0.9,
}  # fmt: skip
MARK = {"demonstration": "synthetic"}


@dataclass(frozen=True)
class Telling:
    """How a record tells what it belongs to, and what the story wants of it."""

    by: str = "chance"  # code | uscc | name | fuzzy | anchor | real | chance
    findings: tuple[Finding, ...] = ()
    story: str | None = None
    party: Json | None = None  # another party than the owner
    party_name: str | None = None
    region: str | None = None
    kind: str | None = None
    received: date | None = None
    extra: Json = field(default_factory=dict)


PLAIN = Telling()


def name_on(owner: Json, day: date) -> str:
    """The name that the enterprise bore on the day."""
    for name in owner["names"]:
        if name["kind"] == "former" and "to" in name and day.isoformat() <= name["to"]:
            return str(name["name"])
    return str(owner["name"])


def act(chance: Chance, kind: str, on: date, undertaking: Undertaking, telling: Telling = PLAIN) -> Draft:
    """The record of an act on a day."""
    project = undertaking.project
    owner = telling.party or undertaking.owner
    carries_code, carries_uscc = _carries(chance, kind, on, undertaking, telling)
    fields: Json = {"act": kind, "acted_on": on.isoformat()}
    fields |= {"project_code": project["code"]} if carries_code else {}
    fields |= {"party_uscc": owner["uscc"]} if carries_uscc else {}
    fields |= _names(chance, on, undertaking, telling, carries_code, carries_uscc)
    fields |= _region(chance, on, project, telling, carries_code)
    fields |= _industry(chance, kind, on, project)
    fields |= DETAILS[kind](chance, on, undertaking, str(owner["uscc"]) if carries_uscc else None)
    if telling.kind:
        fields["kind"] = telling.kind
    fields |= telling.extra
    fields["details"] = fields.get("details", {}) | MARK
    if kind == "loan" and fields["kind"] == "construction" and telling.party is None:
        undertaking.loans.append((on, str(fields["number"]), int(fields["amount"])))
    received = telling.received or _received(chance, on)
    references = (project["reference"],) if project["reference"] else ()
    return Draft(fields, received, references, owner["reference"], telling.findings, telling.story)


def _received(chance: Chance, on: date) -> date:
    """The day an agency publishes: mostly within weeks, a few years late, never before the feeds began."""
    late = chance.whole(200, 1300) if chance.happens(0.04) else chance.whole(1, 60)
    return max(min(days_after(on, late), days_after(LAST_ACT, 8)), days_after(date(2014, 1, 1), chance.whole(0, 80)))


def _carries(chance: Chance, kind: str, on: date, undertaking: Undertaking, telling: Telling) -> tuple[bool, bool]:
    code_known = (
        undertaking.project["code"] is not None and undertaking.code_from is not None and on >= undertaking.code_from
    )
    uscc_known = on >= numbers.USCC_FROM and (telling.party or undertaking.owner)["uscc"] is not None
    by_code = code_known and chance.happens(CODE_SHARE[kind])
    by_uscc = uscc_known and chance.happens(USCC_SHARE[kind])
    match telling.by:
        case "code":
            return True, by_uscc
        case "uscc":
            return False, uscc_known
        case "name" | "fuzzy":
            return False, False
        case "anchor":
            return by_code, by_uscc
        case "real":
            early = undertaking.coded_only_before is not None and on <= undertaking.coded_only_before
            return code_known and (early or by_code), by_uscc
        case _:
            return by_code, by_uscc


def _names(
    chance: Chance, on: date, undertaking: Undertaking, telling: Telling, carries_code: bool, carries_uscc: bool
) -> Json:
    owner = telling.party or undertaking.owner
    party = telling.party_name or name_on(owner, on)
    project_name = str(undertaking.project["name"])
    if telling.by == "real":
        return {"party_name": brackets_only(party) if chance.happens(0.3) else party, "project_name": project_name}
    noisy = harmless(chance, party) if chance.happens(0.3) else party
    if telling.by == "anchor":
        return {"party_name": party, "project_name": project_name}
    if telling.by == "fuzzy":
        return {"party_name": abbreviated(chance, party)}
    if carries_code:
        return {"party_name": noisy} | ({"project_name": another_phase(project_name)} if chance.happens(0.7) else {})
    if carries_uscc:
        spelled = abbreviated(chance, party) if chance.happens(0.15) and telling.by == "chance" else noisy
        exact = not undertaking.alone or chance.happens(0.6)
        return {"party_name": spelled} | ({"project_name": project_name} if exact else {})
    if telling.by == "chance" and chance.happens(0.22):
        doubtful = {"party_name": abbreviated(chance, party)}
        return doubtful | ({"project_name": another_phase(project_name)} if chance.happens(0.4) else {})
    exact_name = harmless(chance, project_name) if chance.happens(0.2) else project_name
    return {"party_name": noisy, "project_name": exact_name}


def _region(chance: Chance, on: date, project: Json, telling: Telling, carries_code: bool) -> Json:
    region = telling.region or str(project["region"])
    if telling.region or telling.by in ("anchor", "real", "name"):
        address = str(project["address"]) if not telling.region else regions.full_name(region)
        return {"region": region, "address": address}
    before = regions.FORMER_CODES.get(region)
    if before and (on.isoformat() < before[2] or chance.happens(0.15)):
        county = regions.places()[region]
        old = county.full_name.replace(county.name, before[1]).replace("济南市", "莱芜市")
        return {"region": before[0], "address": old}
    address = str(project["address"])
    renamed = regions.FORMER_CITY_NAMES.get(region[:4])
    if renamed and chance.happens(0.3):
        address = address.replace(*renamed)
    if not carries_code and chance.happens(0.12):
        return {"region": regions.city_of(region), "address": address}
    return {"region": region, "address": address}


def _industry(chance: Chance, kind: str, on: date, project: Json) -> Json:
    found: Json = {}
    if project["industry"] and chance.happens(0.7):
        found = {
            "industry": project["industry"],
            "industry_edition": "2017" if on.year >= EDITION_OF_2017_FROM else "2011",
        }
    if kind in ("eia_approval", "energy_assessment", "production_licence") and project["capacities"]:
        lines = [{key: line[key] for key in ("product", "amount", "unit")} for line in project["capacities"]]
        found["stated_capacity"] = lines
    return found
