"""`python -m deploy.linkage FOLDER --style plain`: write one labelled set (docs/linking.md says what it holds)."""

import argparse
import csv
import random
from pathlib import Path
from typing import Final

from deploy.linkage import facts, noise, other_noise, records, typed_noise, world

NOISES: Final = {"usual": noise, "other": other_noise, "typed": typed_noise}

# The shipped sets were made when this was what the seed said of the noise.
_SPELLED: Final = {"usual": "False", "other": "True"}


def write(
    folder: Path,
    style: str,
    size: int,
    count: int,
    seed: int,
    *,
    real: bool,
    written: str = "usual",
    coded: float = 0.2,
    stating: bool = False,
) -> None:
    """Write projects.csv, records.csv and truth.csv; the same for the same arguments."""
    chance = random.Random(f"{seed}/{style}/{size}/{_SPELLED.get(written, written)}")  # noqa: S311  # made-up sets, the same in every run
    made = world.made(size, chance, real=real)
    rows, truth = records.made(made, count, style, chance, NOISES[written], coded)
    folder.mkdir(parents=True, exist_ok=True)
    projects = [one.row() for one in made.projects]
    if stating:
        facts.state(made.projects, projects, rows, truth, chance)
    for name, table in (("projects", projects), ("records", rows), ("truth", truth)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, table[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)


def main() -> None:
    """Write one set."""
    parser = argparse.ArgumentParser(prog="python -m deploy.linkage", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--style", choices=records.STYLES, default="plain")
    parser.add_argument("--projects", type=int, default=600)
    parser.add_argument("--records", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=20131006)
    parser.add_argument("--invented", action="store_true", help="invented companies instead of real plants")
    parser.add_argument("--noise", choices=NOISES, default="usual", help="`other`: no weights were trained on it")
    parser.add_argument(
        "--facts", action="store_true", help="some state dates, capacities, parcels and amounts: to train"
    )
    parser.add_argument("--coded", type=float, default=0.2, help="which part of the records bears the project's code")
    asked = parser.parse_args()
    write(
        asked.folder,
        asked.style,
        asked.projects,
        asked.records,
        asked.seed,
        real=not asked.invented,
        written=asked.noise,
        coded=asked.coded,
        stating=asked.facts,
    )


if __name__ == "__main__":
    main()
