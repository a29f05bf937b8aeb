"""Who has which duty: the division of work annexed to Guofa [2010] 7 and the clauses of both documents, dated."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final

from pydantic import Field, TypeAdapter

from registry.law.reading import Article, law
from registry.reading_yaml import Day, Strict, read_as, read_document

_HERE: Final = Path(__file__).parent / "duties"
ANNEX_ROWS: Final = 29


class _Duty(Strict):
    id: str
    number: int | None = None
    article: str | None = None
    task_zh: str
    task_en: str
    responsible_zh: str = ""
    responsible: list[str] = Field(min_length=1)
    participants_zh: str = ""
    participants: list[str] = Field(default_factory=list)
    others: bool = False
    rules: list[str] = Field(default_factory=list)


class _DutiesFile(Strict):
    document: str
    since: Day
    until: Day | None = None
    duties: list[_Duty] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Duty:
    """One row of the division of work, or one clause: what is to be done, and by whom as the document names them."""

    id: str
    document: str
    number: int | None
    article: str | None
    since: date
    until: date | None
    task_zh: str
    task_en: str
    responsible_zh: str
    responsible: tuple[str, ...]
    participants_zh: str
    participants: tuple[str, ...]
    others: bool
    rules: tuple[str, ...]

    def holds(self, day: date) -> bool:
        """Whether the duty was in force on a day."""
        return self.since <= day and (self.until is None or day <= self.until)


@lru_cache(maxsize=1)
def duties() -> tuple[Duty, ...]:
    """The duties that threegates ships: the annex in its order, then the clauses; read once."""
    return read_duties(_HERE, law().articles)


def duties_of(rule: str) -> tuple[Duty, ...]:
    """The rows and clauses that a rule watches over, by its id."""
    return tuple(one for one in duties() if rule in one.rules)


def read_duties(folder: Path, articles: dict[str, Article]) -> tuple[Duty, ...]:
    """Read every file of a folder; raises BadFile with file, line and field."""
    found: list[Duty] = []
    for path in sorted(folder.glob("*.yml")):
        document = read_document(path, name=path.name)
        file = read_as(document, document.content, TypeAdapter(_DutiesFile))
        for number, one in enumerate(file.duties):
            place = ("duties", number)
            if one.id in {other.id for other in found}:
                raise document.refuse((*place, "id"), f"the duty {one.id} stands twice.")
            if (one.number is None) == (one.article is None):
                raise document.refuse(place, "a duty is a row of the annex (`number`) or of an article (`article`).")
            if one.article is not None:
                article = articles.get(one.article)
                if article is None:
                    raise document.refuse((*place, "article"), f"there is no article “{one.article}”.")
                if one.task_zh not in "".join(article.text_zh.split()):
                    raise document.refuse((*place, "task_zh"), f"these words do not stand in {one.article}.")
            found.append(
                Duty(
                    id=one.id,
                    document=file.document,
                    number=one.number,
                    article=one.article,
                    since=file.since,
                    until=file.until,
                    task_zh=one.task_zh,
                    task_en=one.task_en,
                    responsible_zh=one.responsible_zh,
                    responsible=tuple(one.responsible),
                    participants_zh=one.participants_zh,
                    participants=tuple(one.participants),
                    others=one.others,
                    rules=tuple(one.rules),
                )
            )
    return tuple(sorted(found, key=lambda one: (one.number is None, one.number or 0)))


def agencies_named(named: Iterable[Duty]) -> set[str]:
    """Every agency that duties name, responsible or taking part."""
    return {agency for one in named for agency in (*one.responsible, *one.participants)}
