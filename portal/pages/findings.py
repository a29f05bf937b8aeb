"""The list of findings with its filters, and one finding: the article beside the evidence."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.choosing import sort_out
from portal.language import _, current_language
from portal.rendering import render
from portal.units import day
from portal.viewing import viewing
from portal.words import TABLES, choices, rule_choices, word
from registry.audience import hides_credit
from registry.credit_reads import note_credit_read
from registry.finding_list import FindingFilter, finding_file, list_findings
from registry.law.reading import law
from registry.reading import region_names, rows

router = APIRouter()


@router.get("/findings")
async def findings(
    request: Request,
    rule: str = "",
    lane: str = "",
    sector: str = "",
    province: str = "",
    basis: str = "",
    state: str = "open",
    cursor: str = "",
) -> Response:
    """The list, latest act first."""
    asked = {"rule": rule, "lane": lane, "sector": sector, "province": province, "basis": basis, "state": state}
    tables = {name: name for name in ("lane", "sector", "province", "basis")}
    states = [*choices("finding_state"), ("all", _("全部"))]
    kept, errors = sort_out(
        {name: (value,) for name, value in asked.items() if value}, tables | {"rule": rule_choices(), "state": states}
    )
    chosen = {name: values[0] for name, values in kept.items()}
    state = chosen.pop("state", "open")
    wanted = FindingFilter(
        rule=chosen.get("rule"),
        lane=chosen.get("lane"),
        sector=chosen.get("sector"),
        province=chosen.get("province"),
        basis=chosen.get("basis"),
        state=None if state == "all" else state,
    )
    async with viewing(request) as session:
        audience = request.state.viewer.audience
        page = await list_findings(session, wanted, audience, cursor=cursor)
        await note_credit_read(session, request.state.viewer, "finding", "", findings=page.items)
    return render(request, "findings.html", page=page, wanted=wanted, errors=errors)


@router.get("/findings/{fingerprint}")
async def finding(request: Request, fingerprint: str) -> Response:
    """One finding under its stable address."""
    async with viewing(request) as session:
        audience = request.state.viewer.audience
        found = await finding_file(session, fingerprint, audience)
        await note_credit_read(session, request.state.viewer, "finding", fingerprint, findings=[found])
        name = "name_zh" if current_language() == "zh" else "name_en"
        agencies = {row["id"]: row[name] for row in await rows(session, f"SELECT id, {name} FROM agencies")}
        feeds = {row["id"]: row[name] for row in await rows(session, f"SELECT id, {name} FROM feeds")}
        regions = await region_names(session, _regions(found.versions[0].evidence))
    hidden = hides_credit({"lane": found.lane, "withheld": found.withheld}, audience)
    return render(
        request,
        "finding.html",
        finding=found,
        hidden=hidden,
        parameter_words=_parameter_words,
        agency_names=agencies,
        feed_names=feeds,
        regions=regions,
    )


def _regions(evidence: Any) -> set[str]:
    """Every region code in evidence, at any depth."""
    if isinstance(evidence, list):
        return set().union(*(_regions(one) for one in evidence))
    if not isinstance(evidence, dict):
        return set()
    return {str(evidence["region"])} if evidence.get("region") else set().union(*map(_regions, evidence.values()))


def _parameter_words(name: str, parameter: Any) -> str:
    """A parameter that the rule used: what it is called, its value, since when."""
    known = law().parameters.get(name)
    title = (known.title_zh if current_language() == "zh" else known.title_en) if known else name
    if not isinstance(parameter, dict):
        return _("{title}：{value}", title=title, value=_value_words(parameter))
    since = parameter.get("since")
    value = _value_words(parameter.get("value"))
    if not since:
        return _("{title}：{value}", title=title, value=value)
    return _("{title}：{value}（{since}起）", title=title, value=value, since=day(str(since)))


def _value_words(value: Any) -> str:
    if isinstance(value, list):
        return _("、").join(_value_words(one) for one in value)
    text = str(value)
    tables = ("sector", "nature", "record_kind", "disposition", "law_word")
    table = next((name for name in tables if text in TABLES[name]), "sector")
    return word(table, text)
