"""Projects from a file: CSV, XLSX or JSON lines, several rows a project, every problem at its row and column."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import orjson
from openpyxl.utils.datetime import from_excel

from registry.errors import BadFile
from registry.import_items import ProjectItem
from registry.import_problems import Problem, read_items
from registry.project_columns import (
    CODES,
    COLUMNS,
    DATES,
    HEADINGS,
    NUMBERS,
    UNITS,
    WORDS,
    heading_key,
    plain_date,
    plain_number,
)
from registry.project_tables import MOST_ROWS, Cell, Table, decode, read_bytes, read_csv, read_xlsx

# Excel keeps 15 digits of a number: a longer code that came as a number has lost its end.
_EXACT: Final = 10**15
# Days as Excel counts them, 1954 to 2118: what else stands in a column of dates is no such count.
_SERIALS: Final = range(20_000, 80_000)
_LISTS: Final = ("capacities", "approvals", "equipment")


@dataclass(slots=True)
class ProjectsFile:
    """What a file says: valid items with the row each begins at, the problems, and remarks on how it was read."""

    items: list[ProjectItem] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    places: dict[int, dict[str, tuple[int, str]]] = field(default_factory=dict)

    def locate(self, problem: Problem) -> Problem:
        """The problem at the row and under the heading where its value stands, in the words that a table may hold."""
        places = self.places.get(problem.row)
        if places is None:
            return problem
        field_name = _without_positions(problem.column)
        if field_name in WORDS and problem.is_choice:
            words = {word: meaning for word, meaning in WORDS[field_name].items() if not word.isascii()}
            first = list({meaning: word for word, meaning in reversed(words.items())}.values())[::-1]
            problem = replace(problem, remedy_zh=f"可填：{'、'.join(first)}。")
        path = problem.column
        while path:
            if path in places:
                row, heading = places[path]
                return replace(problem, row=row, column=heading)
            path = path.rpartition(".")[0]
        return replace(problem, column=COLUMNS[field_name][0]) if field_name in COLUMNS else problem


def read_projects(path: Path) -> ProjectsFile:
    """Read a file of projects; raises BadFile where it is no such file, and lists problems of single rows."""
    content = read_bytes(path)
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        return _from_lines(content, path.name)
    if suffix == ".xlsx" or (suffix != ".csv" and content.startswith(b"PK")):
        return _from_table(read_xlsx(content, path.name))
    if suffix in (".csv", ".txt"):
        return _from_table(read_csv(content, path.name))
    raise BadFile(f"Files of kind “{suffix}” are not read.", where=path.name, remedy="Save it as CSV, XLSX or JSONL.")


def _from_lines(content: bytes, name: str) -> ProjectsFile:
    text, notes = decode(content, name)
    read = ProjectsFile(notes=notes)
    raw: list[Any] = []
    rows: list[int] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if number > MOST_ROWS:
            raise BadFile(f"A file may have {MOST_ROWS:,} lines.", where=name, remedy="Split it into several files.")
        if not line.strip():
            continue
        try:
            raw.append(orjson.loads(line))
            rows.append(number)
        except orjson.JSONDecodeError as error:
            zh, en = f"不是有效的 JSON：{error.msg}。", f"It is not valid JSON: {error.msg}."
            read.problems.append(
                Problem(number, "", line[:60], zh, en, "每行应为一个完整的对象。", "A line is one whole object.")
            )
    read.items, read.rows, problems = read_items(ProjectItem, raw, rows)
    read.problems += problems
    return read


def _from_table(table: Table) -> ProjectsFile:
    read = ProjectsFile(notes=table.notes)
    fields = _fields(table.heading, read)
    if read.problems:
        return read
    drafts: dict[str, _Draft] = {}
    current: _Draft | None = None
    refused: set[int] = set()
    for number, cells in table.rows:
        values: dict[str, tuple[str, str]] = {}
        for one, heading, cell in zip(fields, table.heading, cells, strict=True):
            plain, problem = _plain(one, cell)
            if problem is not None:
                read.problems.append(replace(problem, row=number, column=heading))
                refused.add(number)
            if plain:
                values[one] = (plain, heading)
        if not values:
            continue
        key = next((values[one][0] for one in ("reference", "code") if one in values), "")
        if key:
            current = drafts.setdefault(key, _Draft(number))
        elif current is None or "name" in values:
            # Neither key nor a row to continue: it stands alone, and the model says what is missing.
            current = drafts.setdefault(f"\x00{number}", _Draft(number))
        contradictions = current.add(number, values)
        read.problems += contradictions
        if contradictions or number in refused:
            refused.add(current.row)
    whole = [draft for draft in drafts.values() if draft.row not in refused]
    read.places = {draft.row: draft.places for draft in whole}
    read.items, read.rows, problems = read_items(
        ProjectItem, [draft.item() for draft in whole], [draft.row for draft in whole]
    )
    read.problems += [read.locate(problem) for problem in problems]
    return read


def _fields(heading: Iterable[str], read: ProjectsFile) -> list[str]:
    """The field of every column; an unknown or repeated heading is a problem that names the nearest."""
    fields: list[str] = []
    for position, one in enumerate(heading, start=1):
        known = HEADINGS.get(heading_key(one), "")
        shown = one or f"({position})"
        if not known:
            near = difflib.get_close_matches(heading_key(one), HEADINGS, n=1, cutoff=0.5)
            names = COLUMNS[HEADINGS[near[0]]] if near else ()
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


def _plain(field_name: str, cell: Cell) -> tuple[str, Problem | None]:
    """A cell as the text the model reads, or why it cannot be."""
    if cell is None or cell == "":
        return "", None
    if isinstance(cell, datetime | date):
        return (cell.date() if isinstance(cell, datetime) else cell).isoformat(), None
    if isinstance(cell, bool):
        return str(cell).lower(), None
    if isinstance(cell, int | float):
        if field_name in CODES and abs(cell) >= _EXACT:
            return "", Problem(
                0,
                "",
                str(cell),
                "代码已被 Excel 变成数值，末几位已丢失。",
                "Excel turned the code into a number and its last digits are lost.",
                "请把该列设为文本格式后重新录入代码。",
                "Format the column as text and enter the code again.",
            )
        if field_name in DATES and int(cell) in _SERIALS:
            return _from_serial(cell), None
        text = f"{cell:.10f}".rstrip("0").rstrip(".") if isinstance(cell, float) else str(cell)
    else:
        text = cell
    if field_name in DATES:
        return plain_date(text), None
    if field_name in NUMBERS:
        return plain_number(text), None
    return WORDS.get(field_name, {}).get(text, text), None


def _from_serial(serial: float) -> str:
    day = from_excel(serial)
    return day.date().isoformat() if isinstance(day, datetime) else str(serial)


class _Draft:
    """A project as it is gathered from its rows; `places` says where each of its values stands."""

    def __init__(self, row: int) -> None:
        self.row = row
        self.places: dict[str, tuple[int, str]] = {}
        self.values: dict[str, str] = {}
        self.lists: dict[str, list[dict[str, Any]]] = {name: [] for name in _LISTS}

    def add(self, number: int, values: Mapping[str, tuple[str, str]]) -> list[Problem]:
        """Take in one row; returns a problem for every value that contradicts an earlier row of the project."""
        problems: list[Problem] = []
        lines: dict[str, dict[str, Any]] = {}
        for name, (value, heading) in values.items():
            part, _, rest = name.partition(".")
            if part in _LISTS:
                lines.setdefault(part, {})[rest] = value
                self.places[f"{part}.{len(self.lists[part])}.{rest}"] = (number, heading)
                self.places.setdefault(f"{part}.{len(self.lists[part])}", (number, heading))
            elif name not in self.values:
                self.values[name] = value
                self.places[name] = (number, heading)
            elif self.values[name] != value:
                zh = f"与同一项目第 {self.places[name][0]} 行不一致（{self.values[name]}）。"
                en = f"Row {self.places[name][0]} of the same project says “{self.values[name]}”."
                remedy = ("请统一，或在后续行中留空。", "Make them equal, or leave it empty in the later rows.")
                problems.append(Problem(number, heading, value, zh, en, *remedy))
        for part, line in lines.items():
            self.lists[part].append(_finished(part, line))
        return problems

    def item(self) -> dict[str, Any]:
        """The raw item for the model; a list of which no column was filled is left out."""
        item: dict[str, Any] = {name: value for name, value in self.values.items() if "." not in name}
        if "earlier_codes" in item:
            item["earlier_codes"] = [code.strip() for code in item["earlier_codes"].replace("；", "|").split("|")]
        site = {name.partition(".")[2]: value for name, value in self.values.items() if name.startswith("site.")}
        if site:
            item["site"] = {"name": site.get("name") or site.get("reference"), **site}
            item["site"].setdefault("reference", site.get("name"))
        return item | {name: lines for name, lines in self.lists.items() if lines}


def _finished(part: str, line: dict[str, Any]) -> dict[str, Any]:
    """A line with its unit in the register's words, and with a reference where the file gives none."""
    if part == "capacities" and line.get("unit") in UNITS:
        unit, factor = UNITS[line["unit"]]
        try:
            line = {**line, "unit": unit, "amount": str(Decimal(line.get("amount", "")) * factor)}
        except InvalidOperation:
            line = {**line, "unit": unit}
    if part == "approvals" and "reference" not in line:
        reference = line.get("number") or "/".join(line[name] for name in ("kind", "issued") if name in line)
        line = {**line, "reference": reference}
    return line


def _without_positions(path: str) -> str:
    return ".".join(part for part in path.split(".") if not part.isdecimal())
