"""Labelled linkage sets: a folder with projects.csv, records.csv and truth.csv."""

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from registry.errors import BadInput
from registry.linking.facts import Facts
from registry.linking.register import Asked, Owner, Project, Register
from registry.linking.training import Labelled
from registry.names import normalise

_COLUMNS: Final = {
    "projects": ("code", "name", "owner_name", "owner_uscc", "former_names", "region", "address", "sector"),
    "records": ("id", "act", "on", "project_code", "project_name", "party_name", "party_uscc", "region", "address"),
    "truth": ("record", "project"),
}
# Columns that a set may have beside these, for training: days (dates) of projects, and of both capacities
# ("crude_steel t/a 1000000|…"), parcels and amounts ("yuan 5000000|hectares 12.5").
_FACTS: Final = ("days", "capacities", "parcels", "amounts")
Row = dict[str, str]


@dataclass(frozen=True)
class LinkageSet:
    """The rows as they were read; `truth` is for scoring alone."""

    projects: list[Row]
    records: list[Row]
    truth: dict[str, set[str]]


def read_set(folder: Path) -> LinkageSet:
    """Read a folder; BadInput where a file or a column is missing."""
    rows = {name: _rows(folder / f"{name}.csv", columns) for name, columns in _COLUMNS.items()}
    truth: dict[str, set[str]] = {row["id"]: set() for row in rows["records"]}
    for row in rows["truth"]:
        meant = truth.setdefault(row["record"], set())
        if row["project"]:
            meant.add(row["project"])
    return LinkageSet(rows["projects"], rows["records"], truth)


def _rows(path: Path, columns: tuple[str, ...]) -> list[Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            lacking = [name for name in columns if name not in (reader.fieldnames or ())]
            if lacking:
                raise BadInput(
                    f"{path.name} lacks the columns {', '.join(lacking)}.",
                    remedy="docs/linking.md says what a set holds.",
                )
            kept = (*columns, *(name for name in _FACTS if name in (reader.fieldnames or ())))
            return [{name: (row[name] or "").strip() for name in kept} for row in reader]
    except FileNotFoundError:
        raise BadInput(
            f"There is no {path}.", remedy="A linkage set has projects.csv, records.csv and truth.csv."
        ) from None
    except UnicodeDecodeError:
        raise BadInput(f"{path.name} is not UTF-8.", remedy="Save it as UTF-8.") from None


def owner_of(row: Row) -> str:
    """Whose project a row is: by number, else by name."""
    return row["owner_uscc"] or normalise(row["owner_name"]).text


def _facts(row: Row, *days: str) -> Facts:
    try:
        return Facts(
            tuple(date.fromisoformat(day) for day in (*days, *_several(row, "days")) if day),
            tuple(
                (product, unit, float(amount)) for product, unit, amount in map(str.split, _several(row, "capacities"))
            ),
            frozenset(_several(row, "parcels")),
            frozenset((unit, float(amount)) for unit, amount in map(str.split, _several(row, "amounts"))),
        )
    except ValueError as wrong:
        raise BadInput(
            f"A linkage set states something that cannot be read: {wrong}.",
            remedy="docs/linking.md says what a set holds.",
        ) from None


def _several(row: Row, column: str) -> list[str]:
    return [one for one in row.get(column, "").split("|") if one]


def labelled(one: LinkageSet) -> Labelled:
    """A set for training and for measuring without a database; codes label its records and are not shown."""
    owners: dict[str, int] = {}
    names: dict[int, dict[str, None]] = {}
    usccs: dict[int, str] = {}
    projects = []
    for position, row in enumerate(one.projects, start=1):
        owner = owners.setdefault(owner_of(row), len(owners) + 1)
        usccs[owner] = row["owner_uscc"]
        for name in (row["owner_name"], *row["former_names"].split("|")):
            if name:
                names.setdefault(owner, {})[normalise(name).text] = None
        address = normalise(row["address"]).text
        projects.append(Project(position, normalise(row["name"]).text, owner, row["region"], address))
    at = {row["code"]: position for position, row in enumerate(one.projects, start=1)}
    holder_of = {uscc: owner for owner, uscc in usccs.items() if uscc}
    records, truth = [], []
    for number, row in enumerate(one.records):
        records.append(
            Asked(
                number,
                normalise(row["party_name"]).text,
                normalise(row["project_name"]).text,
                row["region"],
                row["party_uscc"],
                normalise(row["address"]).text,
                enterprise_id=holder_of.get(row["party_uscc"], 0),
                facts=_facts(row, row["on"]),
            )
        )
        truth.append({at[code] for code in one.truth[row["id"]] if code in at})
    holders = [Owner(owner, tuple(each), usccs[owner]) for owner, each in names.items()]
    known = {position: _facts(row) for position, row in enumerate(one.projects, start=1)}
    return Labelled(Register(projects, holders), records, truth, known)
