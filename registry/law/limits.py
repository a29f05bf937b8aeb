"""Limits of equipment: what the law orders to be eliminated, by class, size, bound and deadline, as dated data."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, TypeAdapter, model_validator

from registry.reading_yaml import Day, Document, Place, Strict, read_as, read_document

# 以下 alone excludes the bound, 及以下 includes it, 超过 and 大于 are above it; a class without a size is meant whole.
Bound = Literal["below", "up_to", "above", "every"]


class _Quotation(Strict):
    article: str
    quote_zh: str
    quote_en: str
    note: str = ""


class _Words(Strict):
    zh: str
    en: str


class _Measure(Strict):
    zh: str
    en: str
    unit: str
    # Years of use are told as the size, or counted from the day the equipment was commissioned.
    counted_from_commissioning: bool = False


class _Traits(Strict):
    traits: list[str] = Field(min_length=1)
    zh: str
    en: str
    from_: Decimal | None = Field(default=None, alias="from")


class _Value(Strict):
    size: Decimal | None = None
    bound: Bound
    deadline: Day
    reference: _Quotation
    note: str = ""

    @model_validator(mode="after")
    def _sized(self) -> "_Value":
        if (self.size is None) != (self.bound == "every"):
            raise ValueError("every bound but `every` has a size, and `every` has none")
        return self


class _Limit(Strict):
    id: str
    class_: str = Field(alias="class")
    title: _Words
    measure: _Measure | None = None
    spared: _Traits | None = None
    needs: _Traits | None = None
    values: dict[Day, _Value | None] = Field(min_length=1)
    # A region may set wider and stricter ones (Guofa [2010] 7, 2(2)); they stand beside the national one.
    regions: dict[str, dict[Day, _Value | None]] = Field(default_factory=dict)


class _LimitsFile(Strict):
    industry: _Words
    limits: list[_Limit] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class LimitValue:
    """What a limit is from a day on; without a bound it ended on that day."""

    since: date
    until: date | None
    size: Decimal | None
    bound: Bound | None
    deadline: date | None
    article: str
    quote_zh: str
    quote_en: str
    note: str


@dataclass(frozen=True, slots=True)
class Traits:
    """Traits of equipment with what they say in words; `least` is the size from which they count."""

    names: tuple[str, ...]
    zh: str
    en: str
    least: Decimal | None


@dataclass(frozen=True, slots=True)
class Limit:
    """One thing that the law orders to be eliminated, with its values in order of their days."""

    id: str
    class_: str
    industry_zh: str
    industry_en: str
    title_zh: str
    title_en: str
    measure_zh: str
    measure_en: str
    unit: str
    counts_age: bool
    spared: Traits | None
    needs: Traits | None
    values: tuple[LimitValue, ...]
    regions: tuple[tuple[str, tuple[LimitValue, ...]], ...]

    def on(self, day: date) -> LimitValue | None:
        """The national value in force on a day; None before the first and after its end."""
        value = next((one for one in reversed(self.values) if one.since <= day), None)
        return None if value is None or value.bound is None else value


def read_limits(folder: Path, articles: dict[str, tuple[str, str, date]]) -> dict[str, Limit]:
    """Read every file of a folder; `articles` gives the Chinese text, the English text and the first day of each.

    Raises BadFile with file, line and field.
    """
    found: dict[str, Limit] = {}
    for path in sorted(folder.glob("*.yml")):
        document = read_document(path, name=path.name)
        file = read_as(document, document.content, TypeAdapter(_LimitsFile))
        for number, one in enumerate(file.limits):
            if one.id in found:
                raise document.refuse(("limits", number, "id"), f"the limit {one.id} stands twice.")
            found[one.id] = _limit(document, ("limits", number), file, one, articles)
    return found


def _limit(
    document: Document, place: Place, file: _LimitsFile, one: _Limit, articles: dict[str, tuple[str, str, date]]
) -> Limit:
    everything = [*one.values.values(), *(value for values in one.regions.values() for value in values.values())]
    if one.measure is None and any(value and value.bound != "every" for value in everything):
        raise document.refuse((*place, "measure"), "a limit with a size says what is measured and in which unit.")
    measure = one.measure or _Measure(zh="", en="", unit="")
    return Limit(
        id=one.id,
        class_=one.class_,
        industry_zh=file.industry.zh,
        industry_en=file.industry.en,
        title_zh=one.title.zh,
        title_en=one.title.en,
        measure_zh=measure.zh,
        measure_en=measure.en,
        unit=measure.unit,
        counts_age=measure.counted_from_commissioning,
        spared=_traits(one.spared),
        needs=_traits(one.needs),
        values=_values(document, (*place, "values"), one.values, articles),
        regions=tuple(
            (code, _values(document, (*place, "regions", code), values, articles))
            for code, values in sorted(one.regions.items())
        ),
    )


def _traits(told: _Traits | None) -> Traits | None:
    return None if told is None else Traits(tuple(told.traits), told.zh, told.en, told.from_)


def _values(
    document: Document,
    place: Place,
    values: dict[date, _Value | None],
    articles: dict[str, tuple[str, str, date]],
) -> tuple[LimitValue, ...]:
    days = sorted(values)
    found = []
    for number, since in enumerate(days):
        until = days[number + 1] - timedelta(days=1) if number + 1 < len(days) else None
        value = values[since]
        if value is None:
            found.append(LimitValue(since, until, None, None, None, "", "", "", ""))
            continue
        reference = value.reference
        at = (*place, since.isoformat(), "reference")
        if reference.article not in articles:
            raise document.refuse((*at, "article"), f"there is no article “{reference.article}”.")
        text_zh, text_en, binds_from = articles[reference.article]
        for field, quote, text in (
            ("quote_zh", reference.quote_zh, text_zh),
            ("quote_en", reference.quote_en, text_en),
        ):
            if "".join(quote.split()) not in "".join(text.split()):
                raise document.refuse((*at, field), f"these words do not stand in {reference.article}.")
        if since < binds_from:
            raise document.refuse(at[:-1], f"{reference.article} binds from {binds_from} only.")
        found.append(
            LimitValue(
                since,
                until,
                value.size,
                value.bound,
                value.deadline,
                reference.article,
                reference.quote_zh,
                reference.quote_en,
                value.note or reference.note,
            )
        )
    return tuple(found)


def limits_sql(limits: dict[str, Limit]) -> str:
    """The limits as the text of a fact, so that rules join them; one row for each value and region.

    Columns: limit_id, class, unit, size, bound, counts_age, spared text[], spared_from, needs text[], deadline,
    region (NULL: the nation), since, until (NULL: still).
    """
    rows = [
        _row(limit, region, value)
        for limit in limits.values()
        for region, values in ((None, limit.values), *limit.regions)
        for value in values
        if value.bound is not None
    ]
    columns = (
        "limit_id, class, unit, size, bound, counts_age, spared, spared_from, needs, deadline, region, since, until"
    )
    if not rows:
        rows = [f"({', '.join(f'CAST(NULL AS {kind})' for kind in _KINDS)})"]
        return f"SELECT * FROM (VALUES {rows[0]}) AS l ({columns}) WHERE FALSE"
    listed = ",\n".join(rows)
    return f"SELECT * FROM (VALUES\n{listed}\n) AS l ({columns})"


_KINDS: Final = (
    "text",
    "text",
    "text",
    "numeric",
    "text",
    "boolean",
    "text[]",
    "numeric",
    "text[]",
    "date",
    "text",
    "date",
    "date",
)


def _row(limit: Limit, region: str | None, value: LimitValue) -> str:
    spared, needs = limit.spared, limit.needs
    cells = (
        limit.id,
        limit.class_,
        limit.unit or None,
        value.size,
        value.bound,
        limit.counts_age,
        spared.names if spared else (),
        spared.least if spared else None,
        needs.names if needs else (),
        value.deadline,
        region,
        value.since,
        value.until,
    )
    return f"({', '.join(_cell(cell, kind) for cell, kind in zip(cells, _KINDS, strict=True))})"


def _cell(cell: object, kind: str) -> str:
    if cell is None:
        return f"CAST(NULL AS {kind})"
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, tuple):
        return f"CAST(ARRAY[{', '.join(_quoted(one) for one in cell)}] AS text[])"
    return f"CAST({_quoted(str(cell))} AS {kind})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
