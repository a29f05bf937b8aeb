"""What record and project state beside names: days, products, capacities, parcels, amounts; compared in pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

# The features of this module, as registry/link_words.csv names them.
NAMES: Final = ("products", "capacity", "years_apart", "same_parcel", "same_amount")
_YEAR: Final = 365.25


@dataclass(frozen=True, slots=True)
class Facts:
    """What one side states; all empty where it states nothing.

    `days` are the record's day, or the days of the project's approvals; `capacities` amounts by (product, unit);
    `parcels` numbers of land; `amounts` money in yuan and land in hectares, as (unit, amount).
    """

    days: tuple[date, ...] = ()
    capacities: tuple[tuple[str, str, float], ...] = ()
    parcels: frozenset[str] = frozenset()
    amounts: frozenset[tuple[str, float]] = frozenset()


NOTHING: Final = Facts()


def compare(stated: Sequence[Facts], known: Mapping[int, Facts], projects: Sequence[int]) -> NDArray[np.float32]:
    """A row of NAMES for each pair of what a record states and a project's id; NaN where either side says nothing."""
    made = np.full((len(projects), len(NAMES)), np.nan, np.float32)
    for at, (one, project) in enumerate(zip(stated, projects, strict=True)):
        other = known.get(project)
        if other is None:
            continue
        if one.capacities and other.capacities:
            made[at, 0], made[at, 1] = _capacities(one, other)
        if one.days and other.days:
            made[at, 2] = min(abs((mine - theirs).days) for mine in one.days for theirs in other.days) / _YEAR
        if one.parcels and other.parcels:
            made[at, 3] = bool(one.parcels & other.parcels)
        if one.amounts and other.amounts:
            made[at, 4] = bool(one.amounts & other.amounts)
    return made


def _capacities(one: Facts, other: Facts) -> tuple[float, float]:
    """Whether they share a product, and how near the amounts of those they share are, 0 to 1."""
    amounts = {(product, unit): amount for product, unit, amount in other.capacities}
    shared = {product for product, _, _ in one.capacities} & {product for product, _, _ in other.capacities}
    ratios = [
        min(amount, amounts[product, unit]) / max(amount, amounts[product, unit])
        for product, unit, amount in one.capacities
        if amounts.get((product, unit), 0) > 0 and amount > 0
    ]
    return float(bool(shared)), max(ratios, default=float("nan"))
