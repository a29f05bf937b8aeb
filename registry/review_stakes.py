"""Stakes: what hangs on a record, and above which amount a decision on it needs a second person."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from registry.acts import LANE_OF_ACT

FILE: Final = Path(__file__).with_name("review_stakes.yml")


class CapacityStake(BaseModel):
    """The capacity of one product."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount: Decimal
    unit: str


class Stakes(BaseModel):
    """The amounts in force from a day on: yuan of a credit, hectares of a grant, capacities by product."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount: Decimal
    area_hectares: Decimal
    capacity: dict[str, CapacityStake]


@lru_cache(maxsize=1)
def all_stakes() -> tuple[tuple[date, Stakes], ...]:
    """Every set of amounts with the day from which it holds, in order."""
    read = TypeAdapter(dict[date, Stakes]).validate_python(yaml.safe_load(FILE.read_text(encoding="utf-8")))
    return tuple(sorted(read.items()))


def stakes_on(day: date) -> Stakes | None:
    """The amounts in force on a day; before the first day nothing needs a second person."""
    return next((stakes for since, stakes in reversed(all_stakes()) if since <= day), None)


def stake_of(record: Mapping[str, Any], day: date) -> dict[str, Any]:
    """What of a record is above the stakes of a day: field -> {value, limit}; empty where one person is enough."""
    stakes = stakes_on(day)
    if stakes is None:
        return {}
    above: dict[str, Any] = {}
    is_credit = LANE_OF_ACT.get(str(record["act"])) == "credit"
    for name, limit in (("amount", stakes.amount), ("area_hectares", stakes.area_hectares)):
        value = record[name]
        if value is not None and (name != "amount" or is_credit) and Decimal(value) >= limit:
            above[name] = {"value": str(value), "limit": str(limit)}
    for line in record["stated_capacity"] or []:
        limits = stakes.capacity.get(str(line.get("product")))
        if limits is not None and line.get("unit") == limits.unit and Decimal(str(line["amount"])) >= limits.amount:
            above["stated_capacity"] = {"value": [line], "limit": [{**line, "amount": str(limits.amount)}]}
    return above


def above_stake(record: str, day: date) -> str:
    """The same question as SQL over a row of records, for lists: `record` is the row's name in the statement."""
    stakes = stakes_on(day)
    if stakes is None:
        return "FALSE"
    credit = ", ".join(f"'{act}'" for act, lane in LANE_OF_ACT.items() if lane == "credit")
    capacity = " OR ".join(
        f"(line ->> 'product' = '{product}' AND line ->> 'unit' = '{one.unit}' "
        f"AND CAST(line ->> 'amount' AS numeric) >= {one.amount})"
        for product, one in stakes.capacity.items()
    )
    return (
        f"(coalesce({record}.act IN ({credit}) AND {record}.amount >= {stakes.amount}, FALSE) "
        f"OR coalesce({record}.area_hectares >= {stakes.area_hectares}, FALSE) OR EXISTS (SELECT FROM "
        f"jsonb_array_elements(CASE jsonb_typeof({record}.stated_capacity) WHEN 'array' THEN {record}.stated_capacity "
        f"END) AS line WHERE {capacity}))"
    )
