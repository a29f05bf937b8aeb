"""The measures against an enterprise that missed its elimination deadline, as registry/law/measures.yml has them."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, TypeAdapter

from registry.acts import LANE_OF_ACT
from registry.law.reading import Law, Quotation, check_quotation, law
from registry.reading_yaml import Day, Strict, read_as, read_document

_FILE: Final = Path(__file__).with_name("measures.yml")

MeasureKind = Literal["revoke", "refuse", "order", "request"]


class _Measure(Strict):
    id: str
    title_zh: str
    title_en: str
    kind: MeasureKind
    acts: list[str] = Field(default_factory=list)
    agency: str
    duty: str | None = None
    quote_zh: str
    quote_en: str


class _MeasuresFile(Strict):
    article: str
    since: Day
    measures: list[_Measure] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure: what is to be done, which acts of the register show it, and which agency owes it."""

    id: str
    title_zh: str
    title_en: str
    kind: MeasureKind
    acts: tuple[str, ...]
    agency: str
    duty: str | None
    quotation: Quotation


@dataclass(frozen=True, slots=True)
class Measures:
    """All measures, and since when they follow a default."""

    since: date
    all: tuple[Measure, ...]

    def by_id(self) -> dict[str, Measure]:
        """The measures by their ids, in the order of the clause."""
        return {one.id: one for one in self.all}


@lru_cache(maxsize=1)
def measures() -> Measures:
    """The measures that threegates ships, read once."""
    return read_measures(_FILE, law())


def read_measures(path: Path, by_law: Law) -> Measures:
    """Read a file of measures; raises BadFile with file, line and field."""
    document = read_document(path, name=path.name)
    file = read_as(document, document.content, TypeAdapter(_MeasuresFile))
    found: list[Measure] = []
    for number, one in enumerate(file.measures):
        place = ("measures", number)
        quotation = Quotation(article=file.article, quote_zh=one.quote_zh, quote_en=one.quote_en)
        check_quotation(document, place, quotation, by_law.articles)
        for act in one.acts:
            if act not in LANE_OF_ACT:
                raise document.refuse((*place, "acts"), f"“{act}” is no act.")
        if one.id in {other.id for other in found}:
            raise document.refuse((*place, "id"), f"the measure {one.id} stands twice.")
        found.append(
            Measure(one.id, one.title_zh, one.title_en, one.kind, tuple(one.acts), one.agency, one.duty, quotation)
        )
    return Measures(file.since, tuple(found))


def allowed_days(by_law: Law, deadline: date) -> int:
    """How many days after a deadline (or an order to close) a measure may take before it counts as late."""
    held = by_law.parameter("measure_allowed_days").on(deadline)
    return int(str(held.value)) if held is not None and held.value is not None else 0
