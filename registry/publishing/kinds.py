"""The kinds of publications: what each shows, as a closed schema; its fields are the only columns it is made of."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from registry.law_facts import Disposition, Rectification, ReplacementPlan

DispositionWord = Literal["forbid_start", "halt", "recognise", "not_recognise", "concealed"]


class Closed(BaseModel):
    """Nothing but its fields, for ever."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OfProject(Closed):
    """The project and the enterprise that a matter is about."""

    project_code: str | None
    project_name: str | None
    enterprise_name: str | None
    enterprise_uscc: str | None
    sector: str | None
    region: str | None
    number: str
    authority: str
    synthetic: bool


class DispositionFacts(OfProject):
    """What was decided of a project built against the rules (G41 3(1))."""

    decision: DispositionWord
    decided: date | None


class RectificationFacts(OfProject):
    """A plan for capacity built against the rules (G41 3(2)), of a project or of a whole region."""

    decided: date | None
    filed: date | None


class PlanFacts(OfProject):
    """A plan by which retired capacity makes room for new (G41 3(3))."""

    confirmed: date | None
    announced: date | None


class PlanUnit(Closed):
    """One unit that a plan retires."""

    enterprise_name: str | None
    equipment_class: str | None
    product: str | None
    amount: Decimal | None
    unit: str
    retired: date | None


class ListFacts(Closed):
    """A list of capacity to be eliminated (G7 3(2))."""

    number: str
    authority: str
    region: str | None
    synthetic: bool


class ListUnit(Closed):
    """One entry of an elimination list."""

    enterprise_name: str | None
    enterprise_uscc: str | None
    equipment_class: str | None
    size: Decimal | None
    unit: str | None
    deadline: date | None
    cured: date | None


class StatisticsFacts(Closed):
    """Figures of one year; nobody is named in them."""

    year: int
    synthetic: bool


class StatisticsLine(Closed):
    """One line: an agency in a province; None where the number is too small to be told."""

    agency: str
    region: str
    alerts: int | None
    acknowledged: int | None
    hours_to_acknowledge: Decimal | None
    cases: int | None
    days_to_decide: Decimal | None
    closed: int | None
    days_to_close: Decimal | None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: where its facts come from, whether naming somebody in it accuses them, and how it becomes public."""

    facts: type[Closed]
    view: str
    articles: tuple[str, ...]
    accuses: bool
    # Whether it stands on display for objections before it is final.
    display: bool = True
    lines: type[Closed] | None = None
    lines_view: str = ""
    # The facts whose day of publication the rules read, and whether the first day of display is that day (公示).
    fact: str = ""
    fact_table: str = ""
    fact_counts_display: bool = False


KINDS: Final[dict[str, Kind]] = {
    "disposition": Kind(
        DispositionFacts,
        "publishable_dispositions",
        ("g41-3-1",),
        accuses=True,
        fact="dispositions",
        fact_table=str(Disposition.__tablename__),
    ),
    "rectification": Kind(
        RectificationFacts,
        "publishable_rectifications",
        ("g41-3-2",),
        accuses=True,
        fact="rectifications",
        fact_table=str(Rectification.__tablename__),
        fact_counts_display=True,
    ),
    "replacement_plan": Kind(
        PlanFacts,
        "publishable_plans",
        ("g41-3-3",),
        accuses=False,
        lines=PlanUnit,
        lines_view="publishable_plan_units",
        fact="plans",
        fact_table=str(ReplacementPlan.__tablename__),
        fact_counts_display=True,
    ),
    "elimination_list": Kind(
        ListFacts,
        "publishable_lists",
        ("g7-3-2",),
        accuses=False,
        lines=ListUnit,
        lines_view="publishable_list_units",
    ),
    "statistics": Kind(
        StatisticsFacts,
        "publishable_years",
        (),
        accuses=False,
        display=False,
        lines=StatisticsLine,
        lines_view="publishable_figures",
    ),
}


class Office(Closed):
    """Who publishes: an office, never a person."""

    id: str
    name_zh: str
    name_en: str


class Content(Closed):
    """A version as the public reads it, and nothing else of it is ever shown."""

    kind: str
    subject: str
    office: Office
    facts: dict[str, Any]
    lines: list[dict[str, Any]]
    # What officials add in their own words; scanned, never needed.
    statement: str
    articles: tuple[str, ...]


def columns(model: type[Closed]) -> str:
    """The columns that a schema is made of: its fields, by their own names."""
    return ", ".join(model.model_fields)


def facts_of(content: Content) -> Closed:
    """The facts of a content, read strictly by the schema of its kind."""
    return KINDS[content.kind].facts.model_validate(content.facts)


def charges(content: Content) -> frozenset[str]:
    """Who is named for what: a correction that adds none of these needs no new period of objection."""
    about = content.facts.get("enterprise_uscc") or content.facts.get("enterprise_name")
    what = content.facts.get("decision") or content.kind
    found = {f"{about} {what}"} if about else set()
    found |= {
        f"{line.get('enterprise_uscc') or line.get('enterprise_name')} {line.get('equipment_class')}"
        for line in content.lines
        if line.get("enterprise_name")
    }
    if content.statement:
        found.add(f"statement {content.statement}")
    return frozenset(found)


def accuses(content: Content) -> bool:
    """Whether somebody is named for a breach: by the kind, or by words of officials beside a name."""
    named = bool(content.facts.get("enterprise_name")) or any(line.get("enterprise_name") for line in content.lines)
    return named and (KINDS[content.kind].accuses or bool(content.statement))
