"""What may be told of dispositions, plans, eliminations, orders, restrictions and equipment: strict models."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from registry.import_items import Amount, Day, Item, Reference, RegionCode, Text, Word

DispositionKind = Literal["forbid_start", "halt", "recognise", "not_recognise", "concealed"]
OrderKind = Literal["close", "stop"]


def _plain(value: object) -> object:
    """A word as the register writes it: `Stamp-charged` is `stamp_charged`."""
    return "_".join(value.lower().replace("-", " ").split()) if isinstance(value, str) else value


PlainWord = Annotated[Word, BeforeValidator(_plain)]


class LawFactItem(Item):
    """What every such fact has: its own key, who decided under which number, and where it was read.

    `withdrawn` takes back what should never have been registered; `known_from` is the day on which the register learnt
    of a fact that is new to it, where that was earlier.
    """

    reference: Reference
    number: Text = ""
    authority: Text = ""
    synthetic: bool = False
    withdrawn: bool = False
    source: Reference | None = None
    known_from: Day | None = None


class DispositionItem(LawFactItem):
    """What became of a project that broke the rules; `project` is its reference or its code."""

    project: Reference
    kind: DispositionKind
    decided: Day | None = None
    published: Day | None = None


class RectificationItem(LawFactItem):
    """A province's plan for capacity built against the rules: of one project, or of a region."""

    project: Reference | None = None
    region: RegionCode | None = None
    decided: Day | None = None
    published: Day | None = None
    filed: Day | None = None

    @model_validator(mode="after")
    def _of_something(self) -> "RectificationItem":
        _name_one(self.project or self.region, "project", "项目或地区", "a project nor a region")
        return self


class PlanUnitItem(Item):
    """One unit that a plan retires."""

    reference: Reference
    product: Word | None = None
    amount: Amount | None = None
    unit: Text = ""
    retired: Day | None = None
    synthetic: bool = False


class PlanItem(LawFactItem):
    """A replacement plan of a project; units given are the whole, units left out stay as they are."""

    project: Reference
    published: Day | None = None
    confirmed: Day | None = None
    announced: Day | None = None
    listed: Day | None = None
    units: list[PlanUnitItem] | None = None


class EliminationItem(LawFactItem):
    """A duty to eliminate: of an enterprise (its reference or USCC), of one unit, or of both."""

    enterprise: Reference | None = None
    equipment_reference: Reference | None = Field(default=None, alias="equipment")
    deadline: Day | None = None
    cured: Day | None = None

    @model_validator(mode="after")
    def _of_something(self) -> "EliminationItem":
        _name_one(self.enterprise or self.equipment_reference, "enterprise", "企业或设备", "an enterprise nor a unit")
        return self


class OrderItem(LawFactItem):
    """An order to an enterprise to close, or to stop for pollution."""

    enterprise: Reference
    equipment_reference: Reference | None = Field(default=None, alias="equipment")
    kind: OrderKind
    ordered: Day | None = None
    due: Day | None = None
    ended: Day | None = None
    last_ran: Day | None = None


class RestrictionItem(LawFactItem):
    """Days on which a region may be given no EIA and no approval; both days are included."""

    region: RegionCode
    since: Day | None = Field(default=None, alias="from")
    until: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "RestrictionItem":
        if self.since is not None and self.until is not None and self.until < self.since:
            zh, en = f"止日 {self.until} 早于起日 {self.since}。", f"until {self.until} is before from {self.since}."
            remedy = {"remedy_zh": "请核对日期。", "remedy_en": "Check the dates."}
            raise PydanticCustomError("order", "{en}", {"zh": zh, "en": en, "column": "until", **remedy})
        return self


class UnitItem(LawFactItem):
    """A furnace, kiln, pot line or slip of an enterprise or a project."""

    enterprise: Reference | None = None
    project: Reference | None = None
    equipment_class: PlainWord | Literal[""] = Field(default="", alias="class")
    size: Amount | None = None
    unit: Text = ""
    commissioned: Day | None = None
    dismantled: Day | None = None
    last_ran: Day | None = None
    traits: list[PlainWord] = Field(default_factory=list)


def _name_one(named: str | None, column: str, zh: str, en: str) -> None:
    if not named:
        context = {"zh": f"没有写明{zh}。", "en": f"It names neither {en}.", "column": column}
        remedy = {"remedy_zh": f"请填写{zh}。", "remedy_en": f"Name {en.replace(' nor ', ' or ')}."}
        raise PydanticCustomError("nothing_named", "{en}", {**context, **remedy})
