"""The list of findings with its filters, and one finding: the article beside the evidence."""

from typing import Any

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.choosing import sort_out
from portal.language import _, current_language
from portal.rendering import render
from portal.signing import carry_out, errors_of, field
from portal.units import day
from portal.viewing import viewing
from portal.words import TABLES, choices, rule_choices, word
from registry import clock
from registry.audience import hides_credit
from registry.credit_reads import note_credit_read
from registry.deciding_findings import LONGEST_REASON, decide
from registry.errors import ThreegatesError
from registry.finding_list import FindingFilter, finding_file, list_findings
from registry.law.reading import law
from registry.reading import region_names, rows
from registry.viewers import Viewer

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
    decision: str = "",
    cursor: str = "",
) -> Response:
    """The list, latest act first."""
    asked = {"rule": rule, "lane": lane, "sector": sector, "province": province, "basis": basis, "state": state}
    asked["decision"] = decision
    tables = {name: name for name in ("lane", "sector", "province", "basis")}
    states = [*choices("finding_state"), ("all", _("全部"))]
    kept, errors = sort_out(
        {name: (value,) for name, value in asked.items() if value},
        tables | {"rule": rule_choices(), "state": states} | {"decision": choices("finding_decision")},
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
        decision=chosen.get("decision"),
    )
    async with viewing(request) as session:
        audience = request.state.viewer.audience
        page = await list_findings(session, wanted, audience, cursor=cursor)
        await note_credit_read(session, request.state.viewer, "finding", "", findings=page.items)
    return render(request, "findings.html", page=page, wanted=wanted, errors=errors)


@router.get("/findings/{fingerprint}")
async def finding(request: Request, fingerprint: str, decided: str = "") -> Response:
    """One finding under its stable address."""
    return await _finding(request, fingerprint, decided=bool(decided))


async def _finding(
    request: Request,
    fingerprint: str,
    error: ThreegatesError | None = None,
    form: FormData | None = None,
    *,
    decided: bool = False,
) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        audience = viewer.audience
        found = await finding_file(session, fingerprint, audience)
        await note_credit_read(session, request.state.viewer, "finding", fingerprint, findings=[found])
        name = "name_zh" if current_language() == "zh" else "name_en"
        agencies = {row["id"]: row[name] for row in await rows(session, f"SELECT id, {name} FROM agencies")}
        feeds = {row["id"]: row[name] for row in await rows(session, f"SELECT id, {name} FROM feeds")}
        facts = [version.closed_facts for version in found.versions]
        regions = await region_names(session, _regions([found.versions[0].evidence, *facts]))
    hidden = hides_credit({"lane": found.lane, "withheld": found.withheld}, audience)
    errors, general = errors_of(error, ("decision", "reason"))
    standing = next((one for one in found.decisions if one.replaced_at is None and one.episode == found.episode), None)
    return render(
        request,
        "finding.html",
        status=error.status if error else 200,
        finding=found,
        hidden=hidden,
        may_decide=viewer.may("decide") and viewer.kind == "person" and found.state == "open" and not hidden,
        standing=standing if standing and standing.decision != "withdrawn" else None,
        decided=decided,
        values={name: field(form, name) for name in ("decision", "reason")} if form else {},
        errors=errors,
        general=general,
        parameter_words=_parameter_words,
        agency_names=agencies,
        feed_names=feeds,
        regions=regions,
    )


@router.post("/findings/{fingerprint}")
async def decide_on(request: Request, fingerprint: str) -> Response:
    """Decide on the finding, by the evidence that the page showed."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        await decide(
            session,
            viewer,
            fingerprint,
            field(form, "decision"),
            field(form, "reason")[:LONGEST_REASON],
            field(form, "evidence_hash"),
            clock.now(),
        )
        return RedirectResponse(f"/findings/{fingerprint}?decided=1", 303)

    return await carry_out(request, work, lambda form, error: _finding(request, fingerprint, error, form))


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
