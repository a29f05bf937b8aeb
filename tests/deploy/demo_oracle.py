"""A second, slow reading of RULES.md for the demo's truth: one record at a time, under given links.

Only tests use it. The register has one text of each rule, and this is not it: it exists so that the generator's told
findings are not their own witness.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from deploy.demo.linkage import regions_match

Json = dict[str, Any]
OVERCAPACITY = ("steel", "cement", "aluminium", "glass", "ships")
INDUSTRIES = ("3110", "3120", "3130", "3216", "3011", "3041", "3731", "3732", "3735")
LAW = date(2013, 10, 6)
LAND_ACTS = ("land_grant", "land_pre_review", "shoreline_grant", "sea_area_grant")
BACKWARD_LAND = ("land_grant", "land_pre_review", "shoreline_grant")
SUPPORT = (*LAND_ACTS, "eia_approval", "energy_assessment", "loan")
FORMALITY_ACTS = {
    "missing-land": ("land_grant", "land_pre_review"),
    "missing-eia": ("eia_approval",),
    "missing-energy-assessment": ("energy_assessment",),
}


@dataclass
class World:
    """Records with the projects they are linked to."""

    projects: dict[str, Json]
    enterprises: dict[str, Json]
    records: dict[tuple[str, str], Json]
    links: dict[tuple[str, str], str]  # only the linked ones
    planned: set[str] = field(default_factory=set)  # projects with a plan; each is before its first act
    decided: dict[str, list[tuple[str, date]]] = field(default_factory=dict)  # dispositions by project

    def acts_of_projects(self) -> dict[str, list[Json]]:
        """Linked records by project."""
        found: dict[str, list[Json]] = defaultdict(list)
        for key, project in self.links.items():
            found[project].append(self.records[key])
        return found


def standing(project: Json, on: date) -> str | None:
    """None when an approval covers the day, else the reason."""
    issued = [a for a in project["approvals"] if date.fromisoformat(a["issued"]) <= on]
    if not issued:
        return "before-approval" if project["approvals"] else "no-approval"
    for approval in issued:
        revoked, expires = approval.get("revoked"), approval.get("expires")
        if not (revoked and date.fromisoformat(revoked) <= on) and not (expires and date.fromisoformat(expires) < on):
            return None
    latest = max(issued, key=lambda approval: str(approval["issued"]))
    revoked = latest.get("revoked")
    return "revoked" if revoked and date.fromisoformat(revoked) <= on else "expired"


def gates(record: Json, project: Json, acts: list[Json]) -> list[tuple[str, tuple[str, ...]]]:
    """Findings of the gates on a record that is linked to the project."""
    on = date.fromisoformat(record["acted_on"])
    if on < LAW or project["sector"] not in OVERCAPACITY:
        return []
    reason = standing(project, on)
    kind = record["act"]
    found: list[tuple[str, tuple[str, ...]]] = []
    if kind in LAND_ACTS and reason:
        found.append(("land-without-approval", (reason,)))
    if kind in ("discharge_permit", "production_licence") and reason:
        found.append(("permit-without-approval", (reason,)))
    if kind in ("eia_approval", "energy_assessment") and reason in ("revoked", "expired"):
        found.append(("permit-without-approval", (reason,)))
    if kind in ("loan", "bond", "listing") and record.get("kind") not in ("working_capital", "merger"):
        missing = ["missing-approval"] if reason else []
        for lacking, kinds in FORMALITY_ACTS.items():
            if not any(other["act"] in kinds and date.fromisoformat(other["acted_on"]) <= on for other in acts):
                missing.append(lacking)
        if missing:
            found.append(("credit-without-formalities", tuple(sorted(missing))))
    return found


def capacity(record: Json, project: Json, world: World) -> list[tuple[str, tuple[str, ...]]]:
    """New capacity that nothing covers, capacity above the approvals, and what a halt forbids."""
    on = date.fromisoformat(record["acted_on"])
    decided = world.decided.get(project["reference"], [])
    found: list[tuple[str, tuple[str, ...]]] = []
    recognised = any(kind == "recognise" and day <= on for kind, day in decided)
    is_new = bool(project["capacities"]) and project["sector"] in OVERCAPACITY and not recognised
    if is_new and on >= LAW and record["act"] in SUPPORT and project["reference"] not in world.planned:
        found.append(("new-capacity-supported", ("no-replacement-plan",)))
    # The only old furnaces of the demo are of 380 cubic metres; none is ever dismantled.
    if record["act"] in BACKWARD_LAND and any(one["size"] == "380" for one in project.get("equipment", [])):
        found.append(("land-to-backward-capacity", ()))
    if on >= LAW and any(kind == "halt" and day <= on for kind, day in decided):
        found.append(("halted-project-supported", ("halted",)))
    if record.get("stated_capacity") and standing(project, on) is None:
        standing_now = sum(standing(project | {"approvals": [one]}, on) is None for one in project["approvals"])
        for product in {line["product"] for line in record["stated_capacity"]}:
            stated, allowed = (
                sum(int(line["amount"]) for line in lines if line["product"] == product)
                for lines in (record["stated_capacity"], project["capacities"])
            )
            if stated > allowed * standing_now:
                found.append(("capacity-over-approval", ("act-over-approval",)))
    return found


def misuse(record: Json, project: Json, enterprises: dict[str, Json], undone: Any) -> list[tuple[str, tuple[str, ...]]]:
    """project-code-misused: owner by USCC or any name it bore, region by containment and succession."""
    if not record.get("project_code"):
        return []
    owner = enterprises[project["owner"]]
    names = {undone(str(name)) for name in [owner["name"], *(n["name"] for n in owner["names"])]}
    same = record["party_uscc"] == owner["uscc"] if record.get("party_uscc") else undone(record["party_name"]) in names
    reasons = [] if same else ["other-enterprise"]
    if not regions_match(record["region"], project["region"]):
        reasons.append("other-region")
    return [("project-code-misused", tuple(sorted(reasons)))] if reasons else []


def shows_overcapacity(record: Json) -> bool:
    """Whether a record that belongs to nothing shows a project of the five sectors."""
    return record.get("industry") in INDUSTRIES or bool(record.get("stated_capacity"))


def judge(world: World, undone: Any, decided: set[tuple[str, str]]) -> set[tuple[str, str, str, tuple[str, ...]]]:
    """All findings on the decided records: linked ones, and those that fit no project."""
    acts = world.acts_of_projects()
    found: set[tuple[str, str, str, tuple[str, ...]]] = set()
    for key in decided:
        record = world.records[key]
        project = world.projects.get(world.links.get(key, ""))
        if project is not None:
            results = gates(record, project, acts[project["reference"]])
            results += misuse(record, project, world.enterprises, undone)
            results += capacity(record, project, world)
        elif shows_overcapacity(record) and date.fromisoformat(record["acted_on"]) >= LAW:
            permit = ("discharge_permit", "production_licence", "eia_approval", "energy_assessment")
            lane = dict.fromkeys(permit, "permit-without-approval") | dict.fromkeys(LAND_ACTS, "land-without-approval")
            results = [(lane[record["act"]], ("no-project",))] if record["act"] in lane else []
        else:
            results = []
        found |= {(*key, rule, reasons) for rule, reasons in results}
    return found
