"""The demo's files, made once for all tests that read them."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.__main__ import write_demo
from deploy.demo.world import AGENCIES

Json = dict[str, Any]


@dataclass
class DemoFiles:
    """A folder of the demo, read."""

    folder: Path

    def lines(self, name: str) -> list[Json]:
        return [json.loads(line) for line in (self.folder / name).read_text(encoding="utf-8").splitlines()]

    def rows(self, name: str) -> list[dict[str, str]]:
        with (self.folder / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def records(self, folder: str = "records") -> dict[tuple[str, str], Json]:
        return {(agency, r["source_key"]): r for agency in AGENCIES for r in self.lines(f"{folder}/{agency}.jsonl")}


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    """The full demo with its second batch."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder, updates=True)
    return DemoFiles(folder)


@pytest.fixture(scope="session")
def tiny_demo(tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    """The tiny demo."""
    folder = tmp_path_factory.mktemp("tiny")
    write_demo(folder, records=300, updates=True)
    return DemoFiles(folder)
