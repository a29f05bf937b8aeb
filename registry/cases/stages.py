"""The way of a case as registry/cases/stages.yml has it: stages, steps, tasks and files, each with what it rests on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, TypeVar

from pydantic import Field, TypeAdapter

from registry.errors import BadInput
from registry.law.reading import Law, Quotation, check_quotation, law
from registry.law_fact_items import DispositionKind
from registry.reading_yaml import Day, Document, Place, Strict, read_as, read_document

_FILE: Final = Path(__file__).with_name("stages.yml")
FIRST: Final = "verify"
CLOSED: Final = "closed"
REOPEN: Final = "reopen"

CasePath = Literal["plain", "3-1", "3-2"]
TaskKind = Literal["task", "opinion"]
PlanDay = Literal["decided", "published", "filed"]


class Titled(Strict):
    """What something is called, in both languages."""

    title_zh: str
    title_en: str


class Allowed(Strict):
    """How many working days something may take; `own_reading`: no clause says so."""

    working_days: int = Field(ge=1)
    basis: Literal["text", "own_reading"]


class Stage(Titled):
    """Where a case stands."""

    id: str
    allowed: dict[Day, Allowed] = Field(default_factory=dict)
    final: bool = False

    def allowed_on(self, day: date) -> Allowed | None:
        """What is allowed on a day; None: no deadline."""
        return _on(self.allowed, day)


class TaskTemplate(Titled):
    """What an agency is asked to do or to say at a step."""

    id: str
    kind: TaskKind
    agency: str  # of the day of the document; its successors follow
    allowed: dict[Day, Allowed] = Field(min_length=1)
    reference: Quotation

    def allowed_on(self, day: date) -> Allowed | None:
        """How long an answer may take on a day."""
        return _on(self.allowed, day)


class Needs(Strict):
    """What must be there before a step."""

    document: bool = False
    project: bool = False
    files: list[str] = Field(default_factory=list)
    answers: list[str] = Field(default_factory=list)
    tasks_done: bool = False


class Writes(Strict):
    """The fact that a step writes into the register."""

    disposition: DispositionKind | None = None
    rectification: PlanDay | None = None


class Transition(Titled):
    """One step from stages to a stage."""

    id: str
    paths: list[CasePath] = Field(min_length=1)
    from_: list[str] = Field(alias="from", min_length=1)
    to: str
    permission: Literal["decide", "approve"]
    basis: Literal["text", "derived"]
    reference: Quotation
    needs: Needs = Needs()
    writes: Writes = Writes()
    tasks: list[str] = Field(default_factory=list)
    outcomes: list[str] = Field(default_factory=list)


Identified = TypeVar("Identified", Stage, TaskTemplate, Transition)


class _StagesFile(Strict):
    paths: dict[CasePath, Titled]
    stages: list[Stage] = Field(min_length=1)
    files: dict[str, Titled]
    outcomes: dict[str, Titled]
    tasks: list[TaskTemplate]
    transitions: list[Transition] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Stages:
    """Everything by its id, in the order of the file."""

    paths: Mapping[CasePath, Titled]
    stages: Mapping[str, Stage]
    files: Mapping[str, Titled]
    outcomes: Mapping[str, Titled]
    tasks: Mapping[str, TaskTemplate]
    transitions: Mapping[str, Transition]

    def steps_from(self, path: str, stage: str) -> list[Transition]:
        """The steps that a case of this path may take from a stage."""
        return [one for one in self.transitions.values() if path in one.paths and stage in one.from_]

    def step(self, identity: str, path: str, stage: str) -> Transition:
        """One of those steps; raises BadInput."""
        found = self.transitions.get(identity)
        if found is None or path not in found.paths or stage not in found.from_:
            raise BadInput("The case cannot take this step from where it stands.", where="step")
        return found

    def stages_of(self, path: str) -> list[Stage]:
        """The stages that cases of a path may be in, in order."""
        reached = {FIRST} | {one.to for one in self.transitions.values() if path in one.paths}
        return [one for one in self.stages.values() if one.id in reached]


@lru_cache(maxsize=1)
def stages() -> Stages:
    """The stages that threegates ships, read once."""
    return read_stages(_FILE, law())


def read_stages(path: Path, by_law: Law) -> Stages:
    """Read a file of stages; raises BadFile with file, line and field for anything unknown, doubled or unquoted."""
    document = read_document(path, name=path.name)
    file = read_as(document, document.content, TypeAdapter(_StagesFile))
    found = Stages(
        file.paths,
        _by_id(document, "stages", file.stages),
        file.files,
        file.outcomes,
        _by_id(document, "tasks", file.tasks),
        _by_id(document, "transitions", file.transitions),
    )
    for number, task in enumerate(file.tasks):
        check_quotation(document, ("tasks", number, "reference"), task.reference, by_law.articles)
    for number, one in enumerate(file.transitions):
        place = ("transitions", number)
        check_quotation(document, (*place, "reference"), one.reference, by_law.articles)
        _known(document, (*place, "from"), one.from_, found.stages)
        _known(document, (*place, "to"), [one.to], found.stages)
        _known(document, (*place, "tasks"), one.tasks, found.tasks)
        _known(document, (*place, "needs"), one.needs.answers, found.tasks)
        _known(document, (*place, "needs"), one.needs.files, found.files)
        _known(document, (*place, "outcomes"), one.outcomes, found.outcomes)
        writes = one.writes.disposition or one.writes.rectification
        if writes and not (one.needs.project and one.needs.document):
            raise document.refuse((*place, "writes"), "what is written into the register needs project and document.")
        if found.stages[one.to].final != bool(one.outcomes):
            raise document.refuse((*place, "outcomes"), "a step has outcomes where it ends the case, and only there.")
    for needed in (FIRST, CLOSED):
        if needed not in found.stages:
            raise document.refuse(("stages",), f"the stage {needed} is missing.")
    return found


def _by_id(document: Document, part: str, items: Iterable[Identified]) -> dict[str, Identified]:
    found: dict[str, Identified] = {}
    for number, one in enumerate(items):
        if one.id in found:
            raise document.refuse((part, number, "id"), f"{one.id} stands twice.")
        found[one.id] = one
    return found


def _known(document: Document, place: Place, named: Iterable[str], known: Mapping[str, object]) -> None:
    for one in named:
        if one not in known:
            raise document.refuse(place, f"“{one}” stands nowhere in this file.")


def _on(values: Mapping[date, Allowed], day: date) -> Allowed | None:
    since = max((one for one in values if one <= day), default=None)
    return None if since is None else values[since]
