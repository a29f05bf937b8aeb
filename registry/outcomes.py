"""What a registration did: which references are new, changed, unchanged or refused, and what was odd."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from registry.identifiers.problem import IdentifierWarning
from registry.import_problems import ItemsRejected, Problem


@dataclass(slots=True)
class Outcome:
    """The result of registering items; `ids` holds every accepted reference with its number in the register."""

    ids: dict[str, int] = field(default_factory=dict)
    new: list[str] = field(default_factory=list)
    changed: dict[str, list[str]] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    rejected: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    enterprises_added: list[str] = field(default_factory=list)

    def sort_in(self, references: Sequence[str], existed: set[str], touched: dict[str, set[str]]) -> None:
        """Sort accepted references into new, changed (with what changed) and unchanged."""
        for reference in references:
            if reference not in existed:
                self.new.append(reference)
            elif touched.get(reference):
                self.changed[reference] = sorted(touched[reference])
            else:
                self.unchanged.append(reference)


def refuse(problems: Sequence[Problem], *, valid_only: bool) -> set[int]:
    """The rows to leave out; raises ItemsRejected with all problems unless valid rows alone shall be written."""
    if problems and not valid_only:
        raise ItemsRejected(problems)
    return {problem.row for problem in problems}


def identifier_warning(row: int, column: str, value: str, warning: IdentifierWarning) -> Problem:
    """A warning of an identifier as a problem of a row."""
    (zh, remedy_zh), (en, remedy_en) = warning.say("zh"), warning.say("en")
    return Problem(row, column, value, zh, en, remedy_zh, remedy_en)


def repeated(rows: Sequence[int], values: Sequence[str | None], column: str) -> list[Problem]:
    """A problem for every row that repeats the value of an earlier row."""
    first: dict[str, int] = {}
    problems = []
    for row, value in zip(rows, values, strict=True):
        if value is None:
            continue
        if value in first:
            problems.append(
                Problem(
                    row,
                    column,
                    value,
                    f"与第 {first[value]} 行重复。",
                    f"Row {first[value]} has the same value.",
                    "请删除或改正其中一行。",
                    "Remove or correct one of them.",
                )
            )
        else:
            first[value] = row
    return problems
