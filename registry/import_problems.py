"""What is wrong with items that were to be registered: each problem with row, column, value and remedy."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from registry.errors import BadInput
from registry.identifiers.problem import Language

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

# pydantic's error types in the words of officials: (Chinese, remedy in Chinese, English, remedy in English).
_WORDS: Final[dict[str, tuple[str, str, str, str]]] = {
    "missing": ("缺少必填项。", "请填写。", "This field is required.", "Fill it in."),
    "extra_forbidden": (
        "没有这一项。",
        "请删除或改正名称。",
        "There is no such field.",
        "Remove it or correct its name.",
    ),
    "too_short": ("内容为空。", "请填写。", "It is empty.", "Fill it in."),
    "string_too_short": ("内容为空。", "请填写。", "It is empty.", "Fill it in."),
    "string_too_long": ("内容过长。", "请缩短。", "It is too long.", "Shorten it."),
    "string_type": ("应为文字。", "请按文本填写。", "It must be text.", "Give it as text."),
    "string_pattern_mismatch": ("写法不对。", "请参照模板。", "It is not written as expected.", "See the template."),
    "bool_parsing": ("应为 true 或 false。", "请改正。", "It must be true or false.", "Correct it."),
    "model_type": ("应为一个对象。", "请参照格式说明。", "It must be an object.", "See the description of the format."),
    "list_type": ("应为列表。", "请参照格式说明。", "It must be a list.", "See the description of the format."),
}
_DATE_WORDS: Final = ("不是日期。", "请写成 2014-06-01。", "It is not a date.", "Write it like 2014-06-01.")
_NUMBER_WORDS: Final = (
    "不是有效的数。",
    "请只填数字，不带单位。",
    "It is not a valid number.",
    "Give digits only, without a unit.",
)


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
    if "zh" in context:
        return Problem(
            row, column, shown, context["zh"], context["en"], context.get("remedy_zh", ""), context.get("remedy_en", "")
        )
    if kind == "literal_error":
        allowed = str(context["expected"]).replace("'", "").replace(" or ", ", ")
        zh, en = f"“{shown}”不在可选值之内。", f"“{shown}” is not one of the values allowed."
        return Problem(row, column, shown, zh, en, f"可填：{allowed}。", f"Give one of: {allowed}.", True)
    if kind.startswith("date") or kind == "plausible_date":
        words = _DATE_WORDS
    elif kind.startswith(("decimal", "int", "float", "greater", "less", "finite")):
        words = _NUMBER_WORDS
    else:
        words = _WORDS.get(kind, ("无效。", "请改正。", f"It is not valid ({found['msg']}).", "Correct it."))
    zh, remedy_zh, en, remedy_en = words
    return Problem(row, column, shown, zh, en, remedy_zh, remedy_en)
