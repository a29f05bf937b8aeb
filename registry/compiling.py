"""The compiler: merges the SELECTs of all rules into one pass over the shared facts (decision 2).

The same texts of facts and rules serve four uses. A `Use` says which acts are judged and which state of knowledge is
read; only the predicates `known(x)`, `held(x)`, `judged_record(id)`, `judged_project(id)` and the source `judged_acts`
change with it:

- the nation: every act; what is known now, or was known then (a replay);
- changed: acts of the records in `:records`, facts of the projects in `:projects`;
- intended: hypothetical acts in `:intended`, facts of the projects in `:projects`.
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

from registry.law.reading import DatedValue, Law, Parameter, ParameterValue, law
from registry.rules.reading import EVIDENCE_PARTS, Rule, rules

Scope = Literal["nation", "changed", "intended"]
Knowledge = Literal["now", "then"]

_FACTS: Final = Path(__file__).with_name("facts")
# Each fact reads tables and facts before it; a fact that only rare rows ask for is inlined, so indexes serve it.
FACTS: Final = (
    "known_approvals",
    "known_projects",
    "known_formalities",
    "owner_identities",
    "matching_regions",
    "other_regions",
    "standings",
    "formalities",
    "judged_acts",
    "acts",
)
_SOURCES: Final[dict[Scope, str]] = {
    "nation": "submitted_acts",
    "changed": "submitted_acts",
    "intended": "intended_acts",
}
_PREDICATE: Final = re.compile(r"\b(known|held|judged_record|judged_project)\(([\w.]+)\)")
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


_PREDICATES: Final[dict[str, Callable[[str, Use], str]]] = {
    "known": _known,
    "held": _held,
    "judged_record": _judged_record,
    "judged_project": _judged_project,
}


@lru_cache(maxsize=32)
def _file(name: str) -> str:
    return _COMMENT.sub("", (_FACTS / f"{name}.sql").read_text(encoding="utf-8")).strip()


def fact(name: str, use: Use) -> str:
    """The text of one fact for one use."""
    text = _file(_SOURCES[use.scope] if name == "judged_acts" else name)
    return _PREDICATE.sub(lambda found: _PREDICATES[found[1]](found[2], use), text)


def facts(use: Use) -> str:
    """All facts as common table expressions; inlined, so that the planner sees one query."""
    return ",\n".join(f"{name} AS NOT MATERIALIZED (\n{fact(name, use)}\n)" for name in FACTS)


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


def _by_day(values: tuple[DatedValue, ...], table: str, *, otherwise: exp.Expression | None = None) -> exp.Expression:
    """The value in force on the act's own day: NULL before the first, so that a rule says nothing before its law."""
    cases = exp.Case()
    for one in reversed(values):
        cases = cases.when(exp.column("acted_on", table) >= _day(one.since), _literal(one.value))
    return cases if otherwise is None else cases.else_(otherwise)


def _day(day: date) -> exp.Expression:
    return exp.cast(exp.Literal.string(day.isoformat()), "date")


def parameter_sql(parameter: Parameter, table: str) -> exp.Expression:
    """A parameter as an expression over the judged fact: by the act's day, and by region where one set its own."""
    national = _by_day(parameter.values, table)
    if not parameter.regions:
        return national
    cases = exp.Case()
    for code, values in parameter.regions:
        within = sqlglot.parse_one(
            f"COALESCE({table}.project_region, {table}.region) IN "
            f"(SELECT inner_code FROM region_within WHERE outer_code = {exp.Literal.string(code).sql()})",
            dialect="postgres",
        )
        cases = cases.when(within, _by_day(values, table, otherwise=national.copy()))
    return cases.else_(national)


def _bound(expression: exp.Expression, rule: Rule, by_law: Law) -> str:
    """An expression of a rule as SQL, its parameters put in."""

    def put(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Placeholder):
            return parameter_sql(by_law.parameter(str(node.this)), rule.fact)
        return node

    return expression.copy().transform(put).sql(dialect="postgres", comments=False)


def _condition(rule: Rule, by_law: Law) -> str:
    """A rule as one expression: its reasons where it flags the act, else NULL."""
    reasons = rule.select.selects[0].this
    condition = _bound(rule.select.args["where"].this, rule, by_law)
    words = _bound(reasons, rule, by_law)
    possible = reasons.this.expressions if isinstance(reasons.this, exp.Array) else []
    if possible:
        # The array is made for the few that have a reason, not for the nation.
        condition = f"({condition}) AND num_nonnulls({', '.join(_bound(one, rule, by_law) for one in possible)}) > 0"
    return f"CASE WHEN {condition} THEN {words} END"


_KEPT: Final = (
    "version_id",
    "record_id",
    "project_id",
    "enterprise_id",
    "owner_id",
    "outcome",
    "method",
    "act",
    "acted_on",
    "sector",
    "project_region",
    "region",
)


@lru_cache(maxsize=32)
def compile_flags(use: Use, chosen: tuple[Rule, ...] | None = None, by_law: Law | None = None) -> str:
    """One statement over all rules: one row for each act and rule that flags it.

    Columns: those of `_KEPT`, rule, reasons text[], parameters jsonb (the values in force on the act's day).
    Binds: as_of, and by use known_at, unsettled, records, projects, intended.
    """
    return f"WITH {facts(use)}\n{_flags(chosen or rules(), by_law or law())}"


@lru_cache(maxsize=32)
def compile_evidence(
    use: Use, *, only_acts: bool = False, chosen: tuple[Rule, ...] | None = None, by_law: Law | None = None
) -> str:
    """The same pass, each flag with the evidence as it is seen; see facts/evidence.sql for the columns.

    With `only_acts` the acts themselves, flagged or not: what is seen now of an act that is no longer flagged.
    """
    chosen = chosen or rules()
    kept = ", ".join(f"acts.{name}" for name in _KEPT)
    unflagged = f"SELECT {kept}, NULL::text AS rule, NULL::text[] AS reasons, NULL::jsonb AS parameters FROM acts"
    flags = unflagged if only_acts else _flags(chosen, by_law or law())
    evidence = _PREDICATE.sub(lambda found: _PREDICATES[found[1]](found[2], use), _file("evidence"))
    for part in EVIDENCE_PARTS:
        names = ", ".join(exp.Literal.string(one.id).sql() for one in chosen if part in one.evidence)
        evidence = evidence.replace(f"asks_{part}", f"COALESCE(rule IN ({names or 'NULL'}), TRUE)")
    return f"WITH {facts(use)},\nflags AS MATERIALIZED (\n{flags}\n),\n{evidence}"


def _flags(chosen: tuple[Rule, ...], by_law: Law) -> str:
    """All conditions side by side over one scan of the acts; OFFSET 0 keeps the planner from writing each out twice."""
    kept = ", ".join(f"acts.{name}" for name in _KEPT)
    columns = ",\n".join(f"{_condition(one, by_law)} AS flag_{number}" for number, one in enumerate(chosen))
    used = sorted({name for one in chosen for name in one.parameters})
    values = ",\n".join(
        f"to_jsonb({parameter_sql(by_law.parameter(name), 'flagged').sql(dialect='postgres')}) AS {name}"
        for name in used
    )
    names = ", ".join(f"flag_{number}" for number in range(len(chosen)))
    flags = ",\n".join(
        f"('{one.id}', flagged.flag_{number}, jsonb_build_object("
        + ", ".join(f"'{name}', valued.{name}" for name in one.parameters)
        + "))"
        for number, one in enumerate(chosen)
    )
    kept_again = ", ".join(f"flagged.{name}" for name in _KEPT)
    return f"""SELECT {kept_again}, flag.rule, flag.reasons, flag.parameters
FROM (
SELECT {kept},
{columns}
FROM acts
OFFSET 0
) AS flagged
CROSS JOIN LATERAL (SELECT {values or "1"}) AS valued
CROSS JOIN LATERAL (VALUES
{flags}
) AS flag (rule, reasons, parameters)
WHERE num_nonnulls({names}) > 0 AND flag.reasons IS NOT NULL"""
