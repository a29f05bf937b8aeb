"""What the generator collects: enterprises, projects, drafts of agency records and the told stories."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from deploy.demo.chance import Chance

Json = dict[str, Any]
Finding = tuple[str, tuple[str, ...]]  # rule, reasons

AGENCY_OF_ACT = {
    "land_grant": "land",
    "land_pre_review": "land",
    "sea_area_grant": "land",
    "shoreline_grant": "land",
    "eia_approval": "environment",
    "energy_assessment": "environment",
    "discharge_permit": "environment",
    "production_licence": "environment",
    "safety_permit": "environment",
    "loan": "finance",
    "disbursement": "finance",
    "bond": "finance",
    "listing": "finance",
}
AGENCIES = ("land", "environment", "finance")


@dataclass
class Draft:
    """An agency record before it has a key: its fields, what it truly belongs to, and the findings due."""

    fields: Json
    received: date
    projects: tuple[str, ...] = ()
    enterprise: str | None = None
    findings: tuple[Finding, ...] = ()
    story: str | None = None
    malformed: str | None = None
    act: str = ""

    def __post_init__(self) -> None:
        self.act = self.act or str(self.fields["act"])

    @property
    def agency(self) -> str:
        """The agency whose feed carries the record."""
        return AGENCY_OF_ACT[self.act]


@dataclass(frozen=True)
class Told:
    """A finding that is due on what stands in the register itself: an approval, a unit, a plan, a project."""

    kind: str
    subject: str
    rule: str
    reasons: tuple[str, ...]
    story: str


@dataclass
class Undertaking:
    """A project with what the generator knows of its course."""

    project: Json
    owner: Json
    code_from: date | None = None  # from when a record can know the code
    ready: date | None = None  # from when every act would be lawful: standing and all formalities
    alone: bool = True  # its owner's only project
    until: date | None = None  # no acts after (retired, cancelled)
    loans: list[tuple[date, str, int]] = field(default_factory=list)  # signed, contract, yuan; construction only
    coded_only_before: date | None = None  # real owners of several plants: before this day records carry the code


@dataclass
class World:
    """Everything the generator makes, in the order it was made."""

    seed: int
    enterprises: list[Json] = field(default_factory=list)
    projects: list[Json] = field(default_factory=list)
    notices: list[Json] = field(default_factory=list)
    dispositions: list[Json] = field(default_factory=list)
    plans: list[Json] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    stories: dict[str, Json] = field(default_factory=dict)
    drafts: list[Draft] = field(default_factory=list)
    lawful: list[Undertaking] = field(default_factory=list)

    def chance(self, label: str) -> Chance:
        """A stream of chance of this world."""
        return Chance(self.seed, label)
