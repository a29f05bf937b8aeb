"""Operations that will go: since when that is said, when they end, and what takes their place (RFC 9745, RFC 8594).

An operation that is to go gets a line here first, at least half a year before its end. Its answers then say so in
`Deprecation`, `Sunset` and `Link`, the description marks it `deprecated`, and so does the page of the API.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Final

LEAST_NOTICE: Final = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Deprecated:
    """`since` the first day it was said, `ends` the first day on which it need not answer; both at midnight UTC."""

    since: date
    ends: date
    successor: str = ""

    def headers(self) -> dict[str, str]:
        """What every answer of the operation says."""
        links = ['</api/docs#deprecation>; rel="deprecation"; type="text/html"']
        if self.successor:
            links.append(f'<{self.successor}>; rel="successor-version"')
        return {
            "deprecation": f"@{int(_midnight(self.since).timestamp())}",
            "sunset": format_datetime(_midnight(self.ends), usegmt=True),
            "link": ", ".join(links),
        }


# (method, path below /api/v1 as its module writes it) -> what is said of it
DEPRECATED: Final[dict[tuple[str, str], Deprecated]] = {}


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
