"""Questions from a file: CSV, XLSX or JSON lines, one question a row, every problem at its row and column."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson
from openpyxl.utils.datetime import from_excel

from registry.errors import BadFile
from registry.gate.checks import day_problem
from registry.gate.questions import Question
from registry.import_problems import Problem, read_items
from registry.project_columns import UNITS, heading_key, plain_date, plain_number
from registry.project_columns import WORDS as PROJECT_WORDS
from registry.project_tables import Cell, Table, decode, read_bytes, read_csv, read_xlsx

MOST_QUESTIONS: Final = 10_000
_EXACT: Final = 10**15
_SERIALS: Final = range(20_000, 80_000)

# field -> (heading in Chinese, in English, further headings). The first heading is the one of the template.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "act": ("拟办事项", "act", "事项"),
    "lane": ("环节", "lane"),
    "kind": ("种类", "kind", "贷款种类"),
    "on": ("拟办日期", "on", "日期"),
    "project.code": ("项目代码", "project_code", "code", "投资项目代码"),
    "project.name": ("项目名称", "project_name"),
    "project.place": ("建设地点", "place", "区划代码", "region"),
    "project.product": ("产品", "product"),
    "project.sector": ("产业", "sector", "行业"),
    "project.industry": ("行业代码", "industry"),
    "party.uscc": ("统一社会信用代码", "party_uscc", "uscc"),
    "party.name": ("办理对象", "party_name", "借款人", "用地单位", "单位名称", "企业名称"),
    "amount": ("金额(元)", "amount", "金额"),
    "area_hectares": ("面积(公顷)", "area_hectares", "面积"),
    "capacities.product": ("产能产品", "capacity_product"),
    "capacities.amount": ("产能", "capacity"),
    "capacities.unit": ("产能单位", "capacity_unit"),
    "months": ("期限(月)", "months", "贷款期限"),
    "reference": ("业务编号", "reference", "编号"),
}
_HEADINGS: Final = {heading_key(one): name for name, headings in COLUMNS.items() for one in headings}
_CODES: Final = frozenset({"project.code", "party.uscc"})
_NUMBERS: Final = frozenset({"amount", "area_hectares", "capacities.amount", "months"})
_LANES: Final = {"土地": "land", "环境": "environment", "环保": "environment", "信贷": "credit", "质量": "quality"}
_ACTS: Final = {
    **dict.fromkeys(("供地", "土地出让", "土地划拨", "用地"), "land_grant"),
    **dict.fromkeys(("用地预审", "预审"), "land_pre_review"),
    **dict.fromkeys(("用海", "海域使用"), "sea_area_grant"),
    **dict.fromkeys(("岸线", "岸线使用"), "shoreline_grant"),
    **dict.fromkeys(("环评", "环评批复", "环境影响评价"), "eia_approval"),
    **dict.fromkeys(("节能审查", "能评"), "energy_assessment"),
    **dict.fromkeys(("排污许可", "排污许可证"), "discharge_permit"),
    **dict.fromkeys(("生产许可", "生产许可证"), "production_licence"),
    **dict.fromkeys(("安全生产许可", "安全生产许可证"), "safety_permit"),
    **dict.fromkeys(("贷款", "授信"), "loan"),
    **dict.fromkeys(("放款", "提款"), "disbursement"),
    **dict.fromkeys(("发债", "债券"), "bond"),
    **dict.fromkeys(("上市", "上市融资"), "listing"),
}
_KINDS: Final = {
    "固定资产": "construction",
    "项目贷款": "construction",
    "流动资金": "working_capital",
    "并购": "merger",
}
_WORDS: Final[dict[str, dict[str, str]]] = {
    "act": _ACTS,
    "lane": _LANES,
    "kind": _KINDS,
    "project.product": PROJECT_WORDS["capacities.product"],
    "capacities.product": PROJECT_WORDS["capacities.product"],
    "project.sector": PROJECT_WORDS["sector"],
}


@dataclass(slots=True)
class QuestionsFile:
    """What a file asks: valid questions with their rows, the problems of the others, remarks on how it was read."""

    questions: list[Question] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


def read_questions(path: Path, today: date, *, given: Mapping[str, str] | None = None) -> QuestionsFile:
    """Read a file of questions; `given` holds values for columns that the file has not, such as the act.

    Raises BadFile where it is no such file or holds too many; problems of single rows are listed.
    """
    content = read_bytes(path)
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        read = _from_lines(content, path.name, dict(given or {}))
    elif suffix == ".xlsx" or (suffix != ".csv" and content.startswith(b"PK")):
        read = _from_table(read_xlsx(content, path.name), dict(given or {}))
    elif suffix in (".csv", ".txt"):
        read = _from_table(read_csv(content, path.name), dict(given or {}))
    else:
        raise BadFile(
            f"Files of kind “{suffix}” are not read.", where=path.name, remedy="Save it as CSV, XLSX or JSONL."
        )
    if len(read.questions) + len({one.row for one in read.problems}) > MOST_QUESTIONS:
        raise BadFile(
            f"A file may hold {MOST_QUESTIONS:,} questions.", where=path.name, remedy="Split it into several files."
        )
    _refuse_other_days(read, today)
    return read


def _refuse_other_days(read: QuestionsFile, today: date) -> None:
    kept = []
    for number, question in zip(read.rows, read.questions, strict=True):
        problem = day_problem(question, today)
        if problem is None:
            kept.append((number, question))
        else:
            zh, en = "拟办日期应在今天至一年以内。", "The day is not within the year that begins today."
            read.problems.append(
                Problem(number, "on", str(question.on), zh, en, "请改正，或留空。", "Correct it, or leave it empty.")
            )
    read.rows, read.questions = [number for number, _ in kept], [question for _, question in kept]


def _from_lines(content: bytes, name: str, given: dict[str, str]) -> QuestionsFile:
    text, notes = decode(content, name)
    read = QuestionsFile(notes=notes)
    raw: list[Any] = []
    rows: list[int] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        if len(raw) > MOST_QUESTIONS:
            break
        try:
            one = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            zh, en = f"不是有效的 JSON：{error.msg}。", f"It is not valid JSON: {error.msg}."
            read.problems.append(
                Problem(number, "", line[:60], zh, en, "每行应为一个完整的对象。", "A line is one whole object.")
            )
            continue
        raw.append({**given, **one} if isinstance(one, dict) else one)
        rows.append(number)
    read.questions, read.rows, problems = read_items(Question, raw, rows)
    read.problems += problems
    return read


def _from_table(table: Table, given: dict[str, str]) -> QuestionsFile:
    read = QuestionsFile(notes=table.notes)
    fields = _fields(table.heading, read)
    if read.problems:
        return read
    raw: list[dict[str, Any]] = []
    rows: list[int] = []
    for number, cells in table.rows:
        values: dict[str, str] = {}
        problems: list[Problem] = []
        for one, heading, cell in zip(fields, table.heading, cells, strict=True):
            plain, problem = _plain(one, cell)
            if problem is not None:
                problems.append(replace(problem, row=number, column=heading))
            elif plain:
                values[one] = plain
        read.problems += problems
        if values and not problems:
            raw.append(_question({**given, **values}))
            rows.append(number)
        if len(raw) > MOST_QUESTIONS:
            break
    read.questions, read.rows, refused = read_items(Question, raw, rows)
    headings = dict(zip(fields, table.heading, strict=True))
    read.problems += [_at_heading(one, headings) for one in refused]
    return read


def _at_heading(problem: Problem, headings: Mapping[str, str]) -> Problem:
    name = ".".join(part for part in problem.column.split(".") if not part.isdigit())
    return replace(problem, column=headings.get(name) or COLUMNS.get(name, (problem.column,))[0])


def _fields(heading: list[str], read: QuestionsFile) -> list[str]:
    fields: list[str] = []
    for position, one in enumerate(heading, start=1):
        known = _HEADINGS.get(heading_key(one), "")
        shown = one or f"({position})"
        if not known:
            near = difflib.get_close_matches(heading_key(one), _HEADINGS, n=1, cutoff=0.5)
            names = COLUMNS[_HEADINGS[near[0]]] if near else ()
            remedy_zh = f"是否为“{names[0]}”？" if names else "请删除该列，列名见模板。"
            remedy_en = (
                f"Did you mean “{names[0]}” ({names[1]})?" if names else "Remove it; the template has the names."
            )
            zh, en = f"没有名为“{shown}”的列。", f"There is no column “{shown}”."
            read.problems.append(Problem(1, shown, one, zh, en, remedy_zh, remedy_en))
        elif known in fields:
            zh, en = f"列“{shown}”出现两次。", f"The column “{shown}” stands here twice."
            read.problems.append(Problem(1, shown, one, zh, en, "请删除其中一列。", "Remove one of them."))
        fields.append(known)
    return fields


def _plain(name: str, cell: Cell) -> tuple[str, Problem | None]:
    if cell is None or cell == "":
        return "", None
    if isinstance(cell, datetime | date):
        return (cell.date() if isinstance(cell, datetime) else cell).isoformat(), None
    if isinstance(cell, bool):
        return str(cell).lower(), None
    if isinstance(cell, int | float):
        if name in _CODES and abs(cell) >= _EXACT:
            return "", Problem(
                0,
                "",
                str(cell),
                "代码已被 Excel 变成数值，末几位已丢失。",
                "Excel turned the code into a number and its last digits are lost.",
                "请把该列设为文本格式后重新录入代码。",
                "Format the column as text and enter the code again.",
            )
        if name == "on" and int(cell) in _SERIALS:
            day = from_excel(cell)
            return day.date().isoformat() if isinstance(day, datetime) else str(cell), None
        text = f"{cell:.10f}".rstrip("0").rstrip(".") if isinstance(cell, float) else str(cell)
    else:
        text = cell.strip()
    if name == "on":
        return plain_date(text), None
    if name in _NUMBERS:
        return plain_number(text), None
    return _WORDS.get(name, {}).get(text, text), None


def _question(values: Mapping[str, str]) -> dict[str, Any]:
    question: dict[str, Any] = {}
    capacity: dict[str, Any] = {}
    for name, value in values.items():
        part, _, rest = name.partition(".")
        if part == "capacities":
            capacity[rest] = value
        elif rest:
            question.setdefault(part, {})[rest] = value
        else:
            question[name] = value
    question.setdefault("project", {})
    if capacity:
        unit, factor = UNITS.get(capacity.get("unit", "t/a"), (capacity.get("unit", "t/a"), 1))
        amount = capacity.get("amount", "")
        if factor != 1 and amount.replace(".", "", 1).isdecimal():
            capacity["amount"] = f"{Decimal(amount) * factor:f}"
        if product := capacity.get("product") or question["project"].get("product"):
            capacity["product"] = product
        question["capacities"] = [{**capacity, "unit": unit}]
    return question
