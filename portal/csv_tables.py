"""Lists as tables for spreadsheets: UTF-8 with its mark, and nothing that a spreadsheet would calculate."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from starlette.responses import Response

from registry.clock import CIVIL_ZONE
from registry.table_cells import plain_text

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
    """A value as it stands in a table: instants in civil time, what has parts as JSON, no formulas."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(CIVIL_ZONE).isoformat()
    return plain_text(orjson.dumps(value).decode() if isinstance(value, dict | list) else str(value))
