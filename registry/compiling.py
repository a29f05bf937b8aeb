"""The compiler: merges the SELECTs of all rules into one pass over the shared facts (decision 2).

The same texts of facts and rules serve four uses. A `Use` says which acts are judged and which state of knowledge is
read; only the predicates `known(x)`, `held(x)`, `judged_record(id)`, `judged_project(id)`, `judged_enterprise(id)`,
`judged_holder(row)` and the source `judged_acts` change with it:

- the nation: every act, plan, unit, order; what is known now, or was known then (a replay);
- changed: acts of the records in `:records`, and what belongs to the projects in `:projects`, or to no project and to
  the enterprises in `:enterprises`;
- intended: hypothetical acts in `:intended`, facts of the projects in `:projects` and of the `:enterprises`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

import sqlglot
from sqlglot import exp

from registry.acts import LANE_OF_ACT
from registry.law.limits import limits_sql
from registry.law.reading import DatedValue, Law, Parameter, ParameterValue, law
from registry.rules.reading import EVIDENCE_PARTS, Rule, RuleDay, RulePart, rules

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
    "known_formalities",
    "known_dispositions",
    "known_plans",
    "known_plan_units",
    "known_equipment",
    "backward_equipment",
    "known_eliminations",
    "listed_units",
    "defaulters",
    "known_orders",
    "known_rectifications",
    "restricted_regions",
    "owner_identities",
    "matching_regions",
    "other_regions",
    "standings",
    "formalities",
    "new_capacity",
    "project_states",
    "judged_acts",
    "acts",
    "judged_equipment",
    "judged_plans",
    "judged_dispositions",
    "judged_rectifications",
    "judged_orders",
)
# The limits of equipment stand in the law and not in a table: a draft of the law is judged as the law in force.
LIMITS_FACT: Final = "elimination_limits"
# Made once, since every act of the nation joins it.
_MADE_ONCE: Final = frozenset({"project_states"})
_SOURCES: Final[dict[Scope, tuple[str, ...]]] = {
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
    """Which acts are judged, and whether the register is read as it is now or as it was known at `:known_at`."""

    scope: Scope
    knowledge: Knowledge = "now"


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
    return "TRUE" if use.scope == "nation" else f"{column} = ANY(CAST(:projects AS bigint[]))"


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
def _file(name: str) -> str:
    return _COMMENT.sub("", (_FACTS / f"{name}.sql").read_text(encoding="utf-8")).strip()


def fact(name: str, use: Use, by_law: Law | None = None) -> str:
    """The text of one fact for one use."""
    if name == LIMITS_FACT:
        return limits_sql((by_law or law()).limits)
    files = _SOURCES[use.scope] if name == "judged_acts" else (name,)
    text = "\nUNION ALL\n".join(_file(one) for one in files)
    return _PREDICATE.sub(lambda found: _PREDICATES[found[1]](found[2], use), text)


def facts(use: Use, asking: str, by_law: Law | None = None) -> str:
    """The facts that a text asks for as common table expressions; inlined, so that the planner sees one query."""
    wanted: list[str] = []
    for name in reversed(FACTS):
        if re.search(rf"\b{name}\b", asking):
            body = fact(name, use, by_law)
            asking += body
            made = "MATERIALIZED" if name in _MADE_ONCE else "NOT MATERIALIZED"
            wanted.append(f"{name} AS {made} (\n{body}\n)")
    return ",\n".join(reversed(wanted))


def _literal(value: ParameterValue) -> exp.Expression:
    match value:
        case None:
            return exp.Null()
        case tuple():
            return exp.cast(exp.Array(expressions=[exp.Literal.string(one) for one in value]), "text[]")
        case str():
            return exp.Literal.string(value)
        case int() | Decimal():
            return exp.Literal.number(value)


def _by_day(
    values: tuple[DatedValue, ...], day: exp.Expression, *, otherwise: exp.Expression | None = None
) -> exp.Expression:
    """The value in force on a day: NULL before the first, so that a rule says nothing before its law."""
    cases = exp.Case()
    for one in reversed(values):
        # A copy at each step would copy all steps before it.
        cases.when(exp.GTE(this=day.copy(), expression=_day(one.since)), _literal(one.value), copy=False)
    return cases if otherwise is None else cases.else_(otherwise, copy=False)


def _day(day: date) -> exp.Expression:
    return exp.cast(exp.Literal.string(day.isoformat()), "date")


def parameter_sql(parameter: Parameter, table: str, day: RuleDay = "act") -> exp.Expression:
    """A parameter as an expression over the judged fact: by its day, and by region where one set its own."""
    on = exp.column({"act": "acted_on", "judged": "judged_on"}[day], table)
    national = _by_day(parameter.values, on)
    if not parameter.regions:
        return national
    cases = exp.Case()
    for code, values in parameter.regions:
        within = sqlglot.parse_one(
            f"COALESCE({table}.project_region, {table}.region) IN "
            f"(SELECT inner_code FROM region_within WHERE outer_code = {exp.Literal.string(code).sql()})",
            dialect="postgres",
        )
        cases.when(within, _by_day(values, on, otherwise=national.copy()), copy=False)
    return cases.else_(national, copy=False)


@lru_cache(maxsize=512)
def _parameter(name: str, table: str, day: RuleDay, by_law: Law) -> str:
    """The text of a parameter: many rules ask for the same."""
    return parameter_sql(by_law.parameter(name), table, day).sql(dialect="postgres")


def _bound(expression: exp.Expression, rule: Rule, part: RulePart, by_law: Law) -> str:
    """An expression of a rule as SQL, its parameters put in."""

    def put(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Placeholder):
            return exp.Var(this=_parameter(str(node.this), part.fact, rule.day, by_law))
        return node

    return expression.transform(put).sql(dialect="postgres", comments=False)


def _condition(rule: Rule, part: RulePart, by_law: Law) -> str:
    """When a rule flags a row of its fact."""
    reasons = part.select.selects[0].this
    condition = _bound(part.select.args["where"].this, rule, part, by_law)
    possible = reasons.this.expressions if isinstance(reasons.this, exp.Array) else []
    if possible:
        words = ", ".join(_bound(one, rule, part, by_law) for one in possible)
        condition = f"({condition}) AND num_nonnulls({words}) > 0"
    return f"({condition})"


_KEPT: Final = (
    "subject_kind",
    "subject_id",
    "version_id",
    "record_id",
    "project_id",
    "enterprise_id",
    "owner_id",
    "outcome",
    "method",
    "act",
    "acted_on",
    "judged_on",
    "sector",
    "project_region",
    "region",
)


@lru_cache(maxsize=32)
def compile_flags(use: Use, chosen: tuple[Rule, ...] | None = None, by_law: Law | None = None) -> str:
    """One statement over all rules: one row for each act (plan, unit, order) and rule that flags it.

    Columns: those of `_KEPT`, rule, reasons text[], parameters jsonb (the values in force on its day).
    Binds: as_of, and by use known_at, unsettled, records, projects, enterprises, intended.
    """
    flags = _flags(use.scope == "intended", chosen or rules(), by_law or law())
    return f"WITH {facts(use, flags, by_law)}\n{flags}"


@lru_cache(maxsize=32)
def compile_evidence(
    use: Use, *, only_acts: bool = False, chosen: tuple[Rule, ...] | None = None, by_law: Law | None = None
) -> str:
    """The same pass, each flag with the evidence as it is seen; see facts/evidence.sql for the columns.

    With `only_acts` what is judged itself, flagged or not: what is seen now of what is no longer flagged.
    """
    chosen = chosen or rules()
    flags = _unflagged(chosen) if only_acts else _flags(use.scope == "intended", chosen, by_law or law())
    evidence = _PREDICATE.sub(lambda found: _PREDICATES[found[1]](found[2], use), _file("evidence"))
    for part in EVIDENCE_PARTS:
        names = ", ".join(exp.Literal.string(one.id).sql() for one in chosen if part in one.evidence)
        evidence = evidence.replace(f"asks_{part}", f"COALESCE(rule IN ({names or 'NULL'}), TRUE)")
    return f"WITH {facts(use, flags + evidence, by_law)},\nflags AS MATERIALIZED (\n{flags}\n),\n{evidence}"


def _unflagged(chosen: tuple[Rule, ...]) -> str:
    judged = dict.fromkeys(["acts", *(part.fact for one in chosen for part in one.parts)])
    return "\nUNION ALL\n".join(
        f"SELECT {', '.join(f'{name}.{column}' for column in _KEPT)}, "
        f"NULL::text AS rule, NULL::text[] AS reasons, NULL::jsonb AS parameters FROM {name}"
        for name in judged
    )


@lru_cache(maxsize=8)
def _flags(acts_alone: bool, chosen: tuple[Rule, ...], by_law: Law) -> str:
    """All rules over one scan of each fact they judge, the same for every use; of what is intended, the acts alone."""
    by_fact: dict[str, list[tuple[Rule, RulePart]]] = {}
    for one in chosen:
        for part in one.parts:
            if not acts_alone or part.fact == "acts":
                by_fact.setdefault(part.fact, []).append((one, part))
    return "\nUNION ALL\n".join(_flags_of(name, judging, by_law) for name, judging in by_fact.items())


def _flags_of(name: str, judging: list[tuple[Rule, RulePart]], by_law: Law) -> str:
    """The rules over one fact, side by side; OFFSET 0 keeps the planner from writing each out twice.

    A small table says which rules each act asks, so that a row costs one look-up and not one comparison for each rule.
    """
    columns = ",\n".join(
        f"CASE WHEN asks.rule_{number} AND {_condition(one, part, by_law)} "
        f"THEN {_bound(part.select.selects[0].this, one, part, by_law)} END AS flag_{number}"
        for number, (one, part) in enumerate(judging)
    )
    acts = dict.fromkeys(act for one, _ in judging for act in one.acts if (act in LANE_OF_ACT) == (name == "acts"))
    asks = ",\n".join(f"('{act}', {', '.join(str(act in one.acts).upper() for one, _ in judging)})" for act in acts)
    used = sorted({(parameter, one.day) for one, _ in judging for parameter in one.parameters})
    values = ",\n".join(
        f"to_jsonb({_parameter(parameter, 'flagged', day, by_law)}) AS {parameter}_{day}" for parameter, day in used
    )
    flags = ",\n".join(
        f"('{one.id}', flagged.flag_{number}, jsonb_build_object("
        + ", ".join(f"'{parameter}', valued.{parameter}_{one.day}" for parameter in one.parameters)
        + "))"
        for number, (one, _) in enumerate(judging)
    )
    numbers = range(len(judging))
    return f"""SELECT {", ".join(f"flagged.{column}" for column in _KEPT)}, flag.rule, flag.reasons, flag.parameters
FROM (
SELECT {", ".join(f"{name}.{column}" for column in _KEPT)},
{columns}
FROM {name}
JOIN (VALUES
{asks}
) AS asks (act, {", ".join(f"rule_{number}" for number in numbers)}) ON asks.act = {name}.act
OFFSET 0
) AS flagged
CROSS JOIN LATERAL (SELECT {values or "1"}) AS valued
CROSS JOIN LATERAL (VALUES
{flags}
) AS flag (rule, reasons, parameters)
WHERE num_nonnulls({", ".join(f"flagged.flag_{number}" for number in numbers)}) > 0 AND flag.reasons IS NOT NULL"""
