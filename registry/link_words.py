"""What likeness looks at when it compares a record with a project, in words for people (link_words.csv)."""

import csv
from pathlib import Path
from typing import Final


def _read() -> dict[str, tuple[str, str, int]]:
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return {row["feature"]: (row["zh"], row["en"], int(row["way"])) for row in csv.DictReader(file)}


# Name; what it says to a person (zh, en); which way it speaks: 1 more is for one project, -1 against, 0 either.
FEATURES: Final = _read()
DIRECTIONS: Final = [way for _zh, _en, way in FEATURES.values()]
