"""Capacities as agencies state them, read into [{product, amount, unit, process?}] in the register's units."""

from collections.abc import Mapping
from typing import Any

from connectors.declaration import CapacityMap
from connectors.values import CAPACITY_UNITS, BadValue, Reader, as_text, read_number, shown

MOST = 100


def capacities_reader(declared: CapacityMap) -> Reader:
    """A reader of a list of parts, of one part, or of one text."""

    def one(product: Any, amount: Any, unit: Any, process: Any = None) -> dict[str, str]:
        if product in (None, "") or amount in (None, "") or unit in (None, ""):
            raise BadValue("a capacity lacks its product, amount or unit")
        named = as_text(product)
        ours = declared.products.get(named)
        if ours is None:
            raise BadValue(f"unknown product {shown(named)}; the agency.yml knows {', '.join(declared.products)}")
        said = as_text(unit)
        known = CAPACITY_UNITS.get(declared.units.get(said, said))
        if known is None:
            raise BadValue(f"unknown unit of capacity {shown(said)}; known: {', '.join(CAPACITY_UNITS)}")
        number = read_number(amount) * known[1]
        if number < 0:
            raise BadValue(f"a capacity below zero: {shown(amount)}")
        found = {"product": ours, "amount": format(number.normalize(), "f"), "unit": known[0]}
        if process not in (None, "") and (said := as_text(process)):
            found["process"] = declared.processes.get(said, said)
        return found

    names = (declared.product, declared.amount, declared.unit, declared.process)

    def from_text(text: str) -> list[dict[str, str]]:
        found = []
        for piece in filter(None, (piece.strip() for piece in text.split(declared.between))):
            parts = [part.strip() for part in piece.split(declared.within)]
            if len(parts) not in (3, 4):
                raise BadValue(f"not product, amount and unit: {shown(piece)}")
            found.append(one(*parts))
        return found

    def read(value: Any) -> list[dict[str, str]] | None:
        if declared.between is not None and isinstance(value, str):
            parts: list[Any] = from_text(value)
            return _bounded(parts)
        if declared.items is not None and isinstance(value, Mapping):
            value = value.get(declared.items, [])
        if isinstance(value, Mapping):
            value = [value]
        if not isinstance(value, list):
            raise BadValue(f"not a list of capacities: {shown(value)}")
        if not all(isinstance(part, Mapping) for part in value):
            raise BadValue(f"not a list of capacities: {shown(value)}")
        return _bounded([one(*(part.get(name) for name in names)) for part in value])

    return read


def _bounded(capacities: list[dict[str, str]]) -> list[dict[str, str]] | None:
    if len(capacities) > MOST:
        raise BadValue(f"more than {MOST} capacities")
    return capacities or None
