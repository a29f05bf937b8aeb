"""Backtests: what a drafted rule or value of the law would change in the findings, over all history."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.fact_texts import Use
from registry.flags import Asked, Flag, ask_flags_with_evidence
from registry.law.reading import Law, with_more_values
from registry.law_in_force import Catalogue
from registry.reading_yaml import Document
from registry.rules.reading import rules_by

What = Literal["more", "fewer", "other"]
WHATS: Final[tuple[What, ...]] = ("more", "fewer", "other")


@dataclass(frozen=True, slots=True)
class Change:
    """One finding that the draft would add, take away, or give with other reasons, basis or duty holder."""

    what: What
    rule: str
    fingerprint: str
    subject: str
    lane: str
    act: str
    acted_on: str
    project_id: int | None
    region: str
    sector: str
    before: list[str]
    after: list[str]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a draft changes: the rules it touches, how many findings they give before and after, and which differ."""

    as_of: date
    rules: tuple[str, ...]
    before: int
    after: int
    changes: tuple[Change, ...]

    def counts(self, by: str | None = None) -> dict[str, dict[What, int]]:
        """More, fewer and other by rule, province or sector; by nothing under one key ''."""
        found: dict[str, Counter[What]] = {}
        for one in self.changes:
            key = {"rule": one.rule, "province": one.region[:2], "sector": one.sector}[by] if by else ""
            found.setdefault(key, Counter())[one.what] += 1
        return {key: {what: counted[what] for what in WHATS} for key, counted in sorted(found.items())}

    def as_json(self) -> dict[str, Any]:
        """For programs, and for keeping with a proposal."""
        return {
            "as_of": self.as_of.isoformat(),
            "rules": list(self.rules),
            "before": self.before,
            "after": self.after,
            **{what: sum(one.what == what for one in self.changes) for what in WHATS},
            "by_rule": self.counts("rule"),
            "by_province": self.counts("province"),
            "by_sector": self.counts("sector"),
            "changes": [asdict(one) for one in self.changes],
        }


def drafted(current: Catalogue, values: Document | None = None, folder: Path | None = None) -> Catalogue:
    """The rules in force with drafted values of the law, and drafted rules in the place of those of the same id."""
    by_law: Law = current.law if values is None else with_more_values(current.law, values)
    return Catalogue(by_law, rules_by(by_law, folder))


async def backtest(session: AsyncSession, current: Catalogue, draft: Catalogue, as_of: date) -> Difference:
    """Judge every act of the register, by its own day, by both; only the rules that the draft touches are judged."""
    versions = {one.id: one.version for one in current.rules}
    drafts = {one.id: one.version for one in draft.rules}
    touched = tuple(one for one in {**versions, **drafts} if versions.get(one) != drafts.get(one))
    before = await _judged(session, current, touched, as_of)
    after = await _judged(session, draft, touched, as_of)
    changes = []
    for fingerprint in sorted(before.keys() | after.keys()):
        was, would = before.get(fingerprint), after.get(fingerprint)
        if was is None and would is not None:
            changes.append(_change("more", would, None, would))
        elif would is None and was is not None:
            changes.append(_change("fewer", was, was, None))
        elif was is not None and would is not None and _verdict(was) != _verdict(would):
            changes.append(_change("other", would, was, would))
    changes.sort(key=lambda one: (one.rule, WHATS.index(one.what), one.subject))
    return Difference(as_of, touched, len(before), len(after), tuple(changes))


async def _judged(session: AsyncSession, catalogue: Catalogue, names: Sequence[str], as_of: date) -> dict[str, Flag]:
    chosen = tuple(one for one in catalogue.rules if one.id in names)
    if not chosen:
        return {}
    asked = Asked(Use("nation"), as_of, catalogue=Catalogue(catalogue.law, chosen))
    return {flag.fingerprint: flag for flag in await ask_flags_with_evidence(session, asked)}


def _verdict(flag: Flag) -> tuple[Any, ...]:
    return flag.reasons, flag.basis, flag.duty_holder


def _change(what: What, flag: Flag, was: Flag | None, would: Flag | None) -> Change:
    return Change(
        what=what,
        rule=flag.rule,
        fingerprint=flag.fingerprint,
        subject=flag.subject_reference,
        lane=flag.lane,
        act=flag.act,
        acted_on="" if flag.acted_on is None else flag.acted_on.isoformat(),
        project_id=flag.project_id,
        region=flag.region or "",
        sector=flag.sector or "",
        before=[] if was is None else list(was.reasons),
        after=[] if would is None else list(would.reasons),
    )
