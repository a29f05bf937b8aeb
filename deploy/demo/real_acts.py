"""Synthetic approvals, codes and agency records of the real plants: lawful ones only, whatever is linked to what.

A record with a code is lawful for its own project. A record without one could be linked to another project of the same
owner, so it is dated after every project of that owner has its standing, and credit only ever carries its code.
"""

from collections import defaultdict
from datetime import date

from deploy.demo import invented, numbers
from deploy.demo.acts import Telling, act
from deploy.demo.chance import LAST_ACT, Chance, days_after
from deploy.demo.plants import RealProject
from deploy.demo.sources import SYNTHETIC
from deploy.demo.world import Draft, Json, Undertaking, World

REAL = Telling(by="real")
CODED = Telling(by="code")
# Projects that ended or never began get no acts.
WITHOUT_ACTS = ("cancelled", "retired", "mothballed")
FIRST_ACT = date(2014, 3, 1)


def recognise_real_projects(world: World, projects: list[RealProject]) -> list[Undertaking]:
    """Give every real project its standing and, for most, a code; and record the recognitions that cover capacity."""
    undertakings = [_standing(world, position, real) for position, real in enumerate(projects, start=1)]
    owned: dict[str, list[Undertaking]] = defaultdict(list)
    for undertaking in undertakings:
        owned[undertaking.owner["reference"]].append(undertaking)
    for siblings in owned.values():
        for undertaking in siblings:
            undertaking.alone = len(siblings) == 1
            undertaking.coded_only_before = max(_covered_from(sibling) for sibling in siblings)
    return undertakings


def _covered_from(undertaking: Undertaking) -> date:
    return min(date.fromisoformat(str(approval["issued"])) for approval in undertaking.project["approvals"])


def _standing(world: World, position: int, real: RealProject) -> Undertaking:
    chance = world.chance(f"real/{real.project['reference']}")
    undertaking = Undertaking(real.project, real.owner)
    started = real.started
    if real.status in ("construction", "announced") or (started and started.year >= 2014):
        latest = (
            date(2023, 12, 1)
            if real.status in ("construction", "announced")
            else date(min(started.year, 2023), 1, 1)
            if started
            else date(2019, 1, 1)
        )
        issued = days_after(latest, -chance.whole(200, 900))
        _filing(chance, undertaking, max(issued, date(2014, 6, 1)), position)
    else:
        year = min(max(started.year if started else 2003, 1996), 2009)
        invented.approve(chance, undertaking, date(year, chance.whole(1, 12), chance.whole(1, 28)), "verification")
        if real.status not in WITHOUT_ACTS and chance.happens(0.7):
            _filing(chance, undertaking, chance.day(date(2014, 6, 1), date(2018, 6, 1)), position)
    world.projects.append(real.project)
    issued_first = _covered_from(undertaking)
    decided = min(issued_first, date(2013, 9, 30)) if issued_first.year < 2013 else days_after(issued_first, -30)
    recognised = {
        "kind": "recognise",
        "decided": decided.isoformat(),
        "published": decided.isoformat(),
        "synthetic": True,
    }
    world.dispositions.append(
        {"reference": f"demo:D{position:04d}", "project": real.project["reference"], "source": SYNTHETIC} | recognised
    )
    return undertaking


def _filing(chance: Chance, undertaking: Undertaking, issued: date, serial: int) -> None:
    """A filing with a code of the shape of its day."""
    region = str(undertaking.project["region"])
    kind = chance.one(("filing", "filing", "verification"))
    undertaking.project["code"] = numbers.project_code(issued, region, "31", kind, 90000 + serial)
    undertaking.code_from = issued
    invented.approve(chance, undertaking, issued, kind)


def real_course(world: World, undertakings: list[Undertaking], limit: int) -> None:
    """The records of real plants, up to a limit, a round of all plants at a time."""
    acting = [u for u in undertakings if u.project["stage"] not in WITHOUT_ACTS]
    rounds: list[list[Draft]] = []
    for undertaking in acting:
        chance = world.chance(f"real-course/{undertaking.project['reference']}")
        rounds.append(_course(chance, undertaking))
    made = 0
    for depth in range(max(len(drafts) for drafts in rounds)):
        for drafts in rounds:
            if depth < len(drafts) and made < limit:
                world.drafts.append(drafts[depth])
                made += 1


def _course(chance: Chance, undertaking: Undertaking) -> list[Draft]:
    """In an order in which any beginning of the list is lawful: formalities come before credit."""
    start = max(_covered_from(undertaking), FIRST_ACT)
    free = max(undertaking.coded_only_before or start, start)
    drafts: list[Draft] = []
    if undertaking.code_from is not None:
        first = max(undertaking.code_from, start)
        days: Json = {
            "land_grant": days_after(first, chance.whole(40, 200)),
            "eia_approval": days_after(first, chance.whole(20, 150)),
            "energy_assessment": days_after(first, chance.whole(20, 150)),
        }
        drafts += [act(chance, kind, on, undertaking, CODED) for kind, on in days.items()]
        loan = days_after(max(days.values()), chance.whole(30, 200))
        drafts.append(act(chance, "loan", loan, undertaking, CODED))
        drafts += [act(chance, "disbursement", days_after(loan, 30 + 150 * n), undertaking, CODED) for n in range(3)]
    for kind in (
        "discharge_permit",
        "land_grant",
        "safety_permit",
        "land_grant",
        "discharge_permit",
        "production_licence",
    ):
        if undertaking.project["stage"] == "announced" and kind != "land_grant":
            continue
        drafts.append(act(chance, kind, chance.day(days_after(free, 60), LAST_ACT), undertaking, REAL))
    if chance.happens(0.5):
        drafts.append(act(chance, "land_grant", chance.day(days_after(free, 60), LAST_ACT), undertaking, REAL))
    return [draft for draft in drafts if draft.fields["acted_on"] <= LAST_ACT.isoformat()]
