"""Reading the rules: their folders, checked to be one SELECT over the shared facts with declared parameters only."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from re import compile as pattern
from typing import Any, Final, Literal, get_args

import sqlglot
from pydantic import Field, TypeAdapter
from sqlglot import exp

from registry.acts import LANE_OF_JUDGED, Lane
from registry.database import json_text
from registry.errors import BadFile
from registry.law.reading import Law, Quotation, check_quotation, law
from registry.reading_yaml import Document, Strict, read_as, read_document

_HERE: Final = Path(__file__).parent

Basis = Literal["text", "derived"]
SEVERITIES: Final[dict[Basis, str]] = {"text": "violation", "derived": "warning"}

RULE_NAME: Final = pattern(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")

# Parts of the evidence beside the record, the project and its owner, that a rule asks to be kept with its findings.
EvidencePart = Literal[
    "approvals",
    "formalities",
    "owners",
    "prices",
    "capacities",
    "plans",
    "dispositions",
    "equipment",
    "eliminations",
    "restrictions",
    "limits",
]
EVIDENCE_PARTS: Final[tuple[EvidencePart, ...]] = get_args(EvidencePart)

# The day whose law a rule asks: that of the act itself, or the day judged where a state of things is flagged.
RuleDay = Literal["act", "judged"]

# What a rule may read: the fact it judges stands first in FROM, the others in its sub-selects.
JUDGED_FACTS: Final = frozenset(
    {"acts", "judged_equipment", "judged_plans", "judged_dispositions", "judged_rectifications", "judged_orders"}
)
READABLE_FACTS: Final = frozenset(
    {
        "approved_capacities",
        "backward_equipment",
        "defaulters",
        "known_approvals",
        "known_capacities",
        "known_dispositions",
        "known_eliminations",
        "known_equipment",
        "known_formalities",
        "known_orders",
        "known_plan_units",
        "known_plans",
        "known_projects",
        "known_rectifications",
        "listed_units",
        "matching_regions",
        "new_capacity",
        "other_regions",
        "owner_identities",
        "restricted_regions",
        "standing_dispositions",
    }
)
# A function outside this list may read the clock, the session or the outside, so that a verdict could not be repeated.
_PURE_FUNCTIONS: Final = (
    exp.Array,
    exp.Case,
    exp.If,
    exp.Coalesce,
    exp.Exists,
    exp.Any,
    exp.All,
    exp.And,
    exp.Or,
    exp.Cast,
    exp.Greatest,
    exp.Least,
    exp.Abs,
    exp.Count,
    exp.Sum,
    exp.Min,
    exp.Max,
    exp.ArraySize,
    exp.ArrayRemove,
    exp.ArrayContainsAll,
)
_PURE_NAMES: Final = frozenset({"all", "array_remove", "cardinality", "daterange", "unnest"})


class Words(Strict):
    """The same in Chinese and English."""

    zh: str
    en: str


class _RuleFile(Strict):
    id: str
    order: int
    title: Words
    plain: Words
    basis: Basis
    basis_by_act: dict[str, Basis] = Field(default_factory=dict)
    day: RuleDay = "act"
    citations: list[Quotation] = Field(min_length=1)
    parameters: list[str]
    duty: dict[str, str]
    evidence: list[EvidencePart]
    reasons: dict[str, Words]


@dataclass(frozen=True, eq=False)
class RulePart:
    """One SELECT of a rule and the fact whose rows it judges."""

    fact: str
    select: exp.Select


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule: what it says in words, what it rests on, who has the duty, and its condition as one text.

    Most have one part; one that judges acts and equipment alike has a part for each, put together by UNION ALL.
    """

    id: str
    order: int
    title: Words
    plain: Words
    basis: Basis
    basis_by_act: dict[str, Basis]
    citations: tuple[Quotation, ...]
    parameters: tuple[str, ...]
    duty: dict[str, str]  # the act -> the agency on which the law laid the duty; its successors follow from the day
    evidence: tuple[EvidencePart, ...]
    reasons: dict[str, Words]
    day: RuleDay
    parts: tuple[RulePart, ...]
    sql: str
    version: str

    @property
    def acts(self) -> tuple[str, ...]:
        """The acts it may flag."""
        return tuple(self.duty)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes of its acts, each once."""
        return tuple(dict.fromkeys(LANE_OF_JUDGED[act] for act in self.duty))

    def basis_of(self, act: str) -> Basis:
        """Whether the clause itself says it of this act, or it is our reading."""
        return self.basis_by_act.get(act, self.basis)

    def citation(self) -> list[dict[str, str]]:
        """The words of the law it rests on, with document and clause."""
        return [law().citation(one) for one in self.citations]


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """The rules that threegates ships, in their order, read once."""
    return read_rules(_HERE, law())


def rules_by(by_law: Law, draft: Path | None = None) -> tuple[Rule, ...]:
    """The shipped rules by another law; with a folder of drafts, those it holds stand in the place of the shipped."""
    drafted = {} if draft is None else {one.id: one for one in read_rules(draft, by_law)}
    shipped = [one for one in read_rules(_HERE, by_law) if one.id not in drafted]
    return tuple(sorted([*shipped, *drafted.values()], key=lambda one: (one.order, one.id)))


def rule(name: str) -> Rule | None:
    """A built rule by its id, or None."""
    return next((one for one in rules() if one.id == name), None)


def read_rules(folder: Path, by_law: Law) -> tuple[Rule, ...]:
    """Read every rule folder; raises BadFile with file, line and field."""
    found = [_read_rule(path.parent, by_law) for path in sorted(folder.glob("*/rule.yml"))]
    return tuple(sorted(found, key=lambda one: (one.order, one.id)))


def known_rules() -> tuple[str, ...]:
    """The ids that may be spoken of: the folders here; told without reading them."""
    return tuple(path.parent.name for path in sorted(_HERE.glob("*/rule.yml")))


def cases_files() -> Iterator[Path]:
    """The scenario files that the rules bring."""
    return (path for path in sorted(_HERE.glob("*/cases.yml")))


def _read_rule(folder: Path, by_law: Law) -> Rule:
    document = read_document(folder / "rule.yml", name=f"{folder.name}/rule.yml")
    file = read_as(document, document.content, TypeAdapter(_RuleFile))
    if file.id != folder.name or not RULE_NAME.fullmatch(file.id):
        raise document.refuse(("id",), "it must be the folder's name, in small letters, digits and hyphens.")
    _check_acts(document, file)
    for number, citation in enumerate(file.citations):
        check_quotation(document, ("citations", number), citation, by_law.articles)
    for name in file.parameters:
        if name not in by_law.parameters:
            raise document.refuse(("parameters",), f"there is no parameter “{name}”.")
    text = (folder / "rule.sql").read_text(encoding="utf-8")
    parts = check_select(text, f"{folder.name}/rule.sql", file.parameters)
    values = {name: _values(by_law, name) for name in file.parameters}
    limits = [repr(one) for one in by_law.limits.values()] if "backward_equipment" in text else []
    meaning = json_text([text, file.model_dump(exclude={"order", "title", "plain"}), values, *limits])
    return Rule(
        id=file.id,
        order=file.order,
        title=file.title,
        plain=file.plain,
        basis=file.basis,
        basis_by_act=file.basis_by_act,
        citations=tuple(file.citations),
        parameters=tuple(file.parameters),
        duty=file.duty,
        evidence=tuple(file.evidence),
        reasons=file.reasons,
        day=file.day,
        parts=parts,
        sql=text,
        version=blake2b(meaning.encode(), digest_size=8).hexdigest(),
    )


def _check_acts(document: Document, file: _RuleFile) -> None:
    for field, named in (("duty", file.duty), ("basis_by_act", file.basis_by_act)):
        for act in named:
            if act not in LANE_OF_JUDGED or act not in file.duty:
                raise document.refuse((field, act), "this is no act that the rule judges.")


def _values(by_law: Law, name: str) -> Any:
    parameter = by_law.parameter(name)
    return [
        [(one.since, one.value) for one in values]
        for values in (parameter.values, *(regional for _, regional in parameter.regions))
    ]


def check_select(text: str, where: str, parameters: list[str]) -> tuple[RulePart, ...]:
    """Parse a rule's text; refuse whatever is not pure SELECTs of `reasons` over facts and declared parameters."""

    def refuse(problem: str, remedy: str = "", node: exp.Expr | None = None) -> BadFile:
        line = None if node is None else _line(node)
        return BadFile(problem, where=where if line is None else f"{where}, line {line}", remedy=remedy)

    try:
        statements = sqlglot.parse(text, dialect="postgres")
    except sqlglot.ParseError as error:
        first = error.errors[0]
        raise BadFile(f"This is not SQL: {first['description']}.", where=f"{where}, line {first['line']}") from None
    parts = _parts(statements[0]) if len(statements) == 1 else []
    if not parts:
        raise refuse("A rule is one SELECT and nothing else, or one for each fact it judges, joined by UNION ALL.")
    checked = tuple(_check_part(select, refuse) for select in parts)
    if len({part.fact for part in checked}) < len(checked):
        raise refuse("Two parts judge the same fact; put their conditions into one.")
    binds = {str(node.this) for select in parts for node in select.find_all(exp.Placeholder)}
    if binds != set(parameters):
        odd = ", ".join(sorted(binds ^ set(parameters)))
        raise refuse(f"The text and rule.yml name different parameters: {odd}.")
    return checked


def _parts(statement: Any) -> list[exp.Select]:
    """The SELECTs of a text; none where it is anything else."""
    if isinstance(statement, exp.Select):
        return [statement]
    if not isinstance(statement, exp.Union) or statement.args.get("distinct") or statement.args.get("with_"):
        return []
    one, other = _parts(statement.this), _parts(statement.expression)
    return [*one, *other] if one and other else []


def _check_part(select: exp.Select, refuse: Any) -> RulePart:
    judged = select.args.get("from_")
    fact = judged.this if judged is not None else None
    if not isinstance(fact, exp.Table) or fact.name not in JUDGED_FACTS or fact.alias not in ("", fact.name):
        raise refuse("The fact that is judged must stand alone in FROM.", f"Facts: {', '.join(sorted(JUDGED_FACTS))}.")
    if {name for name, value in select.args.items() if value} - {"kind", "expressions", "from_", "where"}:
        raise refuse("A rule has SELECT, FROM and WHERE only; join facts in sub-selects.")
    if [one.alias for one in select.selects] != ["reasons"] or not select.args.get("where"):
        raise refuse("A rule selects `reasons`, an array of words, and has a WHERE.")
    words = select.selects[0].this
    if isinstance(words, exp.Cast):  # an empty array needs its type: the rule gives no reasons beside itself
        words = words.this
    if not isinstance(words.this if isinstance(words, exp.ArrayRemove) else words, exp.Array):
        raise refuse("Reasons are ARRAY[…], or ARRAY_REMOVE(ARRAY[…], NULL) where some of them may be absent.")
    for node in select.walk():
        _check_node(node, fact, refuse)
    return RulePart(fact.name, select)


def _check_node(node: exp.Expr, fact: exp.Table, refuse: Any) -> None:
    facts = f"Facts: {', '.join(sorted(READABLE_FACTS))}."
    if isinstance(node, exp.Table) and node is not fact and (node.name not in READABLE_FACTS or node.db):
        raise refuse(f"“{_shown(node)}” is no fact a rule may read.", f"{facts} A table is read by a fact alone.", node)
    if isinstance(node, exp.Column) and not node.table:
        # `user` and its like read the session; a bare name may also be a column of whatever is added to a fact later.
        raise refuse(f"“{_shown(node)}” does not say which fact it is of.", "Write it with its fact: acts.act.", node)
    if isinstance(node, exp.Column) and node.name in _SYSTEM_COLUMNS:
        raise refuse(f"“{_shown(node)}” is of the storage and not of the fact.", "A verdict must be repeatable.", node)
    if isinstance(node, exp.Cast) and (
        str(node.to.sql(dialect="postgres")).lower().startswith("reg") or _tells_the_time(node)
    ):
        raise refuse(f"“{_shown(node)}” is no value of the facts.", "Facts hold the day judged.", node)
    if isinstance(node, (exp.TableSample, exp.Window, exp.Offset, exp.Limit, exp.Fetch, exp.Values)):
        raise refuse(
            f"“{_shown(node)}” may come out differently each time.", "Ask with EXISTS, or count, min and max.", node
        )
    if isinstance(node, exp.Parameter):
        raise refuse(f"“{_shown(node)}” is no parameter of the law.", "Write :name, as rule.yml lists it.", node)
    if isinstance(node, exp.Anonymous) and str(node.this).lower() in _PURE_NAMES:
        return
    if isinstance(node, exp.Func) and not isinstance(node, _PURE_FUNCTIONS):
        raise refuse(f"“{_shown(node)}” is no pure function.", "A verdict must be repeatable.", node)
    if isinstance(node, (exp.Lock, exp.Into, exp.DML, exp.DDL, exp.Command)) and not isinstance(
        node, (exp.Select, exp.Subquery)
    ):
        raise refuse("A rule only reads.", "Leave what writes or locks to the register.", node)


def _shown(node: exp.Expr) -> str:
    return str(node.sql(dialect="postgres"))


_SYSTEM_COLUMNS: Final = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
# PostgreSQL reads the clock where one of these words becomes a day or a time.
_CLOCK_WORDS: Final = frozenset({"now", "today", "tomorrow", "yesterday"})


def _tells_the_time(cast: exp.Cast) -> bool:
    return any(one.is_string and str(one.this).strip().lower() in _CLOCK_WORDS for one in cast.find_all(exp.Literal))


def _line(node: exp.Expr) -> int | None:
    """The line of the text on which a part of it stands, where the parser kept it."""
    return next((int(one.meta["line"]) for one in node.walk() if "line" in one.meta), None)
