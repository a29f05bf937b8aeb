"""Every action that the code enters into the audit has its words."""

import ast
from pathlib import Path

import pytest

from portal.audit_words import THINGS, VERBS

ROOT = Path(__file__).parents[2]


def actions() -> set[str]:
    """The actions written out at calls of `audit`, both sides of a choice."""
    found = set()
    for room in ("registry", "portal", "jobs"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "audit" and len(node.args) > 2:
                    written = ast.walk(node.args[2])
                    found |= {one.value for one in written if isinstance(one, ast.Constant) and "." in str(one.value)}
    return {str(one) for one in found if not str(one).endswith(".")}


@pytest.mark.parametrize("action", sorted(actions()))
def test_an_action_has_words(action: str) -> None:
    thing, _dot, verb = action.partition(".")
    assert verb in VERBS, f"portal/audit_words.py lacks the verb of {action}"
    assert thing in THINGS or not thing, f"portal/audit_words.py lacks the thing of {action}"
