"""Writing a world to a folder: keys, stamps, JSON lines and the truth."""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deploy.demo.chance import Chance
from deploy.demo.linkage import Register
from deploy.demo.sources import SOURCES
from deploy.demo.world import AGENCIES, Draft, Json, World

KEY_OF_AGENCY = {"land": "TD", "environment": "HB", "finance": "JR"}
TRUTH_COLUMNS = ("agency", "source_key", "project_reference", "enterprise_reference", "needs")
FINDING_COLUMNS = ("agency", "source_key", "rule", "reasons", "needs", "story")
TOLD_COLUMNS = ("subject_kind", "subject", "rule", "reasons", "story")


@dataclass(frozen=True)
class Keyed:
    """A draft with the agency's key."""

    key: str
    draft: Draft


class Keys:
    """Gives out the agencies' keys in the order in which they published, so that no key tells what a record is."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int], int] = {}

    def give(self, drafts: list[Draft]) -> list[Keyed]:
        """Each draft with its key, by day of publication."""
        ordered = sorted(enumerate(drafts), key=lambda numbered: (numbered[1].received, numbered[0]))
        return [Keyed(self._next(draft), draft) for _, draft in ordered]

    def _next(self, draft: Draft) -> str:
        series = (draft.agency, draft.received.year)
        self._last[series] = self._last.get(series, 0) + 1
        return f"{KEY_OF_AGENCY[draft.agency]}-{draft.received.year}-{self._last[series]:06d}"


def record(chance: Chance, keyed: Keyed) -> Json:
    """The canonical record: what the agency published, with its stamp."""
    draft = keyed.draft
    stamp = f"{draft.received}T{chance.whole(8, 19):02d}:{chance.whole(0, 59):02d}:{chance.whole(0, 59):02d}+08:00"
    written = {"source_key": keyed.key, "source_modified": stamp, "received": draft.received.isoformat()}
    written |= draft.fields | {"synthetic": True}
    return written | ({"malformed": draft.malformed} if draft.malformed else {})


def write_lines(path: Path, rows: Iterable[Json]) -> None:
    """JSON lines, UTF-8, the same bytes everywhere."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


def write_rows(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """A CSV file with a header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def write_register(world: World, folder: Path) -> None:
    """Everything but the agencies' records."""
    write_lines(folder / "sources.jsonl", SOURCES)
    write_lines(folder / "enterprises.jsonl", world.enterprises)
    write_lines(folder / "projects.jsonl", world.projects)
    write_lines(folder / "notices.jsonl", world.notices)
    write_lines(folder / "dispositions.jsonl", world.dispositions)
    write_lines(folder / "plans.jsonl", world.plans)
    told = sorted((one.kind, one.subject, one.rule, "|".join(one.reasons), one.story) for one in world.told)
    write_rows(folder / "truth_register.csv", TOLD_COLUMNS, told)
    text = json.dumps(list(world.stories.values()), ensure_ascii=False, indent=1)
    (folder / "stories.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def write_records(world: World, folder: Path, keyed: list[Keyed], label: str) -> None:
    """One file an agency, sorted by stamp."""
    chance = world.chance(label)
    for agency in AGENCIES:
        rows = [record(chance.stream(one.key), one) for one in keyed if one.draft.agency == agency]
        rows.sort(key=lambda row: (row["source_modified"], row["source_key"]))
        write_lines(folder / f"{agency}.jsonl", rows)


def write_truth(folder: Path, register: Register, keyed: list[Keyed], judged: list[Keyed] | None = None) -> None:
    """What the records belong to, and what the rules must find; malformed records are in neither."""
    sound = sorted((one for one in keyed if one.draft.malformed is None), key=_by_key)
    truth: list[tuple[str, ...]] = []
    for one in sound:
        needs = register.needs(one.draft)
        for project in one.draft.projects or ("",):
            truth.append((one.draft.agency, one.key, project, one.draft.enterprise or "", needs))
    write_rows(folder / "truth.csv", TRUTH_COLUMNS, truth)
    findings = [
        (one.draft.agency, one.key, rule, "|".join(reasons), register.needs(one.draft), one.draft.story or "")
        for one in (sound if judged is None else sorted(judged, key=_by_key))
        for rule, reasons in one.draft.findings
    ]
    write_rows(folder / "truth_findings.csv", FINDING_COLUMNS, findings)


def _by_key(keyed: Keyed) -> tuple[int, str]:
    return AGENCIES.index(keyed.draft.agency), keyed.key
