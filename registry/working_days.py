"""Working days of the People's Republic: weekends, holidays and the weekends that make up for them.

The State Council announces each year's days in the autumn before; beyond the years that are known, weekends and the
holidays of fixed dates are counted out, and whoever shows such a day says that it is reckoned.
"""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import chinese_calendar

# 元旦, 劳动节 and 国庆节 stand on fixed days (全国年节及纪念日放假办法, as of 2025); those of the moon are not
# reckoned.
_FIXED: Final = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})


@lru_cache(maxsize=1)
def known_until() -> date:
    """The last day of the last year whose working days were announced, as far as this software knows."""
    return date(max(day.year for day in chinese_calendar.holidays), 12, 31)


def is_working_day(day: date) -> bool:
    """Whether offices work on a day; reckoned where its year is not known."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5 and (day.month, day.day) not in _FIXED


def is_reckoned(until: date) -> bool:
    """Whether a deadline lies beyond the announced days."""
    return until > known_until()


def working_day_after(day: date, count: int) -> date:
    """The day that is `count` working days after a day; the day itself does not count."""
    left = count
    while left > 0:
        day += timedelta(days=1)
        left -= is_working_day(day)
    return day


def working_days_left(today: date, last: date) -> int:
    """How many working days are left up to a last day, today and the last included; 0 when it is over."""
    days = (last - today).days + 1
    return sum(is_working_day(today + timedelta(days=number)) for number in range(max(days, 0)))
