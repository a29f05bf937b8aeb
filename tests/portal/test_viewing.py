"""Every page and resource looks as its viewer: no transaction of the portal goes without becoming one."""

import ast
from pathlib import Path
from typing import Final

PORTAL: Final = Path(__file__).parents[2] / "portal"
# Run before there is anybody, or by an operator on the server, whose rights are the owner's.
WITHOUT_VIEWER: Final = ("starting.py", "readiness.py", "commands", "demo_reports.py")


def names_used(path: Path) -> set[str]:
    """Every name a module calls."""
    called = [one.func for one in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(one, ast.Call)]
    return {one.id if isinstance(one, ast.Name) else getattr(one, "attr", "") for one in called}


def test_a_transaction_of_the_portal_becomes_its_viewer() -> None:
    seen = 0
    for path in sorted(PORTAL.rglob("*.py")):
        if path.relative_to(PORTAL).parts[0] in WITHOUT_VIEWER:
            continue
        used = names_used(path)
        seen += "viewing" in used
        bare = used & {"transaction", "make_engine", "connect"}
        # Recognising becomes the one who may know keys and sign-ins, and nothing else.
        assert not bare or used & {"become", "recognise"}, (
            f"{path}: {bare} without becoming a viewer; use portal.viewing.viewing"
        )
    assert seen > 15
