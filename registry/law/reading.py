"""Reading the law: articles and dated parameters from YAML, refused where a value lacks its date or its reference."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, TypeAdapter

from registry.errors import NotFound
from registry.law.limits import Limit, read_limits
from registry.reading_yaml import Day, Document, Place, Strict, read_as, read_document

_HERE: Final = Path(__file__).parent

ParameterType = Literal["texts", "text", "number", "days"]
ParameterValue = tuple[str, ...] | str | Decimal | int | None


class Quotation(Strict):
    """The words of an article that something rests on, in both languages."""

    article: str
    quote_zh: str
    quote_en: str


class _Article(Strict):
    id: str
    clause_zh: str
    clause_en: str
    text_zh: str
    text_en: str


class _DocumentFile(Strict):
    document: str
    title_zh: str
    title_en: str
    signed: Day | None = None
    binds_from: Day
    assumption: str = ""
    translation: str = ""
    articles: list[_Article]


class _Value(Strict):
    value: Any
    reference: Quotation
    note: str = ""


class _ParameterFile(Strict):
    title_zh: str
    title_en: str
    meaning_zh: str
    meaning_en: str
    type: ParameterType
    values: dict[Day, _Value] = Field(min_length=1)
    # A region may set stricter values (Guofa [2010] 7, 2(2)); they hold for all regions below it.
    regions: dict[str, dict[Day, _Value]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Article:
    """One article of one document; the Chinese text decides."""

    id: str
    document: str
    title_zh: str
    title_en: str
    clause_zh: str
    clause_en: str
    text_zh: str
    text_en: str
    signed: date | None
    binds_from: date
    assumption: str
    translation: str


@dataclass(frozen=True, slots=True)
class DatedValue:
    """What a parameter is from a day on; None says that it has no value from then."""

    since: date
    value: ParameterValue
    reference: Quotation
    note: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the law with its values in order of their days, and those of regions that set their own."""

    name: str
    title_zh: str
    title_en: str
    meaning_zh: str
    meaning_en: str
    type: ParameterType
    values: tuple[DatedValue, ...]
    regions: tuple[tuple[str, tuple[DatedValue, ...]], ...]

    def on(self, day: date) -> DatedValue | None:
        """The national value in force on a day; None before the first."""
        return next((one for one in reversed(self.values) if one.since <= day), None)


@dataclass(frozen=True, eq=False)
class Law:
    """All articles, parameters and limits of equipment by their names."""

    articles: dict[str, Article]
    parameters: dict[str, Parameter]
    limits: dict[str, Limit] = dataclasses.field(default_factory=dict)

    def article(self, name: str) -> Article:
        """An article by its id, such as g41-5-3; raises NotFound."""
        if name not in self.articles:
            raise NotFound(f"There is no article “{name}”.", remedy=f"There are: {', '.join(sorted(self.articles))}.")
        return self.articles[name]

    def parameter(self, name: str) -> Parameter:
        """A parameter by its name; raises NotFound."""
        if name not in self.parameters:
            raise NotFound(
                f"There is no parameter “{name}”.", remedy=f"There are: {', '.join(sorted(self.parameters))}."
            )
        return self.parameters[name]

    def citation(self, quotation: Quotation) -> dict[str, str]:
        """A quotation with its document and clause, as a finding keeps it."""
        article = self.article(quotation.article)
        return {
            "article": article.id,
            "document": article.document,
            "document_zh": article.title_zh,
            "document_en": article.title_en,
            "clause_zh": article.clause_zh,
            "clause_en": article.clause_en,
            "quote_zh": quotation.quote_zh,
            "quote_en": quotation.quote_en,
        }


@lru_cache(maxsize=1)
def law() -> Law:
    """The law that threegates ships, read once."""
    return read_law(_HERE)


def read_law(folder: Path) -> Law:
    """Read `articles/`, `parameters/` and `equipment_limits/` of a folder; raises BadFile with file, line and field."""
    articles: dict[str, Article] = {}
    for path in sorted((folder / "articles").glob("*.yml")):
        document = read_document(path, name=path.name)
        for article in _articles(document):
            if article.id in articles:
                raise document.refuse(("articles",), f"the article {article.id} stands twice.")
            articles[article.id] = article
    parameters = {
        path.stem: _parameter(path.stem, read_document(path, name=path.name), articles)
        for path in sorted((folder / "parameters").glob("*.yml"))
    }
    texts = {name: (one.text_zh, one.text_en, one.binds_from) for name, one in articles.items()}
    return Law(articles, parameters, read_limits(folder / "equipment_limits", texts))


def _articles(document: Document) -> Iterable[Article]:
    file = read_as(document, document.content, TypeAdapter(_DocumentFile))
    for one in file.articles:
        yield Article(
            **one.model_dump(),
            document=file.document,
            title_zh=file.title_zh,
            title_en=file.title_en,
            signed=file.signed,
            binds_from=file.binds_from,
            assumption=file.assumption,
            translation=file.translation,
        )


def check_quotation(document: Document, place: Place, quotation: Quotation, articles: dict[str, Article]) -> Article:
    """Refuse a quotation whose words do not stand in its article, letter by letter but for white space."""
    article = articles.get(quotation.article)
    if article is None:
        raise document.refuse((*place, "article"), f"there is no article “{quotation.article}”.")
    for field, quote, text in (
        ("quote_zh", quotation.quote_zh, article.text_zh),
        ("quote_en", quotation.quote_en, article.text_en),
    ):
        if "".join(quote.split()) not in "".join(text.split()):
            raise document.refuse((*place, field), f"these words do not stand in {article.id}.")
    return article


def _parameter(name: str, document: Document, articles: dict[str, Article]) -> Parameter:
    file = read_as(document, document.content, TypeAdapter(_ParameterFile))

    def dated(values: dict[date, _Value], place: Place) -> tuple[DatedValue, ...]:
        return tuple(
            _dated_value(document, (*place, since.isoformat()), file.type, since, one, articles)
            for since, one in sorted(values.items())
        )

    return Parameter(
        name=name,
        title_zh=file.title_zh,
        title_en=file.title_en,
        meaning_zh=file.meaning_zh,
        meaning_en=file.meaning_en,
        type=file.type,
        values=dated(file.values, ("values",)),
        regions=tuple((code, dated(values, ("regions", code))) for code, values in sorted(file.regions.items())),
    )


def _dated_value(
    document: Document, place: Place, kind: ParameterType, since: date, one: _Value, articles: dict[str, Article]
) -> DatedValue:
    article = check_quotation(document, (*place, "reference"), one.reference, articles)
    if since < article.binds_from:
        raise document.refuse(place, f"{article.id} binds from {article.binds_from} only.")
    return DatedValue(since, _value(document, (*place, "value"), kind, one.value), one.reference, one.note)


class _More(Strict):
    values: dict[Day, _Value] = Field(default_factory=dict)
    regions: dict[str, dict[Day, _Value]] = Field(default_factory=dict)


_MORE: Final = TypeAdapter(dict[str, _More])


def with_more_values(by_law: Law, document: Document) -> Law:
    """The law with further dated values: `{parameter: {values: {day: …}, regions: {code: {day: …}}}}`.

    A value of a day that has one already stands in its place. Each is held to what a shipped value is held to.
    """
    parameters = dict(by_law.parameters)
    for name, more in read_as(document, document.content, _MORE).items():
        if name not in parameters:
            raise document.refuse((name,), f"there is no parameter “{name}”.")
        parameter = parameters[name]

        def dated(
            known: tuple[DatedValue, ...],
            values: dict[date, _Value],
            place: Place,
            kind: ParameterType = parameter.type,
        ) -> tuple[DatedValue, ...]:
            found = {one.since: one for one in known}
            for since, one in values.items():
                at = (*place, since.isoformat())
                found[since] = _dated_value(document, at, kind, since, one, by_law.articles)
            return tuple(found[since] for since in sorted(found))

        regions = dict(parameter.regions)
        for code, values in more.regions.items():
            regions[code] = dated(regions.get(code, ()), values, (name, "regions", code))
        parameters[name] = replace(
            parameter,
            values=dated(parameter.values, more.values, (name, "values")),
            regions=tuple(sorted(regions.items())),
        )
    return replace(by_law, parameters=parameters)


_READERS: Final[dict[ParameterType, TypeAdapter[Any]]] = {
    "texts": TypeAdapter(tuple[str, ...]),
    "text": TypeAdapter(str),
    "number": TypeAdapter(Decimal),
    "days": TypeAdapter(int),
}


def _value(document: Document, place: Place, kind: ParameterType, content: Any) -> ParameterValue:
    if content is None:
        return None
    value: ParameterValue = read_as(document, content, _READERS[kind], place)
    return value
