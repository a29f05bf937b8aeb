"""Stories of capacity and of decisions that nobody heeded: slices, relabelling, halts, furnaces that should be gone."""

from datetime import date

from deploy.demo.chance import days_after
from deploy.demo.course import formalities
from deploy.demo.invented import Wish
from deploy.demo.scene import (
    BACKWARD,
    CAPACITY,
    HALTED,
    LAND_BACKWARD,
    NEW_APPROVED,
    NEW_SUPPORTED,
    Scene,
    finding,
)
from deploy.demo.sectors import SECTORS, Line, capacity
from deploy.demo.sources import SYNTHETIC
from deploy.demo.world import Json, Told, Undertaking

# Acts that may not help new capacity.
SUPPORT = (
    "land_grant",
    "land_pre_review",
    "sea_area_grant",
    "shoreline_grant",
    "eia_approval",
    "energy_assessment",
    "loan",
)

BACKWARD_LAND = ("land_grant", "land_pre_review", "shoreline_grant")


def slices(scene: Scene) -> None:
    """One plant approved as three small ones, side by side and within months."""
    owner = scene.company()
    filed = scene.day(2016, 2021)
    line = SECTORS[scene.sector].lines[0]
    for part in range(3):
        undertaking = scene.approved(
            days_after(filed, 40 * part),
            Wish("construction", line=line, size=line.sizes[0], code_on=days_after(filed, 40 * part - 20)),
            owner,
        )
        undertaking.alone = False
        scene.formalities(undertaking)


def small_approved_big_built(scene: Scene) -> None:
    """Approved small, built big: papers after the approval state half as much again."""
    filed = scene.day(2016, 2021)
    undertaking = scene.approved(filed)
    line = undertaking.project["capacities"][0]
    built = {key: line[key] for key in ("product", "unit")} | {"amount": str(int(line["amount"]) * 3 // 2)}
    undertaking.project["approvals"][0]["capacities"] = [dict(line)]
    if scene.sector == "steel":
        undertaking.project["equipment"].append(_furnace(undertaking, "1780", filed))
    ready = scene.formalities(undertaking)
    scene.tell(
        "discharge_permit",
        days_after(ready, 500),
        undertaking,
        finding(CAPACITY, "act-over-approval"),
        by="uscc",
        extra={"stated_capacity": [built]},
    )


def _furnace(undertaking: Undertaking, size: str, built: date) -> Json:
    return {
        "reference": f"{undertaking.project['reference']}/E1",
        "class": "blast_furnace",
        "size": size,
        "unit": "m3",
        "commissioned": days_after(built, 500).isoformat(),
        "traits": [],
    }


def relabelled_renovation(scene: Scene) -> None:
    """New capacity filed as technical renovation (技改)."""
    filed = scene.day(2016, 2021)
    undertaking = scene.approved(filed, Wish("construction", "renovation", code_on=days_after(filed, -30)))
    undertaking.project["name"] = str(undertaking.project["name"]).removesuffix("项目") + "技术改造项目"
    ready = scene.formalities(undertaking)
    scene.tell("loan", days_after(ready, 50), undertaking, by="anchor")
    _new_capacity(scene, undertaking)


def _new_capacity(scene: Scene, undertaking: Undertaking) -> None:
    """Nothing covers the project's capacity: its approvals are due a finding, and so is every act that helped it."""
    reference = undertaking.project["reference"]
    for approval in undertaking.project["approvals"]:
        told = Told("approval", approval["reference"], NEW_APPROVED, ("no-replacement-plan",), scene.story)
        scene.world.told.append(told)
    for draft in scene.world.drafts:
        if draft.projects == (reference,) and draft.act in SUPPORT:
            draft.findings += finding(NEW_SUPPORTED, "no-replacement-plan")


def working_capital(scene: Scene) -> None:
    """A plant is built on loans labelled working capital, which the construction rule does not reach."""
    undertaking = scene.project(Wish("construction"))
    for month in range(3):
        on = days_after(scene.day(2017, 2022), 30 * month)
        scene.tell("loan", on, undertaking, by="uscc", kind="working_capital")
    _new_capacity(scene, undertaking)


def halted_but_supported(scene: Scene) -> None:
    """The province halts the project; land and money go on."""
    filed = scene.day(2014, 2019)
    undertaking = scene.approved(filed)
    ready = scene.formalities(undertaking)
    halted = days_after(ready, 60)
    day = {"decided": halted.isoformat(), "published": days_after(halted, 10).isoformat(), "synthetic": True}
    reference = f"demo:D{9000 + len(scene.world.dispositions)}"
    scene.world.dispositions.append(
        {"reference": reference, "project": undertaking.project["reference"], "kind": "halt", "source": SYNTHETIC} | day
    )
    scene.tell("land_grant", days_after(halted, 90), undertaking, finding(HALTED, "halted"), by="name")
    scene.tell("loan", days_after(halted, 120), undertaking, finding(HALTED, "halted"), by="uscc")


def learned_late(scene: Scene) -> None:
    """The filing came before the land, but the register learned of it two years later."""
    filed = scene.day(2015, 2020)
    undertaking = scene.approved(filed, known_from=days_after(filed, 800))
    scene.formalities(undertaking)
    scene.tell("land_grant", days_after(filed, 301), undertaking, by=scene.by("code", "name"))


def zombie_furnace(scene: Scene) -> None:
    """A furnace that had to go by the end of 2011 still runs beside the new plant."""
    undertaking = scene.approved(scene.day(2014, 2019))
    scene.formalities(undertaking)
    for draft in scene.world.drafts:
        if draft.projects == (undertaking.project["reference"],) and draft.act in BACKWARD_LAND:
            draft.findings += finding(LAND_BACKWARD)
    old = _furnace(undertaking, "380", date(2002, 5, 1)) | {"last_ran": "2019-11-30"}
    undertaking.project["equipment"].append(old)
    scene.world.told.append(Told("equipment", old["reference"], BACKWARD, (), scene.story))


def casting_furnace(scene: Scene) -> None:
    """A blast furnace filed as a casting furnace: the filing says castings, the records say iron."""
    line = Line("年产{size}万吨铸造用高炉项目", "pig_iron", "t/a", "3110", (60,), 10000, "BF")
    filed = scene.day(2016, 2020)
    undertaking = scene.approved(filed, Wish("operating", line=line, size=60, code_on=days_after(filed, -30)))
    undertaking.project["capacities"] = [capacity(line, 60)]
    for draft in formalities(scene.chance, undertaking):
        draft.story = scene.story
        scene.world.drafts.append(draft)
    _new_capacity(scene, undertaking)
