"""When something is due: an acknowledgement, a digest, the next try at a message that failed."""

from datetime import date, datetime, time, timedelta
from typing import Final

from registry.clock import CIVIL_ZONE, civil_day
from registry.working_days import is_working_day, working_day_after

# Working days within which a desk acknowledges: our own reading, after the one working day in which Hebei assigns
# what it is told; no clause sets one.
ACKNOWLEDGED_WITHIN: Final[dict[str, int]] = {"violation": 1, "warning": 3}
_BEGINS: Final = time(9)
_ENDS: Final = time(18)
# After the first, second, … failure; then it is given up.
RETRIES: Final[tuple[timedelta, ...]] = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)


def acknowledged_by(at: datetime) -> dict[str, datetime]:
    """Until when an alert that comes to a desk now is acknowledged, by severity: the end of a working day."""
    return {
        severity: _civil(working_day_after(civil_day(at), days), _ENDS)
        for severity, days in ACKNOWLEDGED_WITHIN.items()
    }


def next_digest(at: datetime, mode: str) -> datetime:
    """When a person is told: at once, at the next full hour of office hours, or on the next working day's morning."""
    if mode == "immediate":
        return at
    local = at.astimezone(CIVIL_ZONE)
    today = local.date()
    if mode == "hourly" and is_working_day(today):
        following = local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        if following.date() == today and following.time() <= _ENDS:
            return max(following, _civil(today, _BEGINS))
    morning = _civil(today, _BEGINS)
    if is_working_day(today) and local < morning:
        return morning
    return _civil(working_day_after(today, 1), _BEGINS)


def retry_at(at: datetime, attempts: int) -> datetime | None:
    """When a message that has failed so many times is tried again; None: never."""
    return at + RETRIES[attempts - 1] if 0 < attempts <= len(RETRIES) else None


def _civil(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, tzinfo=CIVIL_ZONE)
