"""Descriptions over time: how a new description of a thing fits among those the register holds of it."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import zip_longest
from typing import Any

Row = dict[str, Any]


def with_description(held: Sequence[Row], new: Mapping[str, Any], held_from: date | None) -> list[Row]:
    """The descriptions of one thing after a new one arrived; rows have held_from and held_to (None: open).

    Without a day the new description corrects the latest one, over the days that one held. With a day it holds from
    that day on: what held before ends the day before, what begins that very day is corrected, what begins later stays.
    """
    ordered = sorted(held, key=lambda row: row["held_from"] or date.min)
    if held_from is None:
        if not ordered:
            return [{**new, "held_from": None, "held_to": None}]
        latest = ordered[-1]
        return [*ordered[:-1], {**new, "held_from": latest["held_from"], "held_to": latest["held_to"]}]
    before: list[Row] = []
    end: date | None = None
    after: list[Row] = []
    for row in ordered:
        start = row["held_from"] or date.min
        if start < held_from:
            last = row["held_to"]
            if last is None or last >= held_from:
                end = last
                row = {**row, "held_to": held_from - timedelta(days=1)}  # the row as it is now seen
            before.append(row)
        elif start == held_from:
            end = row["held_to"]
        else:
            after.append(row)
    if after:
        # Another description takes over later.
        end = after[0]["held_from"] - timedelta(days=1)
    return [*before, {**new, "held_from": held_from, "held_to": end}, *after]


def changed_fields(held: Sequence[Row], new: Sequence[Row]) -> set[str]:
    """The fields in which two lists of descriptions differ, their sources left aside."""
    fields: set[str] = set()
    nothing: Row = {}
    for one, other in zip_longest(held, new, fillvalue=nothing):
        fields |= {name for name in {**one, **other} if one.get(name) != other.get(name)}
    return fields - {"source_id"}
