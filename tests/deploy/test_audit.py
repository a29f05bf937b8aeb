"""`make audit` never calls clean what it could not ask about."""

import json
from collections.abc import Sequence

import pytest

from deploy.audit import LOCK, Ended, audit_code, audit_dependencies, locked

TWO = "one==1.0 \\\n    --hash=sha256:00\ntwo-three==2.0 ; python_version < '4'\n    # via one\n"


def _answering(*dependencies: dict[str, object], code: int = 0) -> Ended:
    return Ended(code, json.dumps({"dependencies": dependencies}), "")


@pytest.mark.parametrize(
    ("ended", "code", "said"),
    [
        (
            _answering({"name": "one", "version": "1.0", "vulns": []}, {"name": "two_three", "version": "2.0"}),
            0,
            "no known weakness in 2",
        ),
        (Ended(1, "", "ConnectionError: the name cannot be resolved"), 2, "NOT CHECKED"),
        (Ended(-1, "", "no answer within 300 seconds"), 2, "no answer within 300 seconds"),
        (_answering({"name": "one", "version": "1.0", "vulns": []}), 2, "nothing of: two-three"),
        (
            _answering(
                {"name": "one", "version": "1.0", "vulns": []}, {"name": "two-three", "skip_reason": "not found"}
            ),
            2,
            "NOT CHECKED",
        ),
        (
            _answering(
                {"name": "one", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]},
                {"name": "two-three", "version": "2.0", "vulns": []},
                code=1,
            ),
            1,
            "PYSEC-1, mended in 1.1",
        ),
    ],
)
def test_the_verdict_on_dependencies(ended: Ended, code: int, said: str) -> None:
    lines: list[str] = []

    def answer(_arguments: Sequence[str]) -> Ended:
        return ended

    assert audit_dependencies(TWO, answer, lines.append) == code
    told = "\n".join(lines)
    assert said in told
    assert ("no known weakness" in told) == (code == 0)


def test_code_that_does_not_pass_is_told() -> None:
    lines: list[str] = []
    found = [
        {"code": "S602", "filename": "a.py", "location": {"row": 3}, "message": "shell"},
        {"code": "E501", "filename": "a.py", "location": {"row": 9}, "message": "long"},
    ]
    assert audit_code(lambda _arguments: Ended(1, json.dumps(found), ""), lines.append) == 1
    assert lines == ["code: a.py:3: S602 shell"]
    assert audit_code(lambda _arguments: Ended(1, json.dumps(found[1:]), ""), lines.append) == 0
    assert audit_code(lambda _arguments: Ended(2, "", "broken setting"), lines.append) == 2


def test_an_advisory_source_that_knows_nothing_is_not_called_clean() -> None:
    lines: list[str] = []
    skipped = _answering({"name": "one", "skip_reason": "not found"}, {"name": "two-three", "skip_reason": "not found"})
    assert audit_dependencies(TWO, lambda _arguments: skipped, lines.append) == 2
    assert "answered for none" in lines[0]


def test_every_package_of_the_lock_is_asked_about() -> None:
    lock = LOCK.read_text(encoding="utf-8")
    names = [line for line in lock.splitlines() if line[:1].isalnum()]
    assert len(names) > 50
    assert 0 <= len(names) - len(locked(lock)) < 16  # those for other operating systems and Pythons


def test_what_is_not_installed_here_is_not_asked_about() -> None:
    assert locked("one==1.0 ; sys_platform == 'nowhere' \\\n    --hash=x\ntwo==2.0\n") == {"two": "2.0"}
