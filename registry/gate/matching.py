"""Which registered project and enterprise a question means: sure only where code or exact name says so."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Literal

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.database import driver, json_text
from registry.gate.places import region_of
from registry.gate.questions import Question
from registry.identifiers import uscc
from registry.names import normalise
from registry.reading import Row, rows
from registry.region_matching import match
from registry.sectors import shown_sectors

# How a project was found, or why not.
How = Literal["code", "earlier-code", "name", "similar", "several", "unknown-code", "not-found"]
SURE: Final[frozenset[How]] = frozenset({"code", "earlier-code", "name"})

_SIMILAR: Final = 0.35
_SHOWN: Final = 8
_REGIONS: Final = re.compile(r"region_matches\(([\w.]+), ([\w.]+)\)")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A registered project that the question may mean."""

    project_id: int
    code: str | None
    name: str
    owner_name: str | None
    sector: str
    region: str | None


@dataclass(frozen=True, slots=True)
class Match:
    """What a question means; `project_id` is None where no single project fits."""

    how: How
    project_id: int | None = None
    party_id: int | None = None
    region: str | None = None
    shown_sector: str | None = None
    candidates: tuple[Candidate, ...] = field(default=())

    @property
    def sure(self) -> bool:
        """Whether the project is the one meant without a person's look."""
        return self.how in SURE


@lru_cache(maxsize=1)
def _statement() -> str:
    sql = Path(__file__).with_name("matching.sql").read_text(encoding="utf-8")
    return _REGIONS.sub(lambda found: match(found[1], found[2]), sql)


async def find(session: AsyncSession, questions: Sequence[Question]) -> list[Match]:
    """The meaning of each question, in order; those with a code together, and what they leave open together."""
    regions = [await region_of(session, one.project.place) for one in questions]
    found: dict[int, Match] = {}
    coded = [number for number, one in enumerate(questions) if one.project.code is not None]
    if coded:
        asked = json_text([_asked(number, questions[number], None) for number in coded])
        answered = await (await driver(session)).fetch(_codes(), asked)
        for number, group in groupby(answered, key=lambda row: int(row["n"])):
            match = _by_one_code(questions[number], list(group), regions[number])
            if match is not None:
                found[number] = match
    left = [number for number in range(len(questions)) if number not in found]
    if left:
        asked = json_text([_asked(number, questions[number], regions[number]) for number in left])
        answered = await rows(session, _statement(), asked=asked)
        for number, group in groupby(answered, key=lambda row: int(row["n"])):
            found[number] = _decide(questions[number], list(group), regions[number])
    return [found[number] for number in range(len(questions))]


@lru_cache(maxsize=1)
def _codes() -> str:
    return Path(__file__).with_name("codes.sql").read_text(encoding="utf-8")


def _by_one_code(question: Question, found: Sequence[Any], region: str | None) -> Match | None:
    """The meaning of a code that at most one project bears; several are told apart by their owner."""
    first = found[0]
    now = [row["project_id"] for row in found if row["coded"] == 2]
    ever = now or [row["project_id"] for row in found if row["coded"] == 1]
    if len(ever) > 1:
        return None
    party = int(first["party_id"]) if first["parties"] == 1 else None
    shown = _shown(question, first["trade_sector"])
    if not ever:
        return Match("unknown-code", None, party, region, shown)
    return Match("code" if now else "earlier-code", int(ever[0]), party, region, shown)


def _asked(number: int, question: Question, region: str | None) -> dict[str, Any]:
    project, party = question.project, question.party
    code = uscc.parse(party.uscc) if party and party.uscc else None
    return {
        "n": number,
        "code": project.code,
        "name": normalise(project.name).text if project.name else None,
        "region": region,
        "party_uscc": code.value if code else None,
        "organisation_code": code.organisation_code if code else None,
        "party_name": normalise(party.name).text if party and party.name else None,
        "industry": project.industry,
    }


def _decide(question: Question, found: list[Row], region: str | None) -> Match:
    first = found[0]
    party = int(first["party_id"]) if first["parties"] == 1 else None
    shown = _shown(question, first["trade_sector"])
    fitting = [row for row in found if row["project_id"] is not None]

    def decided(how: How, chosen: Row | None, others: Sequence[Row]) -> Match:
        candidates = tuple(
            Candidate(*(one[name] for name in ("project_id", "code", "name", "owner_name", "sector", "region")))
            for one in others[:_SHOWN]
        )
        return Match(how, None if chosen is None else int(chosen["project_id"]), party, region, shown, candidates)

    if question.project.code is not None:
        return _by_code(fitting, decided)
    same = [row for row in fitting if row["same_name"] and row["same_region"] is not False]
    owned = [row for row in same if row["owned"]]
    if len(owned) == 1:
        return decided("name", owned[0], ())
    if len(same) == 1 and (same[0]["same_region"] or (question.party is None and region is None)):
        # The name alone is one of its kind; with a party that does not own it a rule speaks.
        return decided("name" if same[0]["same_region"] else "similar", same[0], same)
    if len(same) > 1:
        return decided("several", None, same)
    near = [
        row
        for row in fitting
        if row["same_region"] is not False
        and (row["similar"] >= _SIMILAR or row["owned"])
        and (shown is None or row["sector"] == shown)
    ]
    if len(near) == 1:
        return decided("similar", near[0], near)
    return decided("several", None, near) if near else decided("not-found", None, ())


def _by_code(fitting: list[Row], decided: Any) -> Match:
    now = [row for row in fitting if row["coded"] == 2]
    coded = now or [row for row in fitting if row["coded"] == 1]
    owned = [row for row in coded if row["owned"]]
    found: Match
    if len(coded) == 1 or len(owned) == 1:
        found = decided("code" if now else "earlier-code", (owned if len(coded) > 1 else coded)[0], ())
    elif coded:
        found = decided("several", None, coded)
    else:
        found = decided("unknown-code", None, ())
    return found


def _shown(question: Question, trade_sector: str | None) -> str | None:
    """The overcapacity sector that the question shows by itself: stated, by product, by industry class or by words."""
    known = shown_sectors()
    if question.project.sector is not None:
        return None if question.project.sector == "other" else question.project.sector
    products = {question.project.product, *(one.product for one in question.capacities)}
    for name, one in known.sectors.items():
        if products & set(one.products):
            return name
    if trade_sector is not None:
        return trade_sector
    idle = (
        question.intended_kind in known.not_construction_kinds or question.intended_act not in known.construction_acts
    )
    if question.project.name is None or idle:
        return None
    name = normalise(question.project.name).text
    if question.party and question.party.name:
        # What a company is called shows nothing of what is built.
        name = name.replace(normalise(question.party.name).text, "")
    return next(
        (
            sector
            for sector, one in known.sectors.items()
            if re.search(one.pattern(), name) and not re.search(one.exception_pattern(), name)
        ),
        None,
    )
