"""Reading a file as a table: CSV in whatever encoding offices use, XLSX within bounds; rows of cells, nothing more."""

import csv
import io
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from registry.errors import BadFile

MOST_BYTES: Final = 50 * 1024 * 1024
MOST_UNPACKED: Final = 200 * 1024 * 1024
MOST_ROWS: Final = 100_000
MOST_COLUMNS: Final = 200

Cell = str | int | float | bool | date | datetime | None


@dataclass(slots=True)
class Table:
    """A heading and rows of cells; the heading is row 1. `notes` are (Chinese, English) remarks for the reader."""

    heading: list[str]
    rows: list[tuple[int, list[Cell]]]
    notes: list[tuple[str, str]] = field(default_factory=list)


def read_bytes(path: Path) -> bytes:
    """The content of a file within bounds."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise BadFile(
                f"The file has {size // 2**20} MiB; {MOST_BYTES // 2**20} are allowed.",
                where=path.name,
                remedy="Split it into several files.",
            )
        content = path.read_bytes()
    except OSError as error:
        raise BadFile(
            f"The file cannot be read ({error.strerror}).", where=str(path), remedy="Check the path and its rights."
        ) from None
    if not content.strip():
        raise BadFile("The file is empty.", where=path.name, remedy="Fill in the template and save it again.")
    return content


def decode(content: bytes, name: str) -> tuple[str, list[tuple[str, str]]]:
    """Text of a file in UTF-8, UTF-16 with a mark, or GB18030, and a note where it was not UTF-8."""
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    encodings = ["utf-16"] if marked else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8-sig":
            return text, []
        shown = encoding.upper()
        return text, [(f"文件按 {shown} 编码读取。", f"The file was read as {shown}.")]
    raise BadFile("The file's encoding is not known.", where=name, remedy="Save it as UTF-8.")


def read_csv(content: bytes, name: str) -> Table:
    """A table from CSV with commas, semicolons or tabs."""
    text, notes = decode(content, name)
    if "\x00" in text:
        raise BadFile("The file is not text.", where=name, remedy="Save it as CSV or XLSX.")
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)

    def rows() -> Iterator[list[Cell]]:
        try:
            for row in reader:
                yield list(row)
        except csv.Error as error:
            raise BadFile(
                f"The file is not valid CSV ({error}).",
                where=f"{name}, line {reader.line_num}",
                remedy="Check the quotation marks there.",
            ) from None

    return _table(rows(), name, notes)


def read_xlsx(content: bytes, name: str) -> Table:
    """A table from the first sheet of a workbook that has any heading; refuses what unpacks to too much."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MOST_UNPACKED:
            raise BadFile(
                f"The workbook unpacks to {unpacked // 2**20} MiB; {MOST_UNPACKED // 2**20} are allowed.",
                where=name,
                remedy="Copy the needed sheet into a new workbook.",
            )
        with warnings.catch_warnings():
            # Workbooks of other programs carry parts that openpyxl does not read; none of them holds cells.
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            try:
                sheet = next(iter(book.worksheets), None)
                if sheet is None:
                    raise BadFile("The workbook has no sheet.", where=name, remedy="Fill in the template.")
                sheet.reset_dimensions()
                cells: Any = sheet.iter_rows(values_only=True)
                return _table((list(row) for row in cells), name, _sheets(book, sheet))
            finally:
                book.close()
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, NotImplementedError, SyntaxError) as error:
        raise BadFile(
            f"The file is not a workbook that can be read ({type(error).__name__}).",
            where=name,
            remedy="Save it again as XLSX, without a password, or as CSV.",
        ) from None


def _sheets(book: Any, sheet: Any) -> list[tuple[str, str]]:
    if len(book.worksheets) == 1:
        return []
    return [(f"只读取第一个工作表“{sheet.title}”。", f"Only the first sheet “{sheet.title}” was read.")]


def _table(rows: Iterator[list[Cell]], name: str, notes: list[tuple[str, str]]) -> Table:
    heading: list[str] | None = None
    kept: list[tuple[int, list[Cell]]] = []
    for number, row in enumerate(rows, start=1):
        cells: list[Cell] = [cell.strip() if isinstance(cell, str) else cell for cell in row]
        while cells and cells[-1] in (None, ""):
            cells.pop()
        if number > MOST_ROWS + 1 or len(cells) > MOST_COLUMNS:
            raise BadFile(
                f"A file may have {MOST_ROWS:,} rows and {MOST_COLUMNS} columns.",
                where=f"{name}, row {number}",
                remedy="Split it into several files.",
            )
        if heading is None:
            if not cells:
                raise BadFile("The first row is empty.", where=name, remedy="Put the column names into the first row.")
            heading = [str(cell or "") for cell in cells]
        elif cells:
            if len(cells) > len(heading):
                raise BadFile(
                    f"The row has {len(cells)} cells, the heading {len(heading)}.",
                    where=f"{name}, row {number}",
                    remedy="Check for a comma inside a cell that is not in quotation marks.",
                )
            kept.append((number, [cell for cell, _ in zip_longest(cells, heading)]))
    if heading is None:
        raise BadFile("The file is empty.", where=name, remedy="Fill in the template and save it again.")
    return Table(heading, kept, notes)
