"""`python -m deploy.demo --to FOLDER`: write the demo's files."""

import argparse
from pathlib import Path

from deploy.demo.generate import DEFAULT_SEED, FULL_RECORDS, TINY_RECORDS, Size, generate
from deploy.demo.later import later_batch
from deploy.demo.linkage import Register
from deploy.demo.writing import Keyed, Keys, write_records, write_register, write_truth

FULL_UPDATES = 500


def write_demo(folder: Path, seed: int = DEFAULT_SEED, records: int = FULL_RECORDS, updates: bool = False) -> int:
    """Write all files of the demo into the folder and return the number of agency records."""
    folder.mkdir(parents=True, exist_ok=True)
    world = generate(seed, Size.of(records))
    keys = Keys()
    keyed = keys.give(world.drafts)
    write_register(world, folder)
    write_records(world, folder / "records", keyed, "stamps")
    register = Register(world)
    write_truth(folder, register, keyed)
    if updates:
        batch = later_batch(world, keyed, max(10, min(FULL_UPDATES, records // 20)))
        corrected = {one.key: one for one in batch if isinstance(one, Keyed)}
        added = keys.give([one for one in batch if not isinstance(one, Keyed)])
        later = [*corrected.values(), *added]
        write_records(world, folder / "records-later", later, "later-stamps")
        after = [corrected.get(one.key, one) for one in keyed] + added
        write_truth(folder / "records-later", register, later, after)
    return len(keyed)


def main(arguments: list[str] | None = None) -> None:
    """Read the options and write the demo."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description="Write the demo's files.")
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument(
        "--records", type=int, default=FULL_RECORDS, metavar="N", help="agency records (at least the stories)"
    )
    parser.add_argument("--tiny", action="store_true", help=f"about {TINY_RECORDS} records, every story once")
    parser.add_argument("--updates", action="store_true", help="also write records-later/, a batch of changes")
    chosen = parser.parse_args(arguments)
    records = TINY_RECORDS if chosen.tiny else chosen.records
    made = write_demo(chosen.to, chosen.seed, records, chosen.updates)
    print(f"{made} agency records in {chosen.to}")  # the command's answer


if __name__ == "__main__":
    main()
