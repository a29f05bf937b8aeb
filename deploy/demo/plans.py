"""Replacement plans of the invented projects: each lawful, but for the stories that build new capacity without one."""

from datetime import date
from decimal import Decimal
from typing import Final

from deploy.demo.chance import days_after
from deploy.demo.sources import SYNTHETIC
from deploy.demo.world import Json, World

# The stories whose projects are new capacity that nothing covers.
WITHOUT_PLAN: Final = ("relabelled-renovation", "casting-furnace", "working-capital")
# More than any ratio of the law asks, in sensitive areas and of steel too.
RATIO: Final = Decimal("1.6")


def plan_invented_projects(world: World) -> None:
    """Give every invented project with a capacity its plan, confirmed and announced before its first act."""
    without = {
        reference for story in WITHOUT_PLAN for reference in world.stories.get(story, {}).get("project_references", ())
    }
    first = _first_days(world)
    for project in world.projects:
        if project["invented"] and project["capacities"] and project["reference"] not in without:
            world.plans.append(_plan(project, first[project["reference"]]))


def _first_days(world: World) -> dict[str, date]:
    """The first act or approval of each project."""
    days: dict[str, list[date]] = {
        project["reference"]: [date(2016, 1, 1), *(date.fromisoformat(one["issued"]) for one in project["approvals"])]
        for project in world.projects
    }
    for draft in world.drafts:
        for reference in draft.projects:
            if draft.malformed is None:
                days[reference].append(date.fromisoformat(draft.fields["acted_on"]))
    return {reference: min(found) for reference, found in days.items()}


def _plan(project: Json, first: date) -> Json:
    confirmed = days_after(first, -60)
    units = [
        {
            "reference": f"{project['reference']}/R{number}",
            "product": line["product"],
            "amount": str(int(Decimal(line["amount"]) * RATIO)),
            "unit": line["unit"],
            "retired": days_after(first, 90).isoformat(),
            "synthetic": True,
        }
        for number, line in enumerate(project["capacities"], start=1)
    ]
    return {
        "reference": f"{project['reference']}/Z1",
        "project": project["reference"],
        "published": days_after(first, -105).isoformat(),
        "confirmed": confirmed.isoformat(),
        "announced": days_after(confirmed, 10).isoformat(),
        "listed": days_after(confirmed, 10).isoformat(),
        "authority": "省级工业主管部门（示例）",
        "units": units,
        "synthetic": True,
        "source": SYNTHETIC,
    }
