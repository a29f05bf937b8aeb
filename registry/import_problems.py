"""What is wrong with items that were to be registered: each problem with row, column, value and remedy."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from registry.errors import BadInput
from registry.identifiers.problem import Language
from registry.validation_words import validation_words

_LONGEST_ECHO: Final = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong (or odd) in one item: where it stands, what it is, what to do, in both languages."""

    row: int
    column: str
    value: str
    zh: str
    en: str
    remedy_zh: str = ""
    remedy_en: str = ""
    is_choice: bool = False  # the remedy lists the values allowed

    def say(self, language: Language) -> str:
        """One line: message and remedy."""
        return f"{self.zh}{self.remedy_zh}" if language == "zh" else f"{self.en} {self.remedy_en}".strip()


class ItemsRejected(BadInput):
    """Some items are not valid and nothing was written; `problems` lists each with row, column, value and remedy."""

    title = "Some items are not valid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        first = self.problems[0]
        more = f" ({len(self.problems)} problems in all.)" if len(self.problems) > 1 else ""
        where = f"row {first.row}, {first.column}" if first.column else f"row {first.row}"
        super().__init__(first.en + more, where=where, remedy=first.remedy_en)


Model = TypeVar("Model", bound=BaseModel)


def read_items(
    model: type[Model], raw: Iterable[Any], rows: Sequence[int] | None = None
) -> tuple[list[Model], list[int], list[Problem]]:
    """Validate raw items; returns the valid ones, their rows (from 1, or as given), and every problem of the others."""
    items: list[Model] = []
    kept: list[int] = []
    problems: list[Problem] = []
    for position, one in enumerate(raw):
        row = rows[position] if rows is not None else position + 1
        try:
            items.append(model.model_validate(one))
            kept.append(row)
        except ValidationError as error:
            problems += [_problem(row, dict(found)) for found in error.errors(include_url=False)]
    return items, kept, problems


def _problem(row: int, found: Mapping[str, Any]) -> Problem:
    context = found.get("ctx") or {}
    column = ".".join(str(part) for part in (*found["loc"], *([context["column"]] if "column" in context else [])))
    value = found.get("input")
    # The whole item is no value of a column; a single value is shown, cut.
    shown = "" if isinstance(value, dict | list | BaseModel) else str(value)[:_LONGEST_ECHO]
    kind = found["type"]
    zh, remedy_zh, en, remedy_en = validation_words(kind, context)
    if kind == "literal_error":
        zh, en = f"“{shown}”不在可选值之内。", f"“{shown}” is not one of the values allowed."
    return Problem(row, column, shown, zh, en, remedy_zh, remedy_en, kind == "literal_error")
