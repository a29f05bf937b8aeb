"""What may be asked at the gate: an intended act, the project and the party it is for."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, JsonValue, PlainSerializer, model_validator
from pydantic_core import PydanticCustomError

from registry.acts import LANE_OF_ACT, Lane
from registry.gates import ACT_OF_GATE
from registry.import_items import Amount as AnyAmount
from registry.import_items import (
    CapacityItem,
    Code,
    Day,
    EnterpriseCode,
    Item,
    Name,
    Reference,
    Sector,
    Text,
    Word,
)

GateAct = Literal[
    "land_grant",
    "land_pre_review",
    "sea_area_grant",
    "shoreline_grant",
    "eia_approval",
    "energy_assessment",
    "discharge_permit",
    "production_licence",
    "safety_permit",
    "loan",
    "disbursement",
    "bond",
    "listing",
]
GateLane = Literal["land", "environment", "credit", "quality"]
# Without an exponent, which a sum from the database may have.
Plain = PlainSerializer(lambda value: f"{value:f}", return_type=str, when_used="json-unless-none")
Amount = Annotated[AnyAmount, Plain]
GATE_ACTS: Final[tuple[GateAct, ...]] = GateAct.__args__  # type: ignore[attr-defined]  # typing's own tuple
GATE_LANES: Final[tuple[GateLane, ...]] = GateLane.__args__  # type: ignore[attr-defined]  # typing's own tuple


def _refused(kind: str, zh: str, en: str, remedy_zh: str, remedy_en: str, column: str) -> PydanticCustomError:
    context = {"zh": zh, "en": en, "remedy_zh": remedy_zh, "remedy_en": remedy_en, "column": column}
    return PydanticCustomError(kind, "{en}", context)


class AskedProject(Item):
    """The project: its code, or a description by name, place and product."""

    code: Code | None = None
    name: Name | None = None
    place: Text = Field(default="", description="Region code, or the names of province, city and county")
    product: Word | None = None
    sector: Sector | None = None
    industry: Annotated[str, Field(pattern=r"^\d{4}$")] | None = Field(default=None, description="GB/T 4754 class")

    @model_validator(mode="after")
    def _named(self) -> "AskedProject":
        if self.code is None and self.name is None:
            raise _refused(
                "project_not_named",
                "没有写明是哪个项目。",
                "It does not say which project.",
                "请填写项目代码，或填写项目名称和建设地点。",
                "Give its code, or its name and place.",
                "code",
            )
        return self


class AskedParty(Item):
    """Who is to get it: by unified social credit code, by name, or both."""

    uscc: EnterpriseCode | None = None
    name: Name | None = None

    @model_validator(mode="after")
    def _named(self) -> "AskedParty":
        if self.uscc is None and self.name is None:
            raise _refused(
                "party_not_named",
                "没有写明是哪个单位。",
                "It does not say which enterprise.",
                "请填写统一社会信用代码或单位名称。",
                "Give its USCC or its name.",
                "uscc",
            )
        return self


EXAMPLES: Final[list[JsonValue]] = [
    {
        "act": "loan",
        "kind": "construction",
        "amount": "500000000",
        "months": 60,
        "project": {"code": "2017-440300-32-03-100123"},
        "party": {"name": "示例钢铁有限公司"},
        "reference": "LN-2026-0001",
    },
    {
        "lane": "land",
        "area_hectares": "12.5",
        "project": {"name": "示例钢铁有限公司年产100万吨炼钢项目", "place": "河北省唐山市", "product": "crude_steel"},
        "party": {"name": "示例钢铁有限公司"},
    },
]


class Question(Item):
    """An intended act. `act` alone says enough; with `lane` alone the act that stands for the lane is meant."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": EXAMPLES})

    lane: GateLane | None = None
    act: GateAct | None = None
    kind: Word | None = Field(default=None, description="Of a loan: construction, working_capital, merger …")
    on: Day | None = Field(default=None, description="The day on which it is intended; today when left out")
    project: AskedProject
    party: AskedParty | None = None
    amount: Amount | None = Field(default=None, description="Yuan")
    area_hectares: Amount | None = None
    capacities: Annotated[list[CapacityItem], Field(max_length=20, default_factory=list)]
    months: Annotated[int, Field(ge=1, le=1200)] | None = Field(default=None, description="Term of a loan")
    reference: Reference | None = Field(
        default=None, description="Your own number of the case; it stands on the receipt"
    )

    @model_validator(mode="after")
    def _one_act(self) -> "Question":
        if self.act is None and self.lane is None:
            raise _refused(
                "act_not_named",
                "没有写明拟办理的行为。",
                "It does not say which act is intended.",
                "请填写行为（如 land_grant）或环节（如 land）。",
                "Give the act, such as land_grant, or the lane, such as land.",
                "act",
            )
        if self.act is not None and self.lane is not None and LANE_OF_ACT[self.act] != self.lane:
            raise _refused(
                "act_of_other_lane",
                "行为不属于所填的环节。",
                "The act does not belong to the lane given.",
                "请删去环节，或改正其一。",
                "Leave out the lane, or correct one of the two.",
                "lane",
            )
        return self

    @property
    def intended_act(self) -> str:
        """The act that is judged."""
        return self.act or _ACT_OF_LANE[self.lane or "land"]

    @property
    def intended_kind(self) -> str | None:
        """Its kind: money lent is meant for building unless said otherwise."""
        if self.kind is not None:
            return self.kind
        return "construction" if self.intended_act == "loan" else None

    @property
    def intended_lane(self) -> Lane:
        """The lane of the act."""
        return LANE_OF_ACT[self.intended_act]


_ACT_OF_LANE: Final[dict[Lane, str]] = {lane: of["act"] for lane, of in ACT_OF_GATE.items()} | {
    "quality": "production_licence"
}


def intended(number: int, question: Question, day: date, found: dict[str, Any]) -> dict[str, Any]:
    """The question as a row of the fact `intended_acts`; `found` is what is known of project and party."""
    capacities = [one.model_dump(mode="json", exclude_defaults=True) for one in question.capacities]
    amount: Decimal | None = question.amount
    return {
        "record_id": number,
        "act": question.intended_act,
        "acted_on": day,
        "kind": question.intended_kind,
        "months": question.months,
        "project_code": question.project.code,
        "party_uscc": question.party.uscc if question.party else None,
        "industry": question.project.industry,
        "industry_edition": "2017" if question.project.industry else None,
        "amount": None if amount is None else str(amount),
        "area_hectares": None if question.area_hectares is None else str(question.area_hectares),
        "stated_capacity": capacities or None,
        **found,
    }
