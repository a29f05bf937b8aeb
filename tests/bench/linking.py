"""Linking against splink 5 and blocked rapidfuzz on one set: `python -m tests.bench.linking --projects 20000`.

All three get the same records and are held to the same truth. Ours is the production linker with its database, as
`threegates link-bench` runs it. Splink and rapidfuzz get our normal forms (without them they come out far worse), codes
and numbers as they are, and the threshold that suits them best on this very set; their time is without loading.
"""

import argparse
import asyncio
import json
import logging
import os
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rapidfuzz import fuzz, process

from deploy.linkage.__main__ import write
from jobs.process import calm_collector
from registry.linking.benchmark import measure
from registry.linking.sets import LinkageSet, read_set
from registry.names import normal_texts
from registry.scratch import scratch_database

Pairs = dict[str, tuple[str, float]]
FLOOR: Final = {"f1_over_splink": 0.05, "times_splink": 3.0, "error_of_rapidfuzz": 0.5}


@dataclass(frozen=True)
class Comparison:
    """F1 and records a second of the three, and what the floors are about."""

    records: int
    without_codes: int
    our_f1: float
    splink_f1: float
    rapidfuzz_f1: float
    our_rate: float
    splink_rate: float
    rapidfuzz_rate: float
    false_merges: float
    f1_over_splink: float
    times_splink: float
    error_of_rapidfuzz: float
    peak_rss_mb: float

    @property
    def holds(self) -> bool:
        """Whether every floor is kept."""
        return (
            self.f1_over_splink >= FLOOR["f1_over_splink"]
            and self.times_splink >= FLOOR["times_splink"]
            and self.error_of_rapidfuzz <= FLOOR["error_of_rapidfuzz"]
        )


def best_f1(pairs: Pairs, truth: dict[str, set[str]]) -> float:
    """The F1 at the threshold that suits these pairs best."""
    wanted = sum(len(each) for each in truth.values())
    right, best = 0, 0.0
    ordered = sorted(pairs.items(), key=lambda pair: -pair[1][1])
    for count, (record, (project, _)) in enumerate(ordered, start=1):
        right += project in truth[record]
        best = max(best, 2 * right / (count + wanted))
    return best


def plain(given: LinkageSet) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Projects, once for each name of their owner, and records, both in our normal forms."""
    told = [*given.projects, *given.records]
    names = normal_texts(
        name
        for row in told
        for name in (
            row.get("name", ""), row.get("owner_name", ""), row.get("project_name", ""), row.get("party_name", ""),
            *row.get("former_names", "").split("|"),
        )
        if name
    )  # fmt: skip
    projects = [
        {
            "unique_id": f"{row['code']}|{number}", "title": names[row["name"]], "party": names[name],
            "uscc": row["owner_uscc"] or None, "code": row["code"], "city": row["region"][:4] or None,
            "start": names[name][:4],
        }
        for row in given.projects
        for number, name in enumerate(filter(None, (row["owner_name"], *row["former_names"].split("|"))))
    ]  # fmt: skip
    records = [
        {
            "unique_id": row["id"], "title": names.get(row["project_name"]) or None,
            "party": names.get(row["party_name"]) or None, "uscc": row["party_uscc"] or None,
            "code": row["project_code"] or None, "city": row["region"][:4] or None,
            "start": (names.get(row["party_name"]) or "")[:4] or None,
        }
        for row in given.records
    ]  # fmt: skip
    return projects, records


def by_splink(projects: list[dict[str, Any]], records: list[dict[str, Any]]) -> Pairs:
    """The best project of each record by splink, trained on this very set."""
    import splink.comparison_library as compare  # the extra `bench`
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    logging.getLogger("splink").setLevel(logging.ERROR)
    connection = DuckDBAPI()
    tables = [
        connection.register(table, dataset_display_name=name) for name, table in (("p", projects), ("r", records))
    ]
    linker = Linker(
        tables,
        SettingsCreator(
            link_type="link_only",
            comparisons=[
                compare.JaroWinklerAtThresholds("party", [0.97, 0.92, 0.85, 0.7]),
                compare.JaroWinklerAtThresholds("title", [0.97, 0.92, 0.85, 0.7]),
                compare.ExactMatch("uscc"),
                compare.ExactMatch("code"),
                compare.ExactMatch("city"),
            ],
            blocking_rules_to_generate_predictions=[
                block_on("code"), block_on("uscc"), block_on("party"), block_on("start"), block_on("title"),
                block_on("substr(title, 1, 6)"),
            ],
        ),
        log_level=logging.ERROR,
    )  # fmt: skip
    linker.training.estimate_probability_two_random_records_match([block_on("code")], recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in (block_on("code"), block_on("party")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    found = linker.inference.predict(threshold_match_probability=0.01).as_dict()
    best: Pairs = {}
    for left, right, weight in zip(found["unique_id_l"], found["unique_id_r"], found["match_weight"], strict=True):
        project, record = (left, right) if "|" in left else (right, left)
        if record not in best or best[record][1] < weight:
            best[record] = (project.split("|")[0], weight)
    return best


def by_rapidfuzz(projects: list[dict[str, Any]], records: list[dict[str, Any]]) -> Pairs:
    """The best project of each record by rapidfuzz among those of its city, or of its name's beginning."""
    codes = {row["code"]: row["code"] for row in projects}
    blocks: dict[Any, list[int]] = defaultdict(list)
    for at, row in enumerate(projects):
        blocks["city", row["city"]].append(at)
        blocks["start", row["start"]].append(at)
    whole = [f"{row['party']}{row['title'].removeprefix(row['party'])}" for row in projects]
    best: Pairs = {}
    for row in records:
        if row["code"] in codes:
            best[row["unique_id"]] = (row["code"], 200.0)
            continue
        block = {*blocks["city", row["city"]], *blocks["start", row["start"]]} or set(range(len(projects)))
        party, title = row["party"] or "", row["title"] or ""
        found = process.extractOne(
            f"{party}{title.removeprefix(party)}", {at: whole[at] for at in block}, scorer=fuzz.ratio
        )
        if found is not None:
            best[row["unique_id"]] = (projects[found[2]]["code"], found[1])
    return best


def timed(way: Callable[..., Pairs], *tables: Iterable[Any]) -> tuple[Pairs, float]:
    """What a way finds, and how long it takes."""
    started = time.perf_counter()
    return way(*tables), time.perf_counter() - started


async def ours(server: str, given: LinkageSet) -> Any:
    """The production linker's measures."""
    async with scratch_database(server) as engine:
        return await measure(engine, given)


def compare(server: str, given: LinkageSet) -> Comparison:
    """One run of the three on one set."""
    projects, records = plain(given)
    measured = asyncio.run(ours(server, given))
    splink, splink_seconds = timed(by_splink, projects, records)
    blocked, blocked_seconds = timed(by_rapidfuzz, projects, records)
    splink_f1, blocked_f1 = best_f1(splink, given.truth), best_f1(blocked, given.truth)
    count = len(records)
    return Comparison(
        records=count,
        without_codes=sum(not row["code"] and not row["uscc"] for row in records),
        our_f1=measured.f1,
        splink_f1=round(splink_f1, 4),
        rapidfuzz_f1=round(blocked_f1, 4),
        our_rate=measured.records_per_second,
        splink_rate=round(count / splink_seconds, 1),
        rapidfuzz_rate=round(count / blocked_seconds, 1),
        false_merges=measured.false_merges,
        f1_over_splink=round(measured.f1 - splink_f1, 4),
        times_splink=round(measured.records_per_second / (count / splink_seconds), 2),
        error_of_rapidfuzz=round((1 - measured.f1) / max(1e-9, 1 - blocked_f1), 3),
        peak_rss_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    )


def main() -> int:
    """Measure on THREEGATES_DATABASE_URL and print; 1 where a floor is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projects", type=int, default=20_000)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--coded", type=float, default=0.8, help="which part of the records bears its project's code")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write(
            Path(folder), "plain", options.projects, options.records, 9,
            real=False, written="other", coded=options.coded,
        )  # fmt: skip
        # As the worker does, for all three that are measured here.
        calm_collector()
        found = compare(os.environ["THREEGATES_DATABASE_URL"], read_set(Path(folder)))
    if options.json:
        print(json.dumps(asdict(found)))
    else:
        print(
            f"linking {found.records:,} records, {found.without_codes:,} without codes: "
            f"ours F1 {found.our_f1:.4f}, {found.our_rate:,.0f}/s; splink F1 {found.splink_f1:.4f}, "
            f"{found.splink_rate:,.0f}/s; blocked rapidfuzz F1 {found.rapidfuzz_f1:.4f}, "
            f"{found.rapidfuzz_rate:,.0f}/s; "
            f"{found.f1_over_splink:+.4f} over splink at {found.times_splink} times its speed, "
            f"{found.error_of_rapidfuzz} of rapidfuzz's error; false merges {found.false_merges:.4%}"
        )
    return 0 if found.holds else 1


if __name__ == "__main__":
    sys.exit(main())
