"""The one module that reads the clock; everywhere else time is an argument."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

# Law and working life run on the civil day of China, whatever the server's zone.
CIVIL_ZONE = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The current civil day in China."""
    return civil_day(now())


def civil_day(instant: datetime) -> date:
    """The civil day in China on which an aware instant falls."""
    return instant.astimezone(CIVIL_ZONE).date()
