"""`make audit`: dangerous constructs in our code, and known weaknesses in the locked dependencies.

Exit 0 only when both were looked at and nothing was found; 1 when something was found; 2 when the advisories could not
be asked, which is never called clean (pip-audit by itself passes over what it cannot look up).
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.markers import Marker

PROJECT: Final = Path(__file__).resolve().parent.parent
LOCK: Final = PROJECT / "requirements" / "bench.lock"  # holds the others at the same versions
SECONDS: Final = 300
_PINNED: Final = re.compile(
    r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)(?:\s*;\s*([^\\\n]+))?", re.MULTILINE
)

Run = Callable[[Sequence[str]], "Ended"]


@dataclass(frozen=True)
class Ended:
    """What a program said and how it ended."""

    code: int
    out: str
    error: str


def run(arguments: Sequence[str]) -> Ended:
    """Run a module of this Python to its end."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", *arguments], cwd=PROJECT, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return Ended(-1, "", f"no answer within {SECONDS} seconds")
    return Ended(done.returncode, done.stdout, done.stderr)


def locked(lock: str) -> dict[str, str]:
    """Name (normal form) and version of every package of a lock file that is installed on such a machine."""
    return {
        re.sub(r"[-_.]+", "-", name).lower(): version
        for name, version, marker in _PINNED.findall(lock)
        if not marker or Marker(marker.strip()).evaluate()
    }


def audit_code(run: Run, say: Callable[[str], None]) -> int:
    """Ruff's rules against dangerous constructs."""
    # All rules are run, so that the exceptions that pyproject.toml gives reasons for hold; those of S are told.
    ended = run(["ruff", "check", "--output-format", "json", "."])
    try:
        found = [one for one in json.loads(ended.out) if str(one["code"]).startswith("S")]
    except (ValueError, KeyError, TypeError):
        say(f"code: NOT CHECKED, ruff did not answer. {ended.error.strip()[:300]}")
        return 2
    for one in found:
        say(f"code: {one['filename']}:{one['location']['row']}: {one['code']} {one['message']}")
    if not found:
        say("code: ruff's S rules find nothing.")
    return 1 if found else 0


def audit_dependencies(lock: str, run: Run, say: Callable[[str], None]) -> int:
    """Known weaknesses of every locked package; what was not looked up is named."""
    wanted = locked(lock)
    asked = ["pip_audit", "--requirement", str(LOCK), "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    ended = run(asked)
    try:
        told = json.loads(ended.out)["dependencies"]
        answered = {re.sub(r"[-_.]+", "-", one["name"]).lower(): one for one in told}
    except (ValueError, KeyError, TypeError):
        reason = (ended.error.strip().splitlines() or ["it said nothing"])[-1]
        say(f"dependencies: NOT CHECKED. The advisory source could not be asked: {reason[:300]}")
        say("dependencies: try again where pypi.org can be reached; nothing is known about them now.")
        return 2
    unknown = sorted(
        name for name, version in wanted.items() if answered.get(name, {"skip_reason": ""}).get("version") != version
    )
    weak = [(one["name"], one["version"], weakness) for one in told for weakness in one.get("vulns", [])]
    for name, version, weakness in weak:
        mended = ", ".join(weakness.get("fix_versions", [])) or "no version yet"
        say(f"dependencies: {name} {version}: {weakness['id']}, mended in {mended}")
    if len(unknown) == len(wanted):
        say("dependencies: NOT CHECKED. The advisory source answered for none of them; is pypi.org reached from here?")
    elif unknown:
        say(f"dependencies: NOT CHECKED, the advisory source says nothing of: {', '.join(unknown)}")
    if not weak and not unknown:
        say(f"dependencies: no known weakness in {len(wanted)} locked packages.")
    return 1 if weak else 2 if unknown else 0


def main() -> int:
    """Both audits; the worse one decides."""
    code = audit_code(run, print)
    dependencies = audit_dependencies(LOCK.read_text(encoding="utf-8"), run, print)
    return 1 if 1 in (code, dependencies) else max(code, dependencies)


if __name__ == "__main__":
    sys.exit(main())
