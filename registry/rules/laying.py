"""Laying a new rule: its folder with a SELECT, a description and cases that fail until they are filled."""

from pathlib import Path
from typing import Final

from registry.errors import BadInput, Conflict
from registry.rules.reading import RULE_NAME, rules

_HERE: Final = Path(__file__).parent
_TEMPLATE: Final = _HERE / "template"
_STEP: Final = 10


def lay_rule(name: str, folder: Path = _HERE) -> list[Path]:
    """Lay the three files of a new rule, commented; returns them. Raises BadInput for a name that is none, Conflict."""
    if not RULE_NAME.fullmatch(name):
        raise BadInput(
            f"“{name}” is no name for a rule.",
            where=str(folder),
            remedy="Use small letters, digits and hyphens, such as land-without-approval.",
        )
    place = folder / name
    if name in {one.id for one in rules()} or place.exists():
        raise Conflict(
            f"The rule “{name}” is there already.", where=str(place), remedy="Change it, or take another name."
        )
    order = max((one.order for one in rules()), default=0) // _STEP * _STEP + _STEP
    place.mkdir(parents=True)
    laid = []
    for file in sorted(_TEMPLATE.glob("*.txt")):
        text = file.read_text(encoding="utf-8").replace("RULE_ID", name).replace("RULE_ORDER", str(order))
        path = place / file.stem
        path.write_text(text, encoding="utf-8")
        laid.append(path)
    return laid
