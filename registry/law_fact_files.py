"""Dispositions, plans, eliminations and the like from a file: CSV, XLSX or JSON lines, every problem at its place."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import orjson
from openpyxl.utils.datetime import from_excel

from registry.errors import BadFile
from registry.import_problems import Problem, read_items
from registry.law_fact_items import LawFactItem
from registry.law_fact_writing import FactKind
from registry.project_columns import WORDS as PROJECT_WORDS
from registry.project_columns import heading_key, plain_date, plain_number
from registry.project_tables import Cell, Table, decode, read_bytes, read_csv, read_xlsx

# Excel keeps 15 digits of a number: a longer code that came as a number has lost its end.
_EXACT: Final = 10**15
_SERIALS: Final = range(20_000, 80_000)

# field -> (heading in Chinese, in English); the first is the one of the template.
_EVERY: Final[dict[str, tuple[str, ...]]] = {
    "reference": ("编号", "reference"),
    "number": ("文号", "number"),
    "authority": ("机关", "authority"),
    "source": ("来源", "source"),
    "known_from": ("获知日期", "known_from"),
    "withdrawn": ("撤回", "withdrawn"),
}
_PROJECT: Final = ("项目", "project", "项目代码", "项目编号")
_ENTERPRISE: Final = ("企业", "enterprise", "统一社会信用代码", "uscc")
_UNIT: Final = ("设备编号", "equipment")
COLUMNS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "dispositions": {
        "project": _PROJECT,
        "kind": ("处理结果", "kind"),
        "decided": ("作出日期", "decided"),
        "published": ("公开日期", "published"),
    },
    "plans": {
        "project": _PROJECT,
        "published": ("公示日期", "published"),
        "confirmed": ("确认日期", "confirmed"),
        "announced": ("公告日期", "announced"),
        "listed": ("列入淘汰名单日期", "listed"),
        "units.reference": ("退出设备编号", "unit_reference"),
        "units.product": ("产品", "product"),
        "units.amount": ("退出产能", "amount"),
        "units.unit": ("产能单位", "unit"),
        "units.retired": ("退出日期", "retired"),
    },
    "eliminations": {
        "enterprise": _ENTERPRISE,
        "equipment": _UNIT,
        "deadline": ("淘汰期限", "deadline"),
        "cured": ("完成日期", "cured"),
    },
    "orders": {
        "enterprise": _ENTERPRISE,
        "equipment": _UNIT,
        "kind": ("命令", "kind"),
        "ordered": ("下达日期", "ordered"),
        "due": ("限期", "due"),
        "ended": ("办结日期", "ended"),
        "last_ran": ("最后生产日期", "last_ran"),
    },
    "restrictions": {
        "region": ("地区", "region"),
        "from": ("限批起日", "from"),
        "until": ("限批止日", "until"),
    },
    "rectifications": {
        "project": _PROJECT,
        "region": ("地区", "region"),
        "decided": ("制定日期", "decided"),
        "published": ("公示日期", "published"),
        "filed": ("备案日期", "filed"),
    },
    "equipment": {
        "enterprise": _ENTERPRISE,
        "project": _PROJECT,
        "class": ("设备类别", "class"),
        "size": ("规格", "size"),
        "unit": ("规格单位", "unit"),
        "commissioned": ("投产日期", "commissioned"),
        "dismantled": ("拆除日期", "dismantled"),
        "last_ran": ("最后运行日期", "last_ran"),
        "traits": ("特征", "traits"),
    },
}
_NUMBERS: Final = frozenset({"units.amount", "size"})
_DATES: Final = frozenset(
    one
    for columns in (_EVERY, *COLUMNS.values())
    for one, names in columns.items()
    if names[0].endswith(("日期", "日", "期限", "限期"))
)
_WORDS: Final[dict[tuple[str, str], dict[str, str]]] = {
    ("dispositions", "kind"): {
        "禁止开工": "forbid_start",
        **dict.fromkeys(("停建", "责令停建"), "halt"),
        "予以认定": "recognise",
        "认定": "recognise",
        **dict.fromkeys(("不予认定", "未予认定"), "not_recognise"),
        **dict.fromkeys(("隐瞒不报", "查实隐瞒"), "concealed"),
    },
    ("orders", "kind"): {**dict.fromkeys(("关闭", "责令关闭"), "close"), **dict.fromkeys(("停产", "责令停产"), "stop")},
    ("plans", "units.product"): PROJECT_WORDS["capacities.product"],
    ("equipment", "class"): PROJECT_WORDS["equipment.class"],
    ("equipment", "unit"): PROJECT_WORDS["equipment.unit"],
}
_YES: Final = {"是": "true", "否": "false", "yes": "true", "no": "false"}


@dataclass(slots=True)
class LawFactsFile:
    """What a file says: valid items with the row each begins at, the problems, and remarks on how it was read."""

    items: list[LawFactItem] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    headings: dict[str, str] = field(default_factory=dict)

    def locate(self, problem: Problem) -> Problem:
        """The problem under the heading that its value has in the file."""
        name = ".".join(part for part in problem.column.split(".") if not part.isdecimal())
        return replace(problem, column=self.headings.get(name, problem.column))


def columns_of(name: str) -> dict[str, tuple[str, ...]]:
    """The columns that a file of this kind may have, in the order of the template."""
    first, *rest = _EVERY.items()
    return dict([first]) | COLUMNS[name] | dict(rest)


def read_law_facts(name: str, kind: FactKind, path: Path) -> LawFactsFile:
    """Read a file of one kind; raises BadFile where it is no such file, and lists problems of single rows."""
    content = read_bytes(path)
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        return _from_lines(kind, content, path.name)
    if suffix == ".xlsx" or (suffix != ".csv" and content.startswith(b"PK")):
        return _from_table(name, kind, read_xlsx(content, path.name))
    if suffix in (".csv", ".txt"):
        return _from_table(name, kind, read_csv(content, path.name))
    raise BadFile(f"Files of kind “{suffix}” are not read.", where=path.name, remedy="Save it as CSV, XLSX or JSONL.")


def _from_lines(kind: FactKind, content: bytes, name: str) -> LawFactsFile:
    text, notes = decode(content, name)
    read = LawFactsFile(notes=notes)
    raw: list[Any] = []
    rows: list[int] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            raw.append(orjson.loads(line))
            rows.append(number)
        except orjson.JSONDecodeError as error:
            zh, en = f"不是有效的 JSON：{error.msg}。", f"It is not valid JSON: {error.msg}."
            remedy = ("每行应为一个完整的对象。", "A line is one whole object.")
            read.problems.append(Problem(number, "", line[:60], zh, en, *remedy))
    read.items, read.rows, problems = read_items(kind.item, raw, rows)
    read.problems += problems
    return read


def _from_table(name: str, kind: FactKind, table: Table) -> LawFactsFile:
    read = LawFactsFile(notes=table.notes)
    fields = _fields(name, table.heading, read)
    if read.problems:
        return read
    read.headings = dict(zip(fields, table.heading, strict=True))
    drafts: dict[str, tuple[int, dict[str, Any]]] = {}
    refused: set[str] = set()
    for number, cells in table.rows:
        values: dict[str, str] = {}
        broken = False
        for one, heading, cell in zip(fields, table.heading, cells, strict=True):
            plain, problem = _plain(name, one, cell)
            if problem is not None:
                read.problems.append(replace(problem, row=number, column=heading))
                broken = True
            if plain:
                values[one] = plain
        if not values and not broken:
            continue
        key = values.get("reference", f"\x00{number}")
        row, draft = drafts.setdefault(key, (number, {}))
        contradictions = _add(draft, values, read.headings, number, row)
        read.problems += contradictions
        if broken or contradictions:
            refused.add(key)
    whole = [one for key, one in drafts.items() if key not in refused]
    read.items, read.rows, problems = read_items(kind.item, [draft for _, draft in whole], [row for row, _ in whole])
    read.problems += [read.locate(problem) for problem in problems]
    return read


def _add(
    draft: dict[str, Any], values: Mapping[str, str], headings: Mapping[str, str], number: int, row: int
) -> list[Problem]:
    """Take one row into its item; a further row of a plan brings a further unit and may repeat what is said already."""
    problems: list[Problem] = []
    unit: dict[str, str] = {}
    for name, value in values.items():
        _, _, rest = name.partition(".")
        if rest:
            unit[rest] = value
        elif name == "traits":
            draft[name] = [one for one in value.replace("；", ";").replace("、", ";").split(";") if one.strip()]
        elif draft.setdefault(name, value) != value:
            zh, en = f"与第 {row} 行不一致（{draft[name]}）。", f"Row {row} says “{draft[name]}”."
            remedy = ("请统一，或在后续行中留空。", "Make them equal, or leave it empty in the later rows.")
            problems.append(Problem(number, headings.get(name, name), value, zh, en, *remedy))
    if number != row and not unit and not problems:
        zh, en = f"与第 {row} 行重复。", f"Row {row} has the same value."
        remedy = ("请删除或改正其中一行。", "Remove or correct one of them.")
        reference = str(draft.get("reference", ""))
        problems.append(Problem(number, headings.get("reference", "reference"), reference, zh, en, *remedy))
    if unit:
        draft.setdefault("units", []).append(unit)
    return problems


def _fields(name: str, heading: list[str], read: LawFactsFile) -> list[str]:
    columns = columns_of(name)
    known = {heading_key(one): field_name for field_name, names in columns.items() for one in names}
    fields: list[str] = []
    for position, one in enumerate(heading, start=1):
        found = known.get(heading_key(one), "")
        shown = one or f"({position})"
        if not found:
            near = difflib.get_close_matches(heading_key(one), known, n=1, cutoff=0.5)
            names = columns[known[near[0]]] if near else ()
            remedy_zh = f"是否为“{names[0]}”？" if names else "请删除该列，列名见模板。"
            remedy_en = (
                f"Did you mean “{names[0]}” ({names[1]})?" if names else "Remove it; the template has the names."
            )
            zh, en = f"没有名为“{shown}”的列。", f"There is no column “{shown}”."
            read.problems.append(Problem(1, shown, one, zh, en, remedy_zh, remedy_en))
        elif found in fields:
            zh, en = f"列“{shown}”出现两次。", f"The column “{shown}” stands here twice."
            read.problems.append(Problem(1, shown, one, zh, en, "请删除其中一列。", "Remove one of them."))
        fields.append(found)
    return fields


def _plain(name: str, field_name: str, cell: Cell) -> tuple[str, Problem | None]:
    """A cell as the text the model reads, or why it cannot be."""
    if cell is None or cell == "":
        return "", None
    if isinstance(cell, datetime | date):
        return (cell.date() if isinstance(cell, datetime) else cell).isoformat(), None
    if isinstance(cell, bool):
        return str(cell).lower(), None
    if isinstance(cell, int | float):
        if field_name not in _NUMBERS and abs(cell) >= _EXACT:
            zh = "代码已被 Excel 变成数值，末几位已丢失。"
            en = "Excel turned the code into a number and its last digits are lost."
            remedy = ("请把该列设为文本格式后重新录入代码。", "Format the column as text and enter the code again.")
            return "", Problem(0, "", str(cell), zh, en, *remedy)
        if field_name in _DATES and int(cell) in _SERIALS:
            day = from_excel(cell)
            return (day.date().isoformat() if isinstance(day, datetime) else str(cell)), None
        text = f"{cell:.10f}".rstrip("0").rstrip(".") if isinstance(cell, float) else str(cell)
    else:
        text = cell
    if field_name in _DATES:
        return plain_date(text), None
    if field_name in _NUMBERS:
        return plain_number(text), None
    if field_name == "withdrawn":
        return _YES.get(text.lower(), text), None
    return _WORDS.get((name, field_name), {}).get(text, text), None
