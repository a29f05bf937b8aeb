"""Which reader a target of a field needs, from what its declaration says."""

from typing import TYPE_CHECKING, Any

from connectors.capacities import capacities_reader
from connectors.values import (
    LONGEST_DETAIL,
    LONGEST_KEY,
    LONGEST_TEXT,
    UNITS,
    Reader,
    category_reader,
    date_reader,
    instant_reader,
    integer_reader,
    number_reader,
    read_anything,
    read_object,
    text_reader,
)
from registry.record_fields import RECORD_FIELDS

if TYPE_CHECKING:
    from connectors.agency import Agency
    from connectors.declaration import FieldMap


def reader_of(field: "FieldMap", target: str, agency: "Agency") -> Reader:
    """The reader that one target of a field needs: by declared categories, else by the type of the record field."""
    if field.categories:
        return category_reader(field.categories, field.otherwise)
    if field.capacities is not None:
        return capacities_reader(field.capacities)
    factor = UNITS[target][field.unit] if target in UNITS and field.unit else None
    declared = {"numeric": "number", "timestamptz": "instant", "text": "text"}.get(
        RECORD_FIELDS.get(target, ""), RECORD_FIELDS.get(target, field.type or "text")
    )
    if declared in ("number", "integer"):
        return number_reader(factor) if declared == "number" else integer_reader(factor)
    if declared in ("date", "instant"):
        return (date_reader if declared == "date" else instant_reader)(field.formats, agency.zone)
    if declared == "object" or target == "details":
        return read_object
    if target.startswith("details."):
        # PostgreSQL's jsonb has no dates and its numbers come back as floats in most clients: both stay text.
        return text_reader(LONGEST_DETAIL) if field.type == "text" else read_anything
    return text_reader(longest_text(field, target))


def longest_text(field: "FieldMap", target: str) -> int:
    """How long the text of a column may be that takes texts as they come; -1 for every other column."""
    if field.categories or field.capacities is not None or RECORD_FIELDS.get(target) != "text":
        return -1
    return LONGEST_KEY if target in ("source_key", "number") else LONGEST_TEXT


def json_safe(reader: Reader) -> Reader:
    """A reader whose result can stand in details: dates and decimals as text."""

    def read(value: Any) -> Any:
        found = reader(value)
        return found if isinstance(found, (str, int, list, dict, type(None))) else str(found)

    return read
