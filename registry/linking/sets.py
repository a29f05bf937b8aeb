"""Labelled linkage sets: a folder with projects.csv, records.csv and truth.csv."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from registry.errors import BadInput
from registry.names import normalise

_COLUMNS: Final = {
    "projects": ("code", "name", "owner_name", "owner_uscc", "former_names", "region", "address", "sector"),
    "records": ("id", "act", "on", "project_code", "project_name", "party_name", "party_uscc", "region", "address"),
    "truth": ("record", "project"),
}
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
            return [{name: (row[name] or "").strip() for name in columns} for row in reader]
    except FileNotFoundError:
        raise BadInput(
            f"There is no {path}.", remedy="A linkage set has projects.csv, records.csv and truth.csv."
        ) from None
    except UnicodeDecodeError:
        raise BadInput(f"{path.name} is not UTF-8.", remedy="Save it as UTF-8.") from None


def owner_of(row: Row) -> str:
    """Whose project a row is: by number, else by name."""
    return row["owner_uscc"] or normalise(row["owner_name"]).text
