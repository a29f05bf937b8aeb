"""Scenario files: small worlds in YAML with the findings expected of them, read to the letter of their format."""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, TypeAdapter

from registry.acts import LANE_OF_ACT
from registry.errors import BadFile
from registry.identifiers import BadIdentifier, industry, project_code, region, uscc
from registry.reading_yaml import Day, Document, Place, Strict, read_as, read_document
from registry.rules.reading import known_rules


def _identifier(module: Any) -> AfterValidator:
    def check(value: str) -> str:
        try:
            return str(module.parse(value).value)
        except BadIdentifier as error:
            raise ValueError(error.message) from None

    return AfterValidator(check)


def _known_act(value: str) -> str:
    if value not in LANE_OF_ACT:
        raise ValueError(f"“{value}” is no act; acts are {', '.join(LANE_OF_ACT)}")
    return value


def _known_rule(value: str) -> str:
    if value not in known_rules():
        raise ValueError(f"there is no rule “{value}”; rules are {', '.join(known_rules())}")
    return value


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("a text may not hold the character NUL")
    return value


Text = Annotated[str, Field(min_length=1, max_length=10_000), AfterValidator(_storable)]
Uscc = Annotated[str, _identifier(uscc)]
Code = Annotated[str, _identifier(project_code)]
Region = Annotated[str, _identifier(region)]
IndustryCode = Annotated[str, _identifier(industry)]
Amount = Annotated[Decimal, Field(ge=0)]
Months = Annotated[int, Field(ge=0, le=1200)]
RuleId = Annotated[str, AfterValidator(_known_rule)]
Act = Annotated[str, AfterValidator(_known_act)]

Sector = Literal["steel", "cement", "aluminium", "glass", "ships", "other"]
Nature = Literal["new_build", "expansion", "renovation", "relocation"]


class Capacity(Strict):
    """How much of which product."""

    product: Text
    amount: Amount
    unit: Text


class Enterprise(Strict):
    """An enterprise by its USCC."""

    uscc: Uscc
    name: Text | None = None
    region: Region | None = None
    former_names: list[Text] | None = None


class Approval(Strict):
    """An approval, verification or filing."""

    id: Text
    kind: Literal["approval", "verification", "filing"]
    issued: Day
    expires: Day | None = None
    revoked: Day | None = None
    capacities: list[Capacity] | None = None


class Disposition(Strict):
    """What became of a project that broke the rules."""

    kind: Literal["forbid_start", "halt", "recognise", "not_recognise", "concealed"]
    decided: Day | None = None
    published: Day | None = None


class Unit(Strict):
    """A unit of a replacement plan."""

    id: Text
    product: Text | None = None
    amount: Amount | None = None
    retired: Day | None = None


class Plan(Strict):
    """A replacement plan."""

    id: Text
    confirmed: Day | None = None
    announced: Day | None = None
    published: Day | None = None
    listed: Day | None = None
    units: list[Unit] | None = None


class Project(Strict):
    """A project as the register has it."""

    code: Code | None = None
    name: Text | None = None
    owner: Uscc | None = None
    sector: Sector | None = None
    region: Region | None = None
    nature: Nature | None = None
    capacities: list[Capacity] | None = None
    approvals: list[Approval] | None = None
    dispositions: list[Disposition] | None = None
    replacement_plans: list[Plan] | None = None


class Equipment(Strict):
    """A furnace, kiln or pot line."""

    id: Text
    enterprise: Uscc | None = None
    project: Code | None = None
    class_: Text | None = Field(default=None, alias="class")
    size: Amount | None = None
    unit: Text | None = None
    commissioned: Day | None = None
    dismantled: Day | None = None
    last_ran: Day | None = None
    traits: list[Text] | None = None


class Elimination(Strict):
    """A duty to eliminate."""

    enterprise: Uscc | None = None
    equipment: Text | None = None
    deadline: Day | None = None
    cured: Day | None = None


class Restriction(Strict):
    """A region in which approvals are suspended."""

    region: Region
    from_: Day | None = Field(default=None, alias="from")
    until: Day | None = None


class Order(Strict):
    """An order to close, or to stop for pollution."""

    id: Text
    enterprise: Uscc
    equipment: Text | None = None
    kind: Literal["close", "stop"]
    ordered: Day | None = None
    due: Day | None = None
    ended: Day | None = None
    last_ran: Day | None = None


class Rectification(Strict):
    """A province's plan for capacity built against the rules."""

    id: Text
    project: Code | None = None
    region: Region | None = None
    decided: Day | None = None
    published: Day | None = None
    filed: Day | None = None


class Record(Strict):
    """What an agency reported."""

    id: Text
    act: Act
    on: Day
    project_code: Code | None = None
    party: Uscc | None = None
    party_name: Text | None = None
    project_name: Text | None = None
    region: Region | None = None
    industry: IndustryCode | None = None
    stated_capacity: list[Capacity] | None = None
    kind: Text | None = None
    months: Months | None = None
    price: Decimal | None = None
    base_price: Decimal | None = None
    benchmark_price: Decimal | None = None
    subsidy: Decimal | None = None
    kwh_per_tonne: Decimal | None = None
    meets_norm: bool | None = None
    received: Day | None = None
    revoked: Day | None = None
    expires: Day | None = None


class Expected(Strict):
    """A finding that must come out."""

    rule: RuleId
    subject: Text
    reasons: list[Text] | None = None


class Scenario(Strict):
    """One small world, the day it is judged on, and what must come out."""

    scenario: Text
    as_of: Day
    known_at: Day | None = None
    enterprises: list[Enterprise] | None = None
    projects: list[Project] | None = None
    equipment: list[Equipment] | None = None
    eliminations: list[Elimination] | None = None
    restrictions: list[Restriction] | None = None
    orders: list[Order] | None = None
    rectifications: list[Rectification] | None = None
    records: list[Record] | None = None
    expect: list[Expected] | None = None
    expect_only: list[RuleId] | None = None

    @property
    def compared(self) -> frozenset[str]:
        """The rules whose findings are compared: all, or those of `expect_only`."""
        return frozenset(known_rules() if self.expect_only is None else self.expect_only)

    @property
    def wanted(self) -> dict[tuple[str, str], frozenset[str] | None]:
        """What must come out of the compared rules: reasons by rule and subject, None where any reasons do."""
        return {
            (one.rule, one.subject): None if one.reasons is None else frozenset(one.reasons)
            for one in self.expect or ()
            if one.rule in self.compared
        }


_FILE: Final = TypeAdapter(list[Scenario])


def read_scenarios(path: Path) -> list[Scenario]:
    """Read one scenario file; raises BadFile with file, line and field of the first thing that is not valid."""
    document = read_document(path)
    if not isinstance(document.content, list) or not document.content:
        raise BadFile("A scenario file is a list of scenarios.", where=f"{path}, line 1")
    scenarios = read_as(document, document.content, _FILE)
    for number, scenario in enumerate(scenarios):
        _check_references(document, number, scenario)
    return scenarios


def _check_references(document: Document, number: int, scenario: Scenario) -> None:
    """What one place names another must hold, and nothing may have two meanings."""
    subjects = _once(
        document,
        [
            *((("records", at, "id"), one.id) for at, one in enumerate(scenario.records or ())),
            *(
                (("projects", of, "approvals", at, "id"), one.id)
                for of, project in enumerate(scenario.projects or ())
                for at, one in enumerate(project.approvals or ())
            ),
            *(
                (("projects", of, "replacement_plans", at, "id"), one.id)
                for of, project in enumerate(scenario.projects or ())
                for at, one in enumerate(project.replacement_plans or ())
            ),
            *((("equipment", at, "id"), one.id) for at, one in enumerate(scenario.equipment or ())),
            *((("orders", at, "id"), one.id) for at, one in enumerate(scenario.orders or ())),
            *((("rectifications", at, "id"), one.id) for at, one in enumerate(scenario.rectifications or ())),
        ],
        number,
    )
    # What is found of a project or an enterprise as a whole is named by its code.
    subjects |= {one.code for one in scenario.projects or () if one.code}
    subjects |= {one.uscc for one in scenario.enterprises or ()}
    _once(
        document, [(("enterprises", at, "uscc"), one.uscc) for at, one in enumerate(scenario.enterprises or ())], number
    )
    _once(
        document,
        [(("projects", at, "code"), one.code) for at, one in enumerate(scenario.projects or ()) if one.code],
        number,
    )
    seen: set[tuple[str, str]] = set()
    for at, expected in enumerate(scenario.expect or ()):
        place = (number, "expect", at)
        if expected.subject not in subjects:
            raise document.refuse((*place, "subject"), f"nothing in this scenario has the id “{expected.subject}”.")
        if (expected.rule, expected.subject) in seen:
            raise document.refuse(place, "this finding is expected twice.")
        seen.add((expected.rule, expected.subject))


def _once(document: Document, named: Iterable[tuple[Place, str]], number: int) -> set[str]:
    seen: set[str] = set()
    for place, name in named:
        if name in seen:
            raise document.refuse((number, *place), f"“{name}” stands twice.")
        seen.add(name)
    return seen
