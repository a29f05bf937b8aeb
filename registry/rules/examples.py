"""The worked example of a rule: the first of its own cases that it flags; what people read is what is tested."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final

from registry.law.reading import law
from registry.rules.reading import Rule
from registry.scenarios import Scenario, read_scenarios

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Example:
    """A small world and what the rule says of it: reasons by the id of what is flagged."""

    world: Scenario
    flagged: dict[str, tuple[str, ...]]


@lru_cache(maxsize=64)
def example_of(rule: Rule) -> Example | None:
    """The first case in which the rule flags something; None where a new rule has no such case yet."""
    path = _HERE / rule.id / "cases.yml"
    if not path.exists():
        return None
    for world in read_scenarios(path):
        flagged = {one.subject: tuple(one.reasons or ()) for one in world.expect or () if one.rule == rule.id}
        if flagged:
            return Example(world, flagged)
    return None


def first_day(rule: Rule) -> date:
    """The first day whose law the rule can apply: of its first parameter, else of its first document."""
    begins = [value.since for name in rule.parameters for value in law().parameter(name).values[:1]]
    return min(begins or [law().article(one.article).binds_from for one in rule.citations])
