"""Seeded chance: one independent stream a label, so that a change in one part moves no other part."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import TypeVar

Item = TypeVar("Item")

# The demo's own calendar: it reads no clock, or two runs would differ.
TODAY = date(2026, 11, 21)
LAST_ACT = date(2026, 11, 10)
LAW_OF_2013 = date(2013, 10, 6)


class Chance:
    """A stream of choices that depends on the seed and the label alone."""

    def __init__(self, seed: int, label: str) -> None:
        # A text seed is hashed with SHA-512 by the standard library, the same on every machine and version.
        self._random = Random(f"{seed}/{label}")
        self._seed = seed
        self._label = label

    def stream(self, label: str) -> "Chance":
        """A stream of its own below this one."""
        return Chance(self._seed, f"{self._label}/{label}")

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return self._random.randint(low, high)

    def happens(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self._random.random() < probability

    def one(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[self._random.randrange(len(items))]

    def day(self, first: date, last: date) -> date:
        """A day of the period, both ends included; the first when the period is empty."""
        return first if last <= first else first + timedelta(days=self.whole(0, (last - first).days))


def days_after(day: date, days: int) -> date:
    """The day so many days later (earlier when negative)."""
    return day + timedelta(days=days)
