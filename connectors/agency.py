"""An agency: everything its folder says, validated, with its mapping compiled; and the loading of all folders."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Self
from zoneinfo import ZoneInfo

import orjson
import yaml
from apscheduler.triggers.cron import CronTrigger
from pydantic import BeforeValidator, Field, PrivateAttr, ValidationError, field_validator, model_validator

from connectors.declaration import Authentication, Bounds, FieldMap, Format, Limits, Names, Paging, Part, Since
from connectors.errors import BadAgency
from connectors.interpret import Interpreter, Row, compile_interpreter, interpret
from connectors.values import BadValue, Reader, instant_reader
from registry.acts import LANE_OF_ACT, Lane
from registry.clock import CIVIL_ZONE
from registry.record_fields import RECORD_FIELDS

SHIPPED: Final = Path(__file__).parent / "agencies"
FILE_NAME: Final = "agency.yml"
_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


def _mapped(value: Any) -> Any:
    """The short form `field: target` is `field: {to: target}`."""
    if not isinstance(value, dict):
        return value
    return {name: {"to": what} if isinstance(what, (str, list)) else what for name, what in value.items()}


class Agency(Part):
    """One feed of one agency, as its agency.yml declares it. Docs: docs/connectors.md."""

    id: str
    names: Names
    authority: str  # id of the authority in the register's table of agencies
    lanes: list[Lane] = Field(min_length=1)
    address: str = Field(min_length=1)  # may hold ${VARIABLE}
    egress: list[str] = Field(default_factory=list)  # hosts besides that of the address
    plain_http: bool = False  # http is refused beyond this machine unless this says otherwise
    ca_file: str | None = None  # may hold ${VARIABLE}; the certificate authority of the agency
    path: str = ""
    parameters: dict[str, str] = Field(default_factory=dict)
    authentication: Authentication = Authentication()
    paging: Paging = Paging()
    format: Format
    since: Since | None = None
    time_zone: str = CIVIL_ZONE.key
    absent: Annotated[tuple[str | None, ...], BeforeValidator(lambda value: (None, "", *value))] = (None, "")
    fields: Annotated[dict[str, FieldMap], BeforeValidator(_mapped)] = Field(min_length=1)
    ignored: dict[str, str] = Field(default_factory=dict)  # field -> why it is not kept
    constants: dict[str, Any] = Field(default_factory=dict)
    schedule: str  # cron, in China's time
    bounds: Bounds = Bounds()
    limits: Limits = Limits()

    _folder: Path = PrivateAttr(default=Path())

    @property
    def folder(self) -> Path:
        """The folder the agency was read from."""
        return self._folder

    @field_validator("id")
    @classmethod
    def _id_is_a_name(cls, value: str) -> str:
        if _ID.fullmatch(value) is None:
            raise ValueError("must begin with a small letter and have only small letters, digits and _ (at most 40)")
        return value

    @field_validator("schedule")
    @classmethod
    def _schedule_is_cron(cls, value: str) -> str:
        try:
            CronTrigger.from_crontab(value, timezone=CIVIL_ZONE)
        except ValueError as error:
            raise ValueError(f"must be a cron line such as '30 2 * * *' (every day at 02:30, China): {error}") from None
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError):
            raise ValueError(f"no time zone is called {value}; try Asia/Shanghai") from None
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        targets = [target for field in self.fields.values() for target in field.to]
        twice = {target for target in targets if targets.count(target) > 1} - {"source_key", "details"}
        if twice:
            raise ValueError(f"fields: more than one field goes to {', '.join(sorted(twice))}")
        both = self.ignored.keys() & self.fields.keys()
        if both:
            raise ValueError(f"ignored: {', '.join(sorted(both))} is mapped as well; keep one of the two")
        missing = {"source_key", "act", "acted_on"} - set(targets) - self.constants.keys()
        if missing:
            raise ValueError(f"fields: nothing goes to {', '.join(sorted(missing))}, which every record needs")
        if self.since is not None and "source_modified" not in targets:
            raise ValueError("since: nothing goes to source_modified, so there would be no instant to ask from")
        self._check_acts()
        self._check_constants(targets)
        return self

    def _check_acts(self) -> None:
        acts = {act for field in self.fields.values() if "act" in field.to for act in field.categories.values()}
        if isinstance(self.constants.get("act"), str):
            acts.add(self.constants["act"])
        for act in acts:
            lane = LANE_OF_ACT.get(str(act))
            if lane not in self.lanes:
                raise ValueError(f"lanes: the act {act} belongs to {lane or 'no lane'}, which is not among the lanes")

    def _check_constants(self, targets: list[str]) -> None:
        for target, value in self.constants.items():
            if target in targets:
                raise ValueError(f"constants: a field goes to {target} already")
            if target.startswith("details."):
                continue
            kind = RECORD_FIELDS.get(target)
            if kind not in ("text", "boolean") or not isinstance(value, bool if kind == "boolean" else str):
                raise ValueError(f"constants: {target} cannot be set to {value!r}; only text and true or false can")

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the agency's stamps that say none."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def key_fields(self) -> tuple[str, ...]:
        """The agency's fields that make the key; joined by / where there are several."""
        return tuple(name for name, field in self.fields.items() if "source_key" in field.to)

    @cached_property
    def modified_field(self) -> str | None:
        """The agency's field with its modification stamp."""
        return next((name for name, field in self.fields.items() if "source_modified" in field.to), None)

    @cached_property
    def read_modified(self) -> Reader:
        """The reader of the modification stamp."""
        return instant_reader(self.fields[self.modified_field].formats if self.modified_field else [], self.zone)

    @cached_property
    def known_fields(self) -> frozenset[str]:
        """Every field that is mapped or ignored on purpose."""
        return frozenset(self.fields) | frozenset(self.ignored)

    @cached_property
    def parents(self) -> frozenset[str]:
        """The inner objects that the mapping looks into, such as `a` for `a.b`."""
        return frozenset(
            name[:at] for name in self.known_fields for at, character in enumerate(name) if character == "."
        )

    @cached_property
    def page_interpreter(self) -> Interpreter:
        """The compiled mapping."""
        return compile_interpreter(self)

    def interpreter(self, entry: Mapping[str, Any], raw: bytes) -> Row:
        """One entry by the compiled mapping; raises RecordRejected."""
        return interpret(self, entry, raw)

    @cached_property
    def mapping_version(self) -> str:
        """Changes whenever the same bytes could give another row: part of the content hash of a record."""
        meaning = self.model_dump(
            mode="json", include={"fields", "constants", "time_zone", "absent", "ignored", "format"}
        )
        return hashlib.blake2b(orjson.dumps(meaning, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()


class _StrictLoader(yaml.SafeLoader):
    """YAML where a key that stands twice is an error."""


def _strict_mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in found:
            raise yaml.constructor.ConstructorError(
                "while reading a mapping", node.start_mark, f"the key {key} stands twice", key_node.start_mark
            )
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _strict_mapping)


def read_yaml(file: Path) -> Any:
    """A YAML file in which no key stands twice."""
    try:
        return yaml.load(file.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError:
        raise BadAgency("There is no such file.", where=str(file), remedy="See docs/connectors.md.") from None
    except UnicodeDecodeError:
        raise BadAgency("The file is not UTF-8.", where=str(file), remedy="Save it as UTF-8.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "this is not YAML"
        raise BadAgency(f"{problem}.", where=f"{file}{line}", remedy="Correct the line.") from None


_REMEDIES: Final = {
    "extra_forbidden": "There is no such setting: correct its name or remove it.",
    "missing": "Add it.",
}


def load_agency(folder: Path) -> Agency:
    """The agency of one folder; every error names the file, the field and the remedy."""
    file = folder / FILE_NAME
    content = read_yaml(file)
    if not isinstance(content, Mapping):
        raise BadAgency("The file holds no settings.", where=str(file), remedy="See docs/connectors.md.")
    try:
        agency = Agency.model_validate(dict(content))
    except ValidationError as error:
        problems = error.errors()
        first = problems[0]
        path = " → ".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        remedy = _REMEDIES.get(first["type"], "Correct it; docs/connectors.md lists what it may be.")
        raise BadAgency(f"{message}.{more}", where=f"{file}: {path}" if path else str(file), remedy=remedy) from None
    if agency.id != folder.name:
        raise BadAgency(
            f"The id {agency.id} is not the folder's name {folder.name}.",
            where=f"{file}: id",
            remedy="Name both alike.",
        )
    agency._folder = folder
    try:
        _ = agency.page_interpreter
    except (BadValue, KeyError) as error:
        raise BadAgency(f"The mapping cannot be used: {error}.", where=str(file), remedy="Correct it.") from None
    return agency


def load_agencies(folders: Iterable[Path] = (SHIPPED,)) -> dict[str, Agency]:
    """Every agency of the given folders by id, in order of id; a folder without agency.yml is passed over."""
    found: dict[str, Agency] = {}
    for parent in folders:
        if not parent.is_dir():
            raise BadAgency("There is no such folder.", where=str(parent), remedy="Correct THREEGATES_AGENCIES_FOLDER.")
        for folder in sorted(parent.iterdir()):
            if not (folder / FILE_NAME).is_file():
                continue
            agency = load_agency(folder)
            if agency.id in found:
                raise BadAgency(
                    f"The id {agency.id} is taken by {found[agency.id].folder}.",
                    where=f"{folder / FILE_NAME}: id",
                    remedy="Choose another id.",
                )
            found[agency.id] = agency
    return dict(sorted(found.items()))
