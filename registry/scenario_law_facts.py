"""What a scenario says of dispositions, plans, equipment, eliminations, orders and restrictions, ready to be told."""

from collections.abc import Sequence

from registry.law_fact_items import (
    DispositionItem,
    EliminationItem,
    LawFactItem,
    OrderItem,
    PlanItem,
    RectificationItem,
    RestrictionItem,
    UnitItem,
)
from registry.scenarios import Project, Scenario


def reference_of(at: int, project: Project) -> str:
    """The key of a project: its code, or where it stands in the file."""
    return project.code or f"scenario:{at}"


def law_facts_of(scenario: Scenario) -> dict[str, Sequence[LawFactItem]]:
    """The items of each kind of `registry.law_fact_writing.FACT_KINDS`; equipment first, others name it."""
    projects = list(enumerate(scenario.projects or ()))
    codes = {one.code for _, one in projects}
    return {
        "equipment": [
            UnitItem.model_validate(
                {
                    **one.model_dump(exclude={"id", "class_"}),
                    "reference": one.id,
                    # A project that nobody registered is no place in the register.
                    "project": one.project if one.project in codes else None,
                    "class": one.class_ or "",
                    "unit": one.unit or "",
                    "traits": one.traits or [],
                }
            )
            for one in scenario.equipment or ()
        ],
        "dispositions": [
            DispositionItem.model_validate(
                {
                    **one.model_dump(),
                    "reference": f"{reference_of(at, project)}:{number}",
                    "project": reference_of(at, project),
                }
            )
            for at, project in projects
            for number, one in enumerate(project.dispositions or ())
        ],
        "plans": [
            PlanItem.model_validate(
                {
                    **one.model_dump(exclude={"id", "units"}),
                    "reference": one.id,
                    "project": reference_of(at, project),
                    "units": [{**unit.model_dump(exclude={"id"}), "reference": unit.id} for unit in one.units or ()],
                }
            )
            for at, project in projects
            for one in project.replacement_plans or ()
        ],
        "eliminations": [
            EliminationItem.model_validate({**one.model_dump(), "reference": f"scenario:{number}"})
            for number, one in enumerate(scenario.eliminations or ())
            if one.enterprise or one.equipment
        ],
        "orders": [
            OrderItem.model_validate({**one.model_dump(exclude={"id"}), "reference": one.id})
            for one in scenario.orders or ()
        ],
        "restrictions": [
            RestrictionItem.model_validate(
                {"region": one.region, "from": one.from_, "until": one.until, "reference": f"scenario:{number}"}
            )
            for number, one in enumerate(scenario.restrictions or ())
        ],
        "rectifications": [
            RectificationItem.model_validate(
                {
                    **one.model_dump(exclude={"id"}),
                    "reference": one.id,
                    "project": one.project if one.project in codes else None,
                }
            )
            for one in scenario.rectifications or ()
            if one.region or one.project in codes
        ],
    }
