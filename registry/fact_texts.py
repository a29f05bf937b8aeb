"""The facts that rules may read, as SQL for a use of the law (decision 2); their texts are in registry/facts.

The same texts serve four uses. A `Use` says which acts are judged and which state of knowledge is
read; only the predicates `known(x)`, `held(x)`, `judged_record(id)`, `judged_project(id)`, `judged_enterprise(id)`,
`judged_holder(row)` and the source `judged_acts` change with it:

- the nation: every act, plan, unit, order; what is known now, or was known then (a replay);
- changed: acts of the records in `:records`, and what belongs to the projects in `:projects`, or to no project and to
  the enterprises in `:enterprises`;
- intended: hypothetical acts in `:intended`, facts of the projects in `:projects` and of the `:enterprises`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from registry.law.limits import limits_sql
from registry.law.reading import Law, law

Scope = Literal["nation", "changed", "intended"]
Knowledge = Literal["now", "then"]

_FACTS: Final = Path(__file__).with_name("facts")
# Each fact reads tables and facts before it; a fact that only rare rows ask for is inlined, so indexes serve it.
FACTS: Final = (
    "elimination_limits",
    "known_approvals",
    "known_projects",
    "known_capacities",
    "approved_capacities",
    "approved_products",
    "known_formalities",
    "known_dispositions",
    "standing_dispositions",
    "known_plans",
    "known_plan_units",
    "known_equipment",
    "backward_equipment",
    "known_eliminations",
    "listed_units",
    "plan_states",
    "defaulters",
    "known_orders",
    "known_rectifications",
    "restricted_regions",
    "owner_identities",
    "matching_regions",
    "other_regions",
    "standings",
    "revocations",
    "formalities",
    "ended_formalities",
    "new_capacity",
    "project_states",
    "judged_acts",
    "plain_acts",
    "candidate_acts",
    "acts",
    "judged_equipment",
    "judged_plans",
    "judged_dispositions",
    "judged_rectifications",
    "judged_orders",
)
# The limits of equipment stand in the law and not in a table: a draft of the law is judged as the law in force.
LIMITS_FACT: Final = "elimination_limits"
# Made once: what every act joins; and of what changed the formalities, which are looked up one by one and asked twice.
_MADE_ONCE: Final[dict[Scope, frozenset[str]]] = {
    "nation": frozenset({"project_states"}),
    "changed": frozenset({"project_states", "known_formalities"}),
    "intended": frozenset({"project_states"}),
}
STATES: Final = "project_states"
SOURCES: Final[dict[Scope, tuple[str, ...]]] = {
    "nation": ("submitted_acts", "approval_acts"),
    "changed": ("submitted_acts", "approval_acts"),
    "intended": ("intended_acts",),
}
_PREDICATE: Final = re.compile(
    r"\b(known|held|judged_record|judged_project|judged_enterprise|judged_holder)\(([\w.]+)\)"
)
_COMMENT: Final = re.compile(r"^\s*--.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Use:
    """Which acts are judged, and whether the register is read as it is now or as it was known at `:known_at`.

    `states` names a table that holds the projects' states already (`compile_states`): several processes can read a
    table together, and a common table expression they cannot.
    """

    scope: Scope
    knowledge: Knowledge = "now"
    states: str = ""


def _known(row: str, use: Use) -> str:
    if use.knowledge == "now":
        return f"{row}.known_to = 'infinity'"
    return f"({row}.known_from <= :known_at AND :known_at < {row}.known_to)"


def _held(row: str, use: Use) -> str:
    return f"COALESCE({row}.held_from <= :as_of, TRUE) AND COALESCE({row}.held_to >= :as_of, TRUE)"


def _judged_record(column: str, use: Use) -> str:
    # What an unsettled run brought is left alone by the nation's judging too (registry.dirty).
    return {
        "nation": f"{column} <> ALL(CAST(:unsettled AS bigint[]))",
        "changed": f"{column} = ANY(CAST(:records AS bigint[]))",
        "intended": "TRUE",
    }[use.scope]


def _judged_project(column: str, use: Use) -> str:
    return {
        "nation": "TRUE",
        # For each of a thousand in an array, and for each table, the planner would look up how frequent it is.
        "changed": f"{column} IN (SELECT unnest(CAST(:projects AS bigint[])))",
        "intended": f"{column} = ANY(CAST(:projects AS bigint[]))",
    }[use.scope]


def _judged_enterprise(column: str, use: Use) -> str:
    if use.scope == "nation":
        return "TRUE"
    return (
        f"{column} IN (SELECT unnest(CAST(:enterprises AS bigint[])) UNION ALL "
        f"SELECT own.owner_id FROM project_versions AS own WHERE own.project_id = ANY(CAST(:projects AS bigint[])) "
        f"AND {_known('own', use)})"
    )


def _judged_holder(row: str, use: Use) -> str:
    if use.scope == "nation":
        return "TRUE"
    mine = _judged_enterprise(f"{row}.enterprise_id", use)
    return f"({row}.project_id = ANY(CAST(:projects AS bigint[])) OR ({row}.project_id IS NULL AND {mine}))"


_PREDICATES: Final[dict[str, Callable[[str, Use], str]]] = {
    "known": _known,
    "held": _held,
    "judged_record": _judged_record,
    "judged_project": _judged_project,
    "judged_enterprise": _judged_enterprise,
    "judged_holder": _judged_holder,
}


@lru_cache(maxsize=32)
def file_text(name: str) -> str:
    """A file of registry/facts without its comments."""
    return _COMMENT.sub("", (_FACTS / f"{name}.sql").read_text(encoding="utf-8")).strip()


def fact(name: str, use: Use, by_law: Law | None = None) -> str:
    """The text of one fact for one use."""
    if name == LIMITS_FACT:
        return limits_sql((by_law or law()).limits)
    files = SOURCES[use.scope] if name == "judged_acts" else (name,)
    return written("\nUNION ALL\n".join(file_text(one) for one in files), use)


def written(text: str, use: Use) -> str:
    """A text with its predicates as a use has them."""
    return _PREDICATE.sub(lambda found: _PREDICATES[found[1]](found[2], use), text)


def facts(use: Use, asking: str, by_law: Law | None = None, given: Mapping[str, str] | None = None) -> str:
    """The facts that a text asks for as common table expressions; inlined, so that the planner sees one query.

    What is `given` stands in the place of the fact's own text, and is made once.
    """
    wanted: list[str] = []
    given = given or {}
    for name in reversed(FACTS):
        if re.search(rf"\b{name}\b", asking) and not (name == STATES and use.states):
            body = given.get(name) or fact(name, use, by_law)
            asking += body
            made = "MATERIALIZED" if name in _MADE_ONCE[use.scope] or name in given else "NOT MATERIALIZED"
            wanted.append(f"{name} AS {made} (\n{body}\n)")
    return ",\n".join(reversed(wanted))


def whole(use: Use, made: str, statement: str) -> str:
    """A statement with the facts that it asks, over the table that holds the states where there is one."""
    text = f"WITH {made}{statement}"
    return re.sub(rf"\b{STATES}\b", use.states, text) if use.states else text
