"""The rules for everybody: what each says, by which article, with which dated parameters, on an example, how often."""

import re
from typing import Any, Final

from fastapi import APIRouter
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from portal.language import _, current_language
from portal.rendering import render
from portal.rule_story import tell
from portal.viewing import viewing
from portal.words import TABLES, word
from registry.acts import SECTORS
from registry.clock import today
from registry.errors import NotFound
from registry.law.limits import Limit, LimitValue
from registry.law.reading import DatedValue, Parameter, ParameterValue, law
from registry.law_in_force import catalogue_in_force
from registry.law_texts import read_articles, read_document_text, read_documents, read_duties_on
from registry.reading import region_names
from registry.rule_counts import open_findings_by_rule
from registry.rules.examples import example_of, first_day
from registry.rules.reading import rule as rule_of
from registry.rules.reading import rules as all_rules

router = APIRouter()

# A rule that reads this fact judges by the limits of equipment.
LIMITED_FACT: Final = "backward_equipment"
_CHINESE: Final = re.compile("([\u3400-\u9fff]+)")


@router.get("/rules")
async def rules(request: Request) -> Response:
    """All built rules with their counts, and the documents they rest on."""
    async with viewing(request) as session:
        counts = await open_findings_by_rule(session)
        documents = await read_documents(session)
    return render(request, "rules.html", rules=all_rules(), counts=counts, documents=documents)


@router.get("/rules/{rule_id}")
async def rule(request: Request, rule_id: str) -> Response:
    """One rule: words, an example, articles, parameters over time, reasons, duty holders."""
    found = rule_of(rule_id)
    if found is None:
        raise NotFound("There is no such rule.", where=rule_id, remedy="See the list under /rules.")
    example = example_of(found)
    async with viewing(request) as session:
        in_force = (await catalogue_in_force(session)).law
        parameters = [in_force.parameter(one) for one in found.parameters]
        counts = await open_findings_by_rule(session)
        articles = await read_articles(session, list(dict.fromkeys(one.article for one in found.citations)))
        duties = await read_duties_on(session, today(), rule=found.id)
        names = await region_names(session, [code for one in parameters for code, _values in one.regions])
    return render(
        request,
        "rule.html",
        rule=found,
        open=counts.get(found.id, 0),
        articles=articles,
        duties=duties,
        since=first_day(found),
        story=tell(found, example) if example else None,
        parameters=[_parameter(one, names) for one in parameters],
        marked=_marked,
        limits=[_limit(one) for one in law().limits.values()] if LIMITED_FACT in found.sql else [],
    )


@router.get("/law/{document}")
async def law_document(request: Request, document: str) -> Response:
    """The whole text of one document, clause by clause, and who has which duty by it today."""
    async with viewing(request) as session:
        articles = await read_document_text(session, document)
        duties = await read_duties_on(session, today(), document=document)
    by_article: dict[str, list[Any]] = {}
    for one in duties:
        one["rules"] = [name for name in one["rules"] if rule_of(name)]
        by_article.setdefault(one["article_id"] or "", []).append(one)
    return render(request, "law.html", document=articles[0], articles=articles, duties=by_article)


def _marked(text: str) -> Markup:
    """A text in which Chinese names say in English that they are Chinese."""
    if current_language() == "zh":
        return escape(text)
    parts = (
        Markup('<span lang="zh-CN">{}</span>').format(part) if _CHINESE.fullmatch(part) else escape(part)
        for part in _CHINESE.split(text)
    )
    return Markup("").join(parts)


def _parameter(parameter: Parameter, names: dict[str, str]) -> dict[str, Any]:
    """A parameter in the language of the page: title, meaning, its values in order of days, and those of regions."""
    chinese = current_language() == "zh"
    regional: dict[tuple[DatedValue, ...], list[str]] = {}
    for code, values in parameter.regions:
        regional.setdefault(values, []).append(names.get(code, code))
    return {
        "title": parameter.title_zh if chinese else parameter.title_en,
        "meaning": parameter.meaning_zh if chinese else parameter.meaning_en,
        "values": [_dated(one) for one in parameter.values],
        "regional": [
            {"regions": _("、").join(regions), "values": [_dated(one) for one in values]}
            for values, regions in regional.items()
        ],
    }


def _dated(one: DatedValue) -> dict[str, Any]:
    return {"since": one.since, "value": _value(one.value), "citation": law().citation(one.reference)}


def _value(value: ParameterValue) -> str:
    if value is None:
        return _("暂停执行")
    if isinstance(value, tuple):
        return _("、").join(_code(one) for one in value)
    if isinstance(value, str):
        return _code(value)
    return f"{value:f}" if not isinstance(value, int) else str(value)


def _code(code: str) -> str:
    """A sector, nature or kind in words; another word of the feeds as it stands."""
    if code in SECTORS:
        return word("sector", code)
    for table in ("nature", "record_kind", "disposition", "law_word"):
        if code in TABLES.get(table, {}):
            return word(table, code)
    return code


def _limit(limit: Limit) -> dict[str, Any]:
    """A limit of equipment in the language of the page: what, which sizes, until when, what is spared."""
    chinese = current_language() == "zh"
    return {
        "industry": limit.industry_zh if chinese else limit.industry_en,
        "title": limit.title_zh if chinese else limit.title_en,
        "values": [(one, _bound(limit, one)) for one in limit.values if one.bound],
        "spared": (limit.spared.zh if chinese else limit.spared.en) if limit.spared else "",
    }


def _bound(limit: Limit, value: LimitValue) -> str:
    """A bound in words: 400 m3 and less, less than 4.3 m."""
    if value.bound is None or value.bound == "every" or value.size is None:
        return _("全部")
    measure = limit.measure_zh if current_language() == "zh" else limit.measure_en
    size = f"{value.size:,f} {limit.unit if limit.unit not in ('years', 'ratio') else ''}".strip()
    said = {
        "below": _("{measure}{size}以下（不含）", measure=measure, size=f" {size} "),
        "up_to": _("{measure}{size}及以下（含）", measure=measure, size=f" {size} "),
        "above": _("{measure}超过{size}（不含）", measure=measure, size=f" {size} "),
    }
    return said[value.bound]
