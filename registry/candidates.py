"""What of a rule can be told of an act without looking anything up: those that pass are looked at by the rule itself.

A condition is loosened: what asks another fact about this very act (a correlated sub-select, or a column that is one)
is taken to hold. So nothing that a rule would flag is left out, and what is left out needs no more than one join, which
PostgreSQL shares among processes; a correlated sub-select it does not.
"""

from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

import sqlglot
from sqlglot import exp

_ACTS: Final = Path(__file__).with_name("facts") / "acts.sql"
_PLAIN: Final = Path(__file__).with_name("facts") / "plain_acts.sql"


@lru_cache(maxsize=1)
def looked_up() -> frozenset[str]:
    """The columns of `acts` that are looked up for a single act: those that facts/acts.sql adds."""
    return frozenset(one.alias for one in _columns(_ACTS) if isinstance(one, exp.Alias))


def _columns(file: Path) -> list[exp.Expr]:
    return list(sqlglot.parse_one(file.read_text(encoding="utf-8"), dialect="postgres").expressions)


def loosened(condition: exp.Expr, fact: str, acts: Collection[str] = ()) -> exp.Expr:
    """A condition that holds wherever the given one does, without what must be looked up for a single row.

    `acts` are those that the rule is asked of at all: what says no more than that is left out.
    """
    match condition:
        case exp.In(this=exp.Column(this=exp.Identifier(this="act"))) if acts and set(acts) <= {
            one.this for one in condition.expressions if isinstance(one, exp.Literal)
        }:
            return exp.true()
        case exp.Paren():
            return loosened(condition.this, fact, acts)
        case exp.And():
            one, other = loosened(condition.left, fact, acts), loosened(condition.right, fact, acts)
            if _is_true(one):
                return other
            return one if _is_true(other) else exp.and_(one, other)
        case exp.Or():
            one, other = loosened(condition.left, fact, acts), loosened(condition.right, fact, acts)
            return exp.true() if _is_true(one) or _is_true(other) else exp.or_(one, other)
        case exp.Not(this=exp.Exists()) if (pairs := _equalities(condition.this.this, fact)) is not None:
            # Nobody is there with these values: asked once of all there are, and a value that is not known is none.
            ours = ", ".join(one.sql(dialect="postgres") for one, _ in pairs)
            theirs = condition.this.this.copy()
            theirs.set("where", None)
            theirs.set("expressions", [other.copy() for _, other in pairs])
            known = " AND ".join(f"{one.sql(dialect='postgres')} IS NOT NULL" for one, _ in pairs)
            missing = f"CASE WHEN {known} THEN ({ours}) NOT IN ({theirs.sql(dialect='postgres')}) ELSE TRUE END"
            return sqlglot.parse_one(missing, dialect="postgres")
        case _:
            return exp.true() if _is_looked_up(condition, fact) else _holds(condition)


def decided(condition: exp.Expr) -> exp.Expr:
    """The same condition without unknowns, so that what stands first and fails spares what stands behind it."""
    match condition:
        case exp.Paren():
            return exp.paren(decided(condition.this))
        case exp.And():
            return exp.And(this=decided(condition.left), expression=decided(condition.right))
        case exp.Or():
            return exp.paren(exp.Or(this=decided(condition.left), expression=decided(condition.right)))
        case exp.Exists() | exp.Not(this=exp.Exists()) | exp.Is():
            return condition.copy()
        case _:
            return _holds(condition)


def possible(select: exp.Select, fact: str, acts: Collection[str]) -> exp.Expr:
    """When a rule may flag a row: its loosened WHERE, and where reasons may all be absent, that one may be there."""
    condition = loosened(select.args["where"].this, fact, acts)
    reasons = select.selects[0].this
    if not isinstance(reasons, exp.ArrayRemove):
        return cheapest_first(condition)
    words = [_may_be_given(one, fact) for one in reasons.this.expressions]
    if any(_is_true(one) for one in words):
        return cheapest_first(condition)
    given = exp.or_(*words)
    return cheapest_first(given if _is_true(condition) else exp.and_(condition, given))


def cheapest_first(condition: exp.Expr) -> exp.Expr:
    """The same condition, asking first what costs least: a comparison of two days before a list or a sub-select."""
    condition = condition.unnest()
    if not isinstance(condition, exp.Connector):
        return condition
    kind = type(condition)
    parts = sorted((cheapest_first(one) for one in _parts(condition, kind)), key=_cost)
    return exp.and_(*parts, copy=False) if kind is exp.And else exp.or_(*parts, copy=False)


def _parts(condition: exp.Expr, kind: type[exp.Connector]) -> Iterator[exp.Expr]:
    """What is joined by AND, or by OR, however it is bracketed."""
    condition = condition.unnest()
    if isinstance(condition, kind):
        yield from _parts(condition.left, kind)
        yield from _parts(condition.right, kind)
    else:
        yield condition


def _cost(condition: exp.Expr) -> int:
    """About how many steps a condition takes; a parameter is by its day, and often a list."""
    steps = 0
    for node in condition.walk(prune=lambda one: isinstance(one, exp.Select)):
        match node:
            case exp.Column():
                steps += _steps_of_columns().get(node.name, 1)
            case exp.Placeholder():
                steps += 10
            case exp.Select():
                # One look into a table of what it finds, which is made once.
                steps += 12
            case _:
                steps += 1
    return steps


@lru_cache(maxsize=1)
def _steps_of_columns() -> dict[str, int]:
    # Most rows leave a CASE by one of its first branches.
    first = {one.alias_or_name: one.find(exp.If) or one for one in _columns(_PLAIN)}
    return {name: sum(1 for _ in one.walk()) // 2 for name, one in first.items()}


def _may_be_given(word: exp.Expr, fact: str) -> exp.Expr:
    if isinstance(word, exp.Case) and word.this is None and word.args.get("default") is None:
        given = [loosened(one.this, fact) for one in word.args["ifs"]]
        return exp.true() if any(_is_true(one) for one in given) else exp.or_(*given)
    return exp.true()


def _holds(condition: exp.Expr) -> exp.Expr:
    """A condition that is never unknown: PostgreSQL goes on past what is unknown, and stops at what is false."""
    return exp.Is(this=exp.paren(condition.copy()), expression=exp.true())


def _is_true(condition: exp.Expr) -> bool:
    return isinstance(condition, exp.Boolean) and bool(condition.this)


def _is_looked_up(condition: exp.Expr, fact: str) -> bool:
    """Whether a condition asks a column that is looked up, or another fact about this very row."""
    if any(one.table == fact and one.name in looked_up() for one in condition.find_all(exp.Column)):
        return True
    return any(one.table == fact for query in condition.find_all(exp.Select) for one in query.find_all(exp.Column))


def _equalities(query: exp.Expr, fact: str) -> list[tuple[exp.Column, exp.Column]] | None:
    """Which columns of a row a sub-select compares with which of its own, where it does nothing else."""
    where = query.args.get("where")
    if where is None or query.args.get("joins") or any(query.args.get(name) for name in ("group", "having")):
        return None
    pairs = []
    for one in where.this.flatten() if isinstance(where.this, exp.And) else [where.this]:
        sides = [one.left, one.right] if isinstance(one, exp.EQ) else []
        ours = [side for side in sides if isinstance(side, exp.Column) and side.table == fact]
        theirs = [side for side in sides if isinstance(side, exp.Column) and side.table != fact]
        if len(ours) != 1 or len(theirs) != 1 or ours[0].name in looked_up():
            return None
        pairs.append((ours[0], theirs[0]))
    return pairs
