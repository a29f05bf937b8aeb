"""What a played agency publishes: its translated records in order of modification, and how it misbehaves."""

import bisect
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from deploy.agencies.exchange import Answered, Asked
from deploy.agencies.misbehaviour import Misbehaviour
from deploy.agencies.vocabulary import CHINA, Record, modified

Place = tuple[datetime, str]


@dataclass(frozen=True, slots=True)
class Item:
    """One published record in the agency's own words."""

    place: Place  # modification stamp and key: the order of every answer
    content: bytes


class Feed(ABC):
    """A played agency without its network. A record published again replaces its earlier version."""

    name: ClassVar[str]

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.misbehaviour = Misbehaviour()
        self.asked: list[Asked] = []  # the last requests, for tests that ask what was sent
        self._later: list[Record] = []
        self._mark: Path | None = None
        self._items: list[Item] = []
        self._places: list[Place] = []
        self._lock = threading.Lock()
        self.publish(records)

    def publish(self, records: Iterable[Record]) -> None:
        """Adds records, or newer versions of published ones."""
        with self._lock:
            by_key = {item.place[1]: item for item in self._items}
            for record in records:
                place = (modified(record), str(record["source_key"]))
                by_key[place[1]] = Item(place, self.translate(record))
            self._items = sorted(by_key.values(), key=lambda item: item.place)
            self._places = [item.place for item in self._items]

    def keep_for_later(self, records: Iterable[Record], mark: Path | None = None) -> None:
        """Records that `publish_later` adds; a file `mark` remembers over a restart that they are out."""
        self._later.extend(records)
        self._mark = mark
        if mark is not None and mark.exists():
            self.publish_later()

    def publish_later(self) -> int:
        """Publishes what was kept; says how many."""
        later, self._later = self._later, []
        if later and self._mark is not None:
            self._mark.touch()
        self.publish(later)
        return len(later)

    @property
    def count(self) -> int:
        """How many records are published."""
        return len(self._items)

    def since(self, stamp: str | None) -> list[Item]:
        """What was modified at or after a stamp (ISO; without a zone it is China's), less what a lie leaves out."""
        return self._items[self._begin(stamp) : self._end(stamp)]

    def page(self, stamp: str | None, after: Place | None, skip: int, size: int) -> tuple[list[Item], bool, int]:
        """At most `size` items of `since(stamp)` behind a place, whether more follow, and how many it has in all."""
        begin, end = self._begin(stamp), self._end(stamp)
        start = (begin if after is None else max(begin, bisect.bisect_right(self._places, after))) + skip
        stop = min(start + size, end)
        return self._items[start:stop], stop < end, end - begin

    def _begin(self, stamp: str | None) -> int:
        if not stamp:
            return 0
        start = datetime.fromisoformat(stamp)
        return bisect.bisect_left(self._places, (start if start.tzinfo else start.replace(tzinfo=CHINA), ""))

    def _end(self, stamp: str | None) -> int:
        share = self.misbehaviour.shrink_to
        begin = self._begin(stamp)
        return len(self._items) if share is None else begin + int((len(self._items) - begin) * share)

    def remember(self, asked: Asked) -> None:
        """Keeps the last hundred requests."""
        self.asked.append(asked)
        del self.asked[:-100]

    @abstractmethod
    def translate(self, record: Record) -> bytes:
        """A record in the agency's own words."""

    @abstractmethod
    def answer(self, asked: Asked) -> Answered:
        """The honest answer, or the lie that only this agency can tell."""

    @abstractmethod
    def spoil(self, body: bytes) -> bytes:
        """An answer in which one record is broken."""

    @abstractmethod
    def environment(self, address: str) -> dict[str, str]:
        """The environment variables by which a register finds and enters this agency."""

    def secrets(self) -> dict[str, Any]:
        """What a test may want to look for where it must not be."""
        return {name: value for name, value in self.environment("").items() if value}
