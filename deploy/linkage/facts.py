"""What some projects and records of a training set state beside names: dates, capacities, parcels and amounts."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from deploy.linkage.world import Project

Row = dict[str, str]
_PRODUCTS: Final = {
    "steel": ("crude_steel", "pig_iron", "rolled_steel"), "cement": ("clinker", "cement"), "aluminium": ("aluminium",),
    "glass": ("flat_glass",), "ships": ("ships",),
}  # fmt: skip
# Which part of projects and of records states each.
_STATES: Final = 0.4


def state(
    projects: Sequence[Project], rows: list[Row], records: list[Row], truth: list[Row], chance: random.Random
) -> None:
    """Add the columns to the rows of projects and of records; of a record that belongs to one they mostly agree."""
    made = {project.code: _of(project.owner.sector, chance) for project in projects}
    for row in rows:
        row |= made[row["code"]]
    meant = {row["record"]: row["project"] for row in truth}
    sectors = {project.code: project.owner.sector for project in projects}
    every = list(made)
    for record in records:
        code = meant[record["id"]]
        own = made[code] if code else _of(sectors[chance.choice(every)], chance)
        record |= {"capacities": "", "parcels": "", "amounts": ""}
        for name in ("capacities", "parcels", "amounts"):
            if own[name] and chance.random() < _STATES:
                record[name] = (
                    own[name] if name != "capacities" or chance.random() < 0.8 else _nearly(own[name], chance)
                )
            elif chance.random() < 0.1:
                record[name] = _of(sectors[code or chance.choice(every)], chance)[name]
        if own["days"] and code:
            day = date.fromisoformat(own["days"]) + timedelta(days=int(chance.gauss(400, 500)))
            record["on"] = day.isoformat()


def _of(sector: str, chance: random.Random) -> Row:
    def some(told: str) -> str:
        return told if chance.random() < _STATES else ""

    day = date(2013, 1, 1) + timedelta(days=chance.randrange(3_000))
    capacity = (
        f"{chance.choice(_PRODUCTS[sector])} t/a {chance.choice((1, 2, 3, 5, 6, 8, 10, 12, 15, 20, 30)) * 100_000}"
    )
    parcel = f"{chance.randrange(10**6):06d}{chance.randrange(10**6):06d}GB{chance.randrange(10**5):05d}"
    amount = f"yuan {chance.randrange(1, 900) * 1_000_000}|hectares {chance.randrange(10, 2_000) / 10}"
    return {
        "days": some(day.isoformat()), "capacities": some(capacity), "parcels": some(parcel), "amounts": some(amount),
    }  # fmt: skip


def _nearly(capacity: str, chance: random.Random) -> str:
    head, amount = capacity.rsplit(" ", 1)
    return f"{head} {float(amount) * chance.choice((0.5, 0.8, 0.9, 1.1, 1.2)):.0f}"
