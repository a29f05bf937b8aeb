"""Lists as tables for spreadsheets: UTF-8 with its mark, and nothing that a spreadsheet would calculate."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

from starlette.responses import Response

# A spreadsheet takes a text that begins so for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\0", "＝", "＋", "－", "＠")
MOST_EXPORTED: Final = 5000


def csv_table(name: str, columns: Sequence[str], lines: Iterable[Any]) -> Response:
    """The answer that holds these columns of the lines, as a file of this name; never kept by anybody between."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(columns)
    writer.writerows([cell(getattr(one, column)) for column in columns] for one in lines)
    # Excel reads Chinese rightly only behind this mark.
    return Response(
        ("\ufeff" + stream.getvalue()).encode(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"},
    )


def cell(value: Any) -> str:
    """A value as it stands in a table; a text that would be a formula is marked as a text."""
    text = "" if value is None else str(value)
    return "'" + text if text.startswith(_FORMULA) else text
