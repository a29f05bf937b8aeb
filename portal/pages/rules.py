"""The rules for everybody: what each says, by which article, with which dated parameters, and how often it flags."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.language import _, current_language
from portal.rendering import render
from portal.viewing import viewing
from portal.words import TABLES, word
from registry.acts import SECTORS
from registry.errors import NotFound
from registry.law.reading import Parameter, ParameterValue, law
from registry.reading import rows
from registry.rule_counts import open_findings_by_rule
from registry.rules.reading import rule as rule_of
from registry.rules.reading import rules as all_rules

router = APIRouter()


@router.get("/rules")
async def rules(request: Request) -> Response:
    """All built rules with their counts."""
    async with viewing(request) as session:
        counts = await open_findings_by_rule(session)
    return render(request, "rules.html", rules=all_rules(), counts=counts)


@router.get("/rules/{rule_id}")
async def rule(request: Request, rule_id: str) -> Response:
    """One rule: words, articles, parameters over time, reasons, duty holders."""
    found = rule_of(rule_id)
    if found is None:
        raise NotFound("There is no such rule.", where=rule_id, remedy="See the list under /rules.")
    name = "name_zh" if current_language() == "zh" else "name_en"
    async with viewing(request) as session:
        counts = await open_findings_by_rule(session)
        agencies = {row["id"]: row[name] for row in await rows(session, f"SELECT id, {name} FROM agencies")}
    articles = [law().article(one) for one in dict.fromkeys(quotation.article for quotation in found.citations)]
    parameters = [law().parameter(one) for one in found.parameters]
    return render(
        request,
        "rule.html",
        rule=found,
        open=counts.get(found.id, 0),
        articles=articles,
        parameters=[_parameter(one) for one in parameters],
        agencies=agencies,
    )


def _parameter(parameter: Parameter) -> dict[str, Any]:
    """A parameter in the language of the page: title, meaning and its values in order of their days."""
    chinese = current_language() == "zh"
    return {
        "title": parameter.title_zh if chinese else parameter.title_en,
        "meaning": parameter.meaning_zh if chinese else parameter.meaning_en,
        "values": [
            {
                "since": one.since,
                "value": _value(one.value),
                "citation": law().citation(one.reference),
            }
            for one in parameter.values
        ],
    }


def _value(value: ParameterValue) -> str:
    if value is None:
        return _("暂停执行")
    if isinstance(value, tuple):
        return _("、").join(_code(one) for one in value)
    return str(value)


def _code(code: str) -> str:
    """A sector, nature or kind in words; another word of the feeds as it stands."""
    if code in SECTORS:
        return word("sector", code)
    for table in ("nature", "record_kind"):
        if code in TABLES.get(table, {}):
            return word(table, code)
    return code
