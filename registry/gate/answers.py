"""From what the rules say to an answer: allow, refuse or refer to a person, each reason with its article."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final

from registry.acts import OVERCAPACITY_SECTORS
from registry.flags import Succession
from registry.gate.matching import Match
from registry.gate.questions import Question
from registry.gate.receipts import plain
from registry.gate.words import Answer, gate_words
from registry.law_in_force import Catalogue
from registry.rules.reading import SEVERITIES, Rule


@dataclass(frozen=True, slots=True)
class Agencies:
    """Names of agencies and who took over from whom."""

    names: Mapping[str, tuple[str, str]]
    succession: Succession

    def holder(self, agency: str, on: date) -> dict[str, str]:
        """Who has an agency's duty on a day, with its names."""
        heir = self.succession.holder(agency, on)
        zh, en = self.names.get(heir, (heir, heir))
        return {"agency": heir, "agency_zh": zh, "agency_en": en}


@dataclass(slots=True)
class Verdict:
    """An answer with all that it rests on; the lists hold what a receipt shows."""

    answer: Answer
    reasons: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)
    missing: list[dict[str, str]] = field(default_factory=list)
    evidence: dict[str, Any] = field(default_factory=dict)
    holds_until: date | None = None

    @property
    def codes(self) -> list[str]:
        """What stands in lists and filters: rule:reason, and the gate's own words."""
        said = [f"{one['rule']}:{code}" for one in self.reasons for code in one["codes"] or ["flagged"]]
        return said + [one["code"] for one in self.notes if one["code"] in REFERRING]


# Words of the gate that make it a person's matter.
REFERRING: Final = frozenset(
    {
        "project-unknown-code",
        "project-not-found",
        "project-several",
        "project-similar",
        "derived-only",
        "open-findings",
        "credit-flagged",
        "sector-not-shown",
    }
)
_MATCHED: Final[dict[str, str]] = {
    "unknown-code": "project-unknown-code",
    "not-found": "project-not-found",
    "several": "project-several",
    "similar": "project-similar",
    "earlier-code": "earlier-code",
}


@lru_cache(maxsize=512)
def _said_by_rule(rule: Rule, act: str) -> dict[str, Any]:
    basis = rule.basis_of(act)
    return {
        "rule": rule.id,
        "rule_version": rule.version,
        "title_zh": rule.title.zh,
        "title_en": rule.title.en,
        "basis": basis,
        "severity": SEVERITIES[basis],
        "citations": rule.citation(),
    }


@lru_cache(maxsize=4)
def _by_id(catalogue: Catalogue) -> dict[str, Rule]:
    return {one.id: one for one in catalogue.rules}


def judge(
    question: Question,
    match: Match,
    row: Mapping[str, Any],
    day: date,
    agencies: Agencies,
    catalogue: Catalogue,
    *,
    finance: bool,
    hold_days: int,
) -> Verdict:
    """The verdict on one question; `row` is what `verdicts.ask` saw, `finance` whether credit may be spoken of."""
    flags = [{**one, "by": _by_id(catalogue)[one["rule"]]} for one in row["flags"] or []]
    act = question.intended_act
    reasons = [_reason(one, act) for one in flags]
    findings = row["findings"] or []
    open_findings = [one for one in findings if one["lane"] != "credit"]
    notes = _notes(question, match, row, open_findings)
    if finance and len(open_findings) < len(findings):
        notes.append(_note("credit-flagged"))
    # A code that nobody bears is as sure as one that somebody does; a description is not.
    forbids = any(one["basis"] == "text" and not one["only_derived"] for one in reasons)
    sure = match.sure or match.how == "unknown-code"
    if forbids and sure:
        answer: Answer = "refuse"
    else:
        if reasons and sure:
            notes.append(_note("derived-only"))
        answer = "refer" if reasons or any(one["code"] in REFERRING for one in notes) else "allow"
    for one in reasons:
        del one["only_derived"]
    verdict = Verdict(answer, reasons, notes, _missing(flags, act, day, agencies))
    verdict.evidence = {
        name: value
        for name, value in (
            ("approvals", row["approvals"]),
            ("formalities", row["formalities"]),
            ("open_findings", open_findings),
        )
        if value
    }
    if answer == "allow":
        verdict.holds_until = _holds_until(row, _law_changes(act, catalogue), day, hold_days)
    return verdict


def _note(code: str) -> dict[str, str]:
    words = gate_words().says[code]
    return {"code": code, "zh": words.zh, "en": words.en}


def _reason(flag: Mapping[str, Any], act: str) -> dict[str, Any]:
    rule: Rule = flag["by"]
    codes = sorted(set(flag["reasons"]))
    said = [rule.reasons[code] for code in codes if code in rule.reasons]
    return {
        **_said_by_rule(rule, act),
        "codes": codes,
        "zh": "；".join(one.zh for one in said) or rule.title.zh,
        "en": "; ".join(one.en for one in said) or rule.title.en,
        "parameters": plain(flag["parameters"] or {}),
        "only_derived": bool(codes) and set(codes) <= set(gate_words().derived_reasons),
    }


def _notes(
    question: Question, match: Match, row: Mapping[str, Any], open_findings: Iterable[Mapping[str, Any]]
) -> list[dict[str, str]]:
    codes = [_MATCHED[match.how]] if match.how in _MATCHED else []
    project = row["project"]
    sector = project["sector"] if project else match.shown_sector
    if project is None and sector is None and match.how in ("unknown-code", "not-found"):
        codes.append("sector-not-shown")
    if project is not None and sector not in OVERCAPACITY_SECTORS:
        codes.append("no-overcapacity-sector")
    if any(one["basis"] == "text" for one in open_findings):
        codes.append("open-findings")
    if question.party is None:
        codes.append("party-not-given")
    elif match.party_id is None:
        codes.append("party-not-registered")
    return [_note(code) for code in codes]


def _missing(flags: Iterable[Mapping[str, Any]], act: str, day: date, agencies: Agencies) -> list[dict[str, str]]:
    """What would have to be there and who can supply it; without a word of ours the rule's own and its duty holder."""
    supplied = gate_words().supplied
    found: dict[str, dict[str, str]] = {}
    for flag in flags:
        rule: Rule = flag["by"]
        for code in sorted(set(flag["reasons"])) or [rule.id]:
            known = supplied.get(code)
            words = known or rule.reasons.get(code) or rule.title
            who = known.who if known else rule.duty.get(act, "ndrc")
            found.setdefault(
                f"{words.zh} {who}", {"code": code, "zh": words.zh, "en": words.en, **agencies.holder(who, day)}
            )
    return list(found.values())


def _holds_until(row: Mapping[str, Any], changes: Iterable[date], day: date, hold_days: int) -> date:
    """The last day of an allowance: so many days, or until an approval or formality ends or the law changes."""
    last = day + timedelta(days=hold_days)
    formalities: dict[str, list[Mapping[str, Any]]] = {}
    for one in row["formalities"] or []:
        kind = "land" if one["act"].startswith("land") else one["act"]
        formalities.setdefault(kind, []).append(one)
    for papers in (row["approvals"] or [], *formalities.values()):
        ends = _end(papers, day)
        if ends is not None:
            last = min(last, ends)
    return min([last, *(change - timedelta(days=1) for change in changes if change > day)])


def _end(papers: Iterable[Mapping[str, Any]], day: date) -> date | None:
    """The last day on which one of these papers holds without a gap from a day on; None: without end, or not held."""
    spans = []
    for one in papers:
        begins = date.fromisoformat(one.get("issued") or one["acted_on"])
        known_ends = [date.fromisoformat(one["expires"])] if one.get("expires") else []
        known_ends += [date.fromisoformat(one["revoked"]) - timedelta(days=1)] if one.get("revoked") else []
        spans.append((begins, min(known_ends, default=date.max)))
    last: date | None = None
    for begins, ends in sorted(spans):
        if begins <= (day if last is None else last + timedelta(days=1)) and ends >= day:
            last = ends if last is None else max(last, ends)
            if last == date.max:
                return None
    return last


@lru_cache(maxsize=64)
def _law_changes(act: str, catalogue: Catalogue) -> tuple[date, ...]:
    """The days from which a parameter that rules of this act read has another value."""
    names = {name for rule in catalogue.rules if act in rule.duty for name in rule.parameters}
    values = [catalogue.law.parameter(name) for name in names]
    return tuple(
        sorted({one.since for it in values for ones in (it.values, *(more for _, more in it.regions)) for one in ones})
    )
