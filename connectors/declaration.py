"""The parts of an agency.yml as models: unknown keys are errors, and so is everything that contradicts itself."""

import re
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from connectors.values import CAPACITY_UNITS, IDENTIFIERS, UNITS
from registry.acts import LANE_OF_ACT
from registry.record_fields import RECORD_FIELDS

_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_DURATION: Final = re.compile(r"(\d+)\s*(second|minute|hour|day)s?")


class Part(BaseModel):
    """Base of every part: frozen, and nothing but what is declared here."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def _variable(value: Any) -> Any:
    if not isinstance(value, str) or _VARIABLE.fullmatch(value) is None:
        raise ValueError("must be the NAME of an environment variable, never the secret itself")
    return value


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a duration such as '90 minutes' or '3 days'")
    return timedelta(**{match.group(2) + "s": int(match.group(1))})


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Variable = Annotated[str, BeforeValidator(_variable)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]


class Names(Part):
    """A name in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Authentication(Part):
    """How the agency knows us. Secrets are named by environment variable and never stand in the file."""

    kind: Literal["none", "api_key", "basic", "token"] = "none"
    header: str | None = None  # api_key: the header that carries the key
    parameter: str | None = None  # api_key: or the query parameter
    secret: Variable | None = None  # api_key: the key; basic: the password; token: the client's secret
    user: Variable | None = None  # basic: the user; token: the client's id
    path: str | None = None  # token: the address of the token endpoint below the agency's address
    token: str = "access_token"  # noqa: S105 - token: where it stands in the answer
    lifetime: str = "expires_in"  # token: where its lifetime in seconds stands
    body: dict[str, str] = Field(default_factory=lambda: {"grant_type": "client_credentials"})
    user_field: str = "client_id"
    secret_field: str = "client_secret"  # noqa: S105 - the name of a field

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {
            "none": (),
            "api_key": ("secret",),
            "basic": ("user", "secret"),
            "token": ("user", "secret", "path"),
        }
        missing = [name for name in needed[self.kind] if getattr(self, name) is None]
        if missing:
            raise ValueError(f"authentication of kind {self.kind} also needs: {', '.join(missing)}")
        if self.kind == "api_key" and (self.header is None) == (self.parameter is None):
            raise ValueError("an api_key goes into either a header or a parameter: give one of the two")
        return self


class Since(Part):
    """The parameter that asks only for what was modified since an instant."""

    parameter: str
    format: str = "iso"  # iso, epoch_seconds, epoch_milliseconds or a strftime pattern (in the agency's time zone)
    overlap: Duration = timedelta(hours=1)  # asked again, for agencies whose stamps arrive late


class Listing(Part):
    """Names of the parts of one item in a listing of files."""

    entries: str  # path of the list in the JSON answer
    name: str
    address: str | None = None  # path of the file below the agency's address; the listing's path + name where absent
    modified: str | None = None
    rows: str | None = None
    bytes: str | None = None
    sha256: str | None = None


class Paging(Part):
    """How an answer that is too long for one page goes on."""

    kind: Literal["none", "cursor", "page", "listing"] = "none"
    parameter: str | None = None  # cursor, page
    size_parameter: str | None = None
    size: int = Field(default=1000, ge=1, le=50_000)  # entries asked for, or rows of a file stored at once
    next: str | None = None  # cursor: path of the next cursor; empty or absent on the last page
    total: str | None = None  # path of the number of entries (listing: of files) that the whole answer has
    echo: str | None = None  # page: path of the page's own number
    first: int = 1  # page: the first number; 0 with `step: <size>` where the agency counts entries
    step: int = Field(default=1, ge=1)
    listing: Listing | None = None
    expired_status: int | None = None  # the status by which the agency says that a cursor is too old

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {"none": (), "cursor": ("parameter", "next"), "page": ("parameter",), "listing": ("listing",)}
        missing = [name for name in needed[self.kind] if getattr(self, name) is None]
        if missing:
            raise ValueError(f"paging of kind {self.kind} also needs: {', '.join(missing)}")
        return self


class Format(Part):
    """What an answer is."""

    kind: Literal["json", "xml", "csv"]
    entries: str = ""  # json: path of the list, such as data.list; xml: path of the elements, such as 数据/记录
    encoding: str = "utf-8-sig"  # csv
    delimiter: str = Field(default=",", min_length=1, max_length=1)  # csv
    gzip: bool = False  # csv files that are gzip files themselves

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind == "xml" and not self.entries:
            raise ValueError("format xml needs entries: the path of the record elements below the root, such as 记录")
        try:
            "".encode(self.encoding)
        except LookupError:
            raise ValueError(f"no encoding is called {self.encoding}; try utf-8-sig or gb18030") from None
        return self


class CapacityMap(Part):
    """How the agency states capacities: a list of parts with names, or one text."""

    product: str = "product"
    amount: str = "amount"
    unit: str = "unit"
    process: str = "process"  # may be absent; kept in the agency's words, or as `processes` says
    items: str | None = None  # the name of the repeated element inside, where there is one
    between: str | None = None  # one text: what stands between two capacities, such as ；
    within: str | None = None  # one text: what stands between product, amount, unit and, where there is one, process
    products: dict[str, str] = Field(default_factory=dict)
    units: dict[str, str] = Field(default_factory=dict)
    processes: dict[str, str] = Field(default_factory=dict)

    @field_validator("units")
    @classmethod
    def _units_are_known(cls, value: dict[str, str]) -> dict[str, str]:
        for theirs, ours in value.items():
            if ours not in CAPACITY_UNITS:
                raise ValueError(f"{theirs}: no capacity unit is called {ours}; known: {', '.join(CAPACITY_UNITS)}")
        return value

    @model_validator(mode="after")
    def _text_is_whole(self) -> Self:
        if (self.between is None) != (self.within is None):
            raise ValueError("capacities in one text need both `between` and `within`")
        return self


class FieldMap(Part):
    """What one field of the agency becomes. In its short form only the target: `srDw: party_name`."""

    to: Annotated[list[str], BeforeValidator(_several)] = Field(min_length=1)
    type: Literal["text", "number", "integer", "date", "instant", "boolean", "object"] | None = None
    unit: str | None = None
    formats: Annotated[list[str], BeforeValidator(_several)] = Field(default_factory=list)
    categories: dict[str, str | bool] = Field(default_factory=dict)
    otherwise: str | None = None  # what a category becomes that is not in the list; without it the record is rejected
    identifier: str | dict[str, str] | None = None  # which kind of number it is, for all acts or by act
    capacities: CapacityMap | None = None

    @field_validator("to")
    @classmethod
    def _targets_exist(cls, value: list[str]) -> list[str]:
        for target in value:
            if target not in RECORD_FIELDS and target.partition(".")[0] != "details":
                raise ValueError(
                    f"no record field is called {target}; use one of {', '.join(RECORD_FIELDS)} or details.NAME"
                )
        return value

    @field_validator("identifier")
    @classmethod
    def _identifiers_exist(cls, value: str | dict[str, str] | None) -> str | dict[str, str] | None:
        by_act = value if isinstance(value, dict) else {}
        for act in by_act:
            if act not in LANE_OF_ACT:
                raise ValueError(f"no act is called {act}; known: {', '.join(LANE_OF_ACT)}")
        for kind in by_act.values() if by_act else [value] if isinstance(value, str) else []:
            if kind not in IDENTIFIERS:
                raise ValueError(f"no identifier is called {kind}; known: {', '.join(IDENTIFIERS)}")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for target in self.to:
            if target in UNITS:
                if self.unit not in UNITS[target]:
                    raise ValueError(f"{target} needs a unit: one of {', '.join(UNITS[target])}")
            elif self.unit is not None:
                raise ValueError(f"a unit means nothing for {target}; units belong to {', '.join(UNITS)}")
            if target == "stated_capacity" and self.capacities is None:
                raise ValueError("stated_capacity needs `capacities`: the names of product, amount and unit")
            if target == "act" and not self.categories:
                raise ValueError("act needs `categories`: which words of the agency are which act")
            if target == "details" and self.type != "object":
                raise ValueError("only a field of type object can go to details as a whole; else use details.NAME")
            if target == "act":
                wrong = [
                    str(act) for act in [*self.categories.values(), self.otherwise] if act and act not in LANE_OF_ACT
                ]
                if wrong:
                    raise ValueError(f"no act is called {', '.join(wrong)}; known: {', '.join(LANE_OF_ACT)}")
            if RECORD_FIELDS.get(target) == "boolean" and not self.categories:
                raise ValueError(f"{target} needs `categories`: which words mean true and which false")
        return self


class Bounds(Part):
    """Outside these a run is held for a person."""

    minimum_records: int = Field(default=0, ge=0)  # of a full pull
    maximum_shrink_percent: float = Field(default=5, ge=0, le=100)  # a full pull against what is stored
    maximum_rejected_percent: float = Field(default=5, ge=0, le=100)
    lag_allowed: Duration = timedelta(days=3)  # the newest record may be this old before the status page warns

    def problem(self, *, received: int, rejected: int, stored: int, full: bool) -> str | None:
        """Why a run that received (and of it rejected) so many, with so many stored before, has to be held; or None."""
        if full and received < self.minimum_records:
            return f"received {received} records; the agency.yml expects at least {self.minimum_records}"
        if full and stored and received < stored * (1 - self.maximum_shrink_percent / 100):
            return (
                f"received {received} records where {stored} are stored: "
                f"it shrank by more than {self.maximum_shrink_percent:g} %"
            )
        # A handful of bad records in a small run is no sign of a broken feed.
        if rejected > 5 and rejected > received * self.maximum_rejected_percent / 100:
            return f"{rejected} of {received} records were rejected: more than {self.maximum_rejected_percent:g} %"
        return None


class Limits(Part):
    """Time and size that one page may cost, retries included."""

    connect_seconds: float = Field(default=5, gt=0, le=60)
    silence_seconds: float = Field(default=10, gt=0, le=300)  # without a byte
    page_seconds: float = Field(default=30, gt=0, le=3600)
    received_bytes: int = Field(default=32 * 2**20, ge=1024, le=2**30)
    unpacked_bytes: int = Field(default=64 * 2**20, ge=1024, le=2**31)
    entry_bytes: int = Field(default=2**20, ge=1024, le=2**26)
    attempts: int = Field(default=4, ge=1, le=10)
    first_wait_seconds: float = Field(default=0.5, ge=0, le=60)
    longest_wait_seconds: float = Field(default=8, ge=0, le=600)  # also of what Retry-After asks for
