"""The compiler: merges the SELECTs of all rules into one pass over the shared facts (decision 2)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Final

import sqlglot
from sqlglot import exp

from registry.acts import LANE_OF_ACT
from registry.candidates import decided, possible
from registry.fact_texts import SOURCES, STATES, Use, fact, facts, file_text, whole, written
from registry.law.reading import DatedValue, Law, Parameter, ParameterValue, law
from registry.rules.reading import EVIDENCE_PARTS, Rule, RuleDay, RulePart, rules


@lru_cache(maxsize=8)
def compile_states(use: Use, by_law: Law | None = None) -> str:
    """The SELECT that makes the table which `use.states` names."""
    asking = f"SELECT * FROM {STATES}"
    made = facts(replace(use, states=""), asking, by_law).replace(f"{STATES} AS MATERIALIZED", f"{STATES} AS")
    return f"WITH {made}\n{asking}"


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
    for values, regional in groupby(parameter.regions, key=itemgetter(1)):
        codes = ", ".join(exp.Literal.string(code).sql() for code, _ in regional)
        within = sqlglot.parse_one(
            f"COALESCE({table}.project_region, {table}.region) IN "
            f"(SELECT inner_code FROM region_within WHERE outer_code IN ({codes}))",
            dialect="postgres",
        )
        cases.when(within, _by_day(values, on, otherwise=national.copy()), copy=False)
    return cases.else_(national, copy=False)


@lru_cache(maxsize=512)
def _parameter(name: str, table: str, day: RuleDay, by_law: Law) -> str:
    """The text of a parameter: many rules ask for the same."""
    return parameter_sql(by_law.parameter(name), table, day).sql(dialect="postgres")


def _bound(expression: exp.Expr, rule: Rule, part: RulePart, by_law: Law) -> str:
    """An expression of a rule as SQL, its parameters put in."""

    def put(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Placeholder):
            return exp.Var(this=_parameter(str(node.this), part.fact, rule.day, by_law))
        return node

    return expression.transform(put).sql(dialect="postgres", comments=False)


def _decided_reasons(reasons: exp.Expr) -> exp.Expr:
    """The reasons of a rule, each told without unknowns, so that what is dear is asked only where it matters."""

    def put(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.If) and isinstance(node.parent, exp.Case) and node.parent.this is None:
            node.set("this", decided(node.this))
        return node

    return reasons.copy().transform(put)


def _condition(rule: Rule, part: RulePart, by_law: Law) -> str:
    """When a rule flags a row of its fact."""
    reasons = _decided_reasons(part.select.selects[0].this)
    condition = _bound(decided(part.select.args["where"].this), rule, part, by_law)
    words = reasons.this.expressions if isinstance(reasons.this, exp.Array) else []
    if words:
        given = ", ".join(_bound(one, rule, part, by_law) for one in words)
        condition = f"{condition} AND num_nonnulls({given}) > 0"
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
    chosen, by_law = chosen or rules(), by_law or law()
    flags = _flags(use.scope == "intended", chosen, by_law)
    return whole(use, facts(use, flags, by_law, _given(use, chosen, by_law)), f"\n{flags}")


@lru_cache(maxsize=32)
def compile_evidence(
    use: Use, *, only_acts: bool = False, chosen: tuple[Rule, ...] | None = None, by_law: Law | None = None
) -> str:
    """The same pass, each flag with the evidence as it is seen; see facts/evidence.sql for the columns.

    With `only_acts` what is judged itself, flagged or not: what is seen now of what is no longer flagged.
    """
    chosen, by_law = chosen or rules(), by_law or law()
    flags = _unflagged(chosen) if only_acts else _flags(use.scope == "intended", chosen, by_law)
    given = {} if only_acts else _given(use, chosen, by_law)
    evidence = written(file_text("evidence"), use)
    for part in EVIDENCE_PARTS:
        names = ", ".join(exp.Literal.string(one.id).sql() for one in chosen if part in one.evidence)
        evidence = evidence.replace(f"asks_{part}", f"COALESCE(rule IN ({names or 'NULL'}), TRUE)")
    made = facts(use, flags + evidence, by_law, given)
    return whole(use, made, f",\nflags AS MATERIALIZED (\n{flags}\n),\n{evidence}")


def _given(use: Use, chosen: tuple[Rule, ...], by_law: Law) -> dict[str, str]:
    """Of the nation's acts, those that may be flagged at all, told in one join; of few acts every one is looked at."""
    judging = [(one, part) for one in chosen for part in one.parts if part.fact == "acts"]
    if use.scope != "nation" or not judging:
        return {}
    may_be = "\nOR ".join(
        f"asks.rule_{number} AND ({_bound(possible(part.select, part.fact, one.acts), one, part, by_law)})"
        for number, (one, part) in enumerate(judging)
    )
    # Each source by itself, so that its rows need not be brought into one shape before they are looked at.
    text = "\nUNION ALL\n".join(
        f"SELECT acts.* FROM (\n{fact('plain_acts', use).replace('judged_acts', f'({fact(source, use)})')}\n) AS acts\n"
        f"JOIN {_asks('acts', judging)} ON asks.act = acts.act\nWHERE {may_be}"
        for source in SOURCES[use.scope]
    )
    return {"candidate_acts": text}


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


def _asks(name: str, judging: list[tuple[Rule, RulePart]]) -> str:
    """Which act asks which rules."""
    acts = dict.fromkeys(act for one, _ in judging for act in one.acts if (act in LANE_OF_ACT) == (name == "acts"))
    rows = ",\n".join(f"('{act}', {', '.join(str(act in one.acts).upper() for one, _ in judging)})" for act in acts)
    return f"(VALUES\n{rows}\n) AS asks (act, {', '.join(f'rule_{number}' for number in range(len(judging)))})"


def _flags_of(name: str, judging: list[tuple[Rule, RulePart]], by_law: Law) -> str:
    """The rules over one fact, side by side; OFFSET 0 keeps the planner from writing each out twice.

    A small table says which rules each act asks, so that a row costs one look-up and not one comparison for each rule.
    """
    columns = ",\n".join(
        f"CASE WHEN asks.rule_{number} AND {_condition(one, part, by_law)} "
        f"THEN {_bound(_decided_reasons(part.select.selects[0].this), one, part, by_law)} END AS flag_{number}"
        for number, (one, part) in enumerate(judging)
    )
    used = sorted({(parameter, one.day) for one, _ in judging for parameter in one.parameters})
    values = ",\n".join(
        f"to_jsonb({_parameter(parameter, 'flagged', day, by_law)}) AS {parameter}_{day}" for parameter, day in used
    )
    flags = ",\n".join(f"('{one.id}', flagged.flag_{number})" for number, (one, _) in enumerate(judging))
    # Made of what is flagged alone, after the others are gone.
    parameters = "\n".join(
        f"WHEN '{one.id}' THEN jsonb_build_object("
        + ", ".join(f"'{parameter}', valued.{parameter}_{one.day}" for parameter in one.parameters)
        + ")"
        for one, _ in judging
    )
    numbers = range(len(judging))
    return f"""SELECT {", ".join(f"flagged.{column}" for column in _KEPT)}, flag.rule, flag.reasons,
CASE flag.rule
{parameters}
END AS parameters
FROM (
SELECT {", ".join(f"{name}.{column}" for column in _KEPT)},
{columns}
FROM {name}
JOIN {_asks(name, judging)} ON asks.act = {name}.act
OFFSET 0
) AS flagged
CROSS JOIN LATERAL (SELECT {values or "1"}) AS valued
CROSS JOIN LATERAL (VALUES
{flags}
) AS flag (rule, reasons)
WHERE num_nonnulls({", ".join(f"flagged.flag_{number}" for number in numbers)}) > 0 AND flag.reasons IS NOT NULL"""
