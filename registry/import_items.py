"""What may be registered: strict models of enterprises, projects, notices and sources."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from registry.identifiers import BadIdentifier, Parsed, industry, project_code, region, uscc

Sector = Literal["steel", "cement", "aluminium", "glass", "ships", "other"]
Nature = Literal["new_build", "expansion", "renovation", "relocation"]
Stage = Literal["announced", "construction", "operating", "pre_retirement", "mothballed", "retired", "cancelled"]
ApprovalKind = Literal["approval", "verification", "filing"]

PRODUCTS: Final = frozenset(
    {"crude_steel", "pig_iron", "rolled_steel", "clinker", "cement", "aluminium", "flat_glass", "ships"}
)
EARLIEST: Final = date(1900, 1, 1)
LATEST: Final = date(2100, 12, 31)


def _identifier(module: Any) -> Any:
    """A validator that brings an identifier to its normal form and says in both languages why it cannot."""

    def check(value: str) -> str:
        try:
            parsed: Parsed = module.parse(value)
        except BadIdentifier as error:
            (zh, remedy_zh), (en, remedy_en) = error.say("zh"), error.say("en")
            context = {"zh": zh, "en": en, "remedy_zh": remedy_zh, "remedy_en": remedy_en}
            raise PydanticCustomError("identifier", "{en}", context) from None
        return parsed.value

    return AfterValidator(check)


def _storable(value: str) -> str:
    if "\x00" in value or any(0xD800 <= ord(character) <= 0xDFFF for character in value):
        raise PydanticCustomError(
            "characters",
            "The text holds characters that no register can keep.",
            {"zh": "内容含有无法保存的字符。", "en": "The text holds characters that no register can keep."},
        )
    return value


def _plausible(value: date) -> date:
    if not EARLIEST <= value <= LATEST:
        context = {"zh": f"日期 {value} 不合理。", "en": f"The date {value} is not plausible."}
        raise PydanticCustomError(
            "plausible_date", "{en}", {**context, "remedy_zh": "请核对年份。", "remedy_en": "Check the year."}
        )
    return value


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000), AfterValidator(_storable)]
Name = Annotated[Text, StringConstraints(min_length=1, max_length=500)]
Reference = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[a-z][a-z0-9_]{0,60}$")]
Day = Annotated[date, AfterValidator(_plausible)]
Amount = Annotated[Decimal, Field(ge=0, max_digits=24, decimal_places=6, allow_inf_nan=False)]
Code = Annotated[Text, _identifier(project_code)]
EnterpriseCode = Annotated[Text, _identifier(uscc)]
RegionCode = Annotated[Text, _identifier(region)]


class Item(BaseModel):
    """Base: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NameItem(Item):
    """Another name of an enterprise; `from` and `to` are the days it bore it."""

    name: Name
    kind: Literal["registered", "former", "short", "english", "other"] = "other"
    held_from: Day | None = Field(default=None, alias="from")
    held_to: Day | None = Field(default=None, alias="to")


class OwnerItem(Item):
    """Who owns or controls an enterprise."""

    reference: Reference | None = None
    name: Name
    share: Annotated[Decimal, Field(ge=0, le=100)] | None = None
    kind: Literal["owner", "parent", "branch_of"] = "owner"


class ProductionItem(Item):
    """What was made in a year."""

    year: Annotated[int, Field(ge=1900, le=2100)]
    product: Word
    amount: Amount
    unit: Name


class EnterpriseItem(Item):
    """An enterprise as it is registered; a list left out stays as it is, a list given is the whole."""

    reference: Reference
    uscc: EnterpriseCode | None = None
    name: Name
    name_en: Text = ""
    region: RegionCode | None = None
    address: Text = ""
    held_from: Day | None = None
    names: list[NameItem] | None = None
    owners: list[OwnerItem] | None = None
    production: list[ProductionItem] | None = None
    invented: bool = False
    synthetic_fields: list[Word] = []
    source: Reference | None = None


class CapacityItem(Item):
    """How much of which product."""

    product: Word
    amount: Amount
    unit: Name
    process: Text = ""


class ApprovalItem(Item):
    """An approval, verification or filing; `known_from`: the day the register learnt of it, where that was earlier."""

    reference: Reference
    kind: ApprovalKind
    number: Text = ""
    authority: Text = ""
    issued: Day
    expires: Day | None = None
    revoked: Day | None = None
    revoked_reason: Text = ""
    capacities: list[CapacityItem] | None = None
    synthetic: bool = False
    known_from: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "ApprovalItem":
        for field in ("expires", "revoked"):
            value = getattr(self, field)
            if value is not None and value < self.issued:
                zh = {"expires": "有效期届满日", "revoked": "撤销日"}[field] + f" {value} 早于签发日 {self.issued}。"
                en = f"{field} {value} is before issued {self.issued}."
                context = {"zh": zh, "en": en, "remedy_zh": "请核对日期。", "remedy_en": "Check the dates."}
                raise PydanticCustomError("order", "{en}", context)
        return self


class EquipmentItem(Item):
    """A furnace, kiln, pot line or slip."""

    reference: Reference
    equipment_class: Word = Field(alias="class")
    size: Amount | None = None
    unit: Text = ""
    commissioned: Day | None = None
    dismantled: Day | None = None
    last_ran: Day | None = None
    traits: list[Word] = []
    synthetic: bool = False


class SiteItem(Item):
    """The plant a project stands on."""

    name: Name
    reference: Reference


class ProjectItem(Item):
    """A project as it is registered; a list left out stays as it is.

    Capacity lines and earlier codes given are the whole; approvals and equipment are added and changed by their
    reference, and never go by being left out: an approval ends by its day of revocation.
    """

    reference: Reference
    code: Code | None = None
    earlier_codes: list[Code] | None = None
    name: Name
    name_en: Text = ""
    owner: Reference | None = None
    owner_uscc: EnterpriseCode | None = None
    owner_name: Name | None = None
    sector: Sector
    industry: Text | None = None
    industry_edition: Text | None = None
    region: RegionCode
    address: Text = ""
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    nature: Nature
    asks_land: bool | None = None
    stage: Stage
    held_from: Day | None = None
    site: SiteItem | None = None
    capacities: list[CapacityItem] | None = None
    approvals: list[ApprovalItem] | None = None
    equipment: list[EquipmentItem] | None = None
    invented: bool = False
    synthetic_fields: list[Word] = []
    source: Reference | None = None

    @model_validator(mode="before")
    @classmethod
    def _reference_from_code(cls, data: Any) -> Any:
        """A project with a code needs no other key."""
        if isinstance(data, dict) and not data.get("reference") and data.get("code"):
            try:
                return {**data, "reference": f"code:{project_code.parse(str(data['code'])).value}"}
            except BadIdentifier:
                return {**data, "reference": "code:?"}  # the code's own error says what is wrong
        return data

    @model_validator(mode="after")
    def _has_owner(self) -> "ProjectItem":
        if not (self.owner or self.owner_uscc or self.owner_name):
            context = {
                "zh": "没有项目单位。",
                "en": "The project has no owner.",
                "remedy_zh": "请填写项目单位名称或统一社会信用代码。",
                "remedy_en": "Give owner_name or owner_uscc.",
            }
            raise PydanticCustomError("owner_missing", "{en}", {**context, "column": "owner"})
        if self.industry is not None:
            try:
                industry.parse(self.industry, self.industry_edition)
            except BadIdentifier as error:
                (zh, remedy_zh), (en, remedy_en) = error.say("zh"), error.say("en")
                column = "industry_edition" if error.code == "industry-edition" else "industry"
                context = {"zh": zh, "en": en, "remedy_zh": remedy_zh, "remedy_en": remedy_en, "column": column}
                raise PydanticCustomError("identifier", "{en}", context) from None
        return self


class NoticeUnitItem(Item):
    """One unit or company that a notice names."""

    role: Literal["build", "exit", "seller", "buyer", "named"]
    enterprise_name: Name
    enterprise_reference: Reference | None = None
    place: Text = ""
    equipment: Text = ""
    size: Amount | None = None
    size_unit: Text = ""
    count: Annotated[int, Field(ge=0, le=100_000)] | None = None
    capacity: Amount | None = None
    capacity_unit: Text = ""
    ratio: Text = ""
    note: Text = ""

    @model_validator(mode="before")
    @classmethod
    def _amount_with_unit(cls, data: Any) -> Any:
        """Notices are transcribed as they read: 500万吨 is 500 of the unit 万吨."""
        if isinstance(data, dict) and not data.get("capacity_unit") and isinstance(data.get("capacity"), str):
            match = re.fullmatch(r"([0-9.]+)\s*(\D+)", data["capacity"].strip())
            if match:
                return {**data, "capacity": match[1], "capacity_unit": match[2]}
        return data


class NoticeItem(Item):
    """A public notice or a reported violation, as it was read at its address."""

    reference: Reference
    kind: Word
    sector: Sector = "other"
    lane: Word | None = None
    violation_type: Text = ""
    date: Day | None = None
    date_text: Text = ""
    issuer: Text = ""
    title: Name
    url: Annotated[str, StringConstraints(max_length=2000, pattern=r"^(https?://\S+)?$")] = ""
    unverified: bool = True
    needs_review: Text = ""
    source: Reference
    items: list[NoticeUnitItem] = []


class SourceItem(Item):
    """Where facts come from."""

    id: Reference
    title: Name
    citation: Text = ""
    licence: Text = ""
    url: Text = ""
    synthetic: bool = False
    unverified: bool = False
