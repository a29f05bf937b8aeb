"""Texts in tables that are opened with spreadsheets: nothing that one would calculate."""

from typing import Final

# A spreadsheet takes a text that begins so for a formula; a quotation mark before it changes no normal form.
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "\x00")


def plain_text(text: str) -> str:
    """A text as it stands in a table: one that would be a formula is marked as a text."""
    return f"'{text}" if text.startswith(_FORMULA) else text
