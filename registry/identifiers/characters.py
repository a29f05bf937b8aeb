"""One way of tidying the characters of a code: widths, spaces, dashes, brackets and invisible characters."""

import re
import unicodedata
from typing import Final

# Everything people and systems type for a hyphen. 一 and ー stand between digits of scanned documents.
_DASHES: Final = "-‐‑‒–—―−⁃﹘﹣－ー一"
_DASH_TABLE: Final = str.maketrans(dict.fromkeys(_DASHES, "-"))
_BRACKETS: Final = str.maketrans(
    {
        **dict.fromkeys("〔﹝［[（(【〖｛{「『《〈﹙﹛", "〔"),
        **dict.fromkeys("〕﹞］]）)】〗｝}」』》〉﹚﹜", "〕"),
    }
)
_SPACES: Final = re.compile(r"[\s_·•]+")
# What a spreadsheet makes of a long number: 9.11302E+17, 1.30201E+19.
_SPREADSHEET: Final = re.compile(r"\d(?:\.\d+)?[eE]\+?\d{1,2}|\d{15,}\.0+")


def compact_code(text: str) -> str:
    """The text of a code in plain capitals and digits, dashes as '-', without spaces and invisible characters."""
    if text.isascii():
        if text.isalnum():
            return text.upper()
    else:
        text = unicodedata.normalize("NFKC", text.translate(_DASH_TABLE)).translate(_DASH_TABLE)
        text = "".join(character for character in text if unicodedata.category(character) not in ("Cf", "Mn", "Cc"))
    return _SPACES.sub("", text).upper()


def compact_number(text: str) -> str:
    """A document number with Chinese text: plain widths, every bracket as 〔〕, no spaces and invisible characters."""
    text = unicodedata.normalize("NFKC", text.translate(_BRACKETS)).translate(_BRACKETS)
    text = "".join(character for character in text if unicodedata.category(character) not in ("Cf", "Mn", "Cc"))
    return re.sub(r"\s+", "", text)


def looks_like_spreadsheet_number(text: str) -> bool:
    """Whether a spreadsheet has turned a long code into a floating-point number."""
    return _SPREADSHEET.fullmatch(text) is not None
