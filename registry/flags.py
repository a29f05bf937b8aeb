"""Flags: what the compiled rules say of acts at some state of knowledge, with evidence, before anything is written."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import blake2b
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, Date, Text, bindparam, text
from sqlalchemy.sql.elements import TextClause
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.acts import LANE_OF_ACT, LANE_OF_JUDGED
from registry.compiling import compile_evidence, compile_flags, compile_states
from registry.database import json_text
from registry.dirty import UNSETTLED_RECORDS
from registry.fact_texts import STATES, Use
from registry.history import Instant
from registry.law.reading import Law
from registry.law_in_force import Catalogue, catalogue_in_force
from registry.rules.reading import SEVERITIES, Rule
from registry.viewers import WORKSHOP

CONFIDENTIAL_ACTS: Final = tuple(act for act, lane in LANE_OF_ACT.items() if lane == "credit")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is judged: the world on a day, as known now or at an instant, the whole nation or some acts of it."""

    use: Use
    as_of: date
    known_at: datetime | None = None
    records: Sequence[int] = ()
    projects: Sequence[int] = ()
    intended: Sequence[dict[str, Any]] = ()
    # None: the rules by the law in force, for a past state of knowledge by the law activated then.
    catalogue: Catalogue | None = None
    # Beside the owners of the projects: those whose duties, orders and units are looked at.
    enterprises: Sequence[int] = ()
    # Whether the nation's records are many, which is judged another way; None: as the statistics of the table say.
    many: bool | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """One rule's suspicion of one record; the columns of a finding that follow from facts and law alone."""

    fingerprint: str
    rule: str
    rule_version: str
    basis: str
    severity: str
    lane: str
    subject_kind: str
    subject_id: int
    subject_reference: str
    act: str
    acted_on: date | None
    project_id: int | None
    enterprise_id: int | None
    sector: str | None
    region: str | None
    reasons: tuple[str, ...]
    parameters: dict[str, Any]
    citation: list[dict[str, str]]
    evidence: dict[str, Any]
    evidence_hash: str
    duty_holder: str
    synthetic: bool


@dataclass(frozen=True, slots=True)
class Succession:
    """Which agency took over from which, and when."""

    steps: dict[str, list[tuple[date, str]]]

    def holder(self, agency: str, on: date) -> str:
        """Who has an agency's duty on a day."""
        seen = {agency}
        while True:
            taken = [(day, heir) for day, heir in self.steps.get(agency, []) if day <= on and heir not in seen]
            if not taken:
                return agency
            agency = max(taken)[1]
            seen.add(agency)


async def read_succession(session: AsyncSession) -> Succession:
    """The agencies' succession as the reference data has it."""
    rows = await (await session.connection()).execute(
        text("SELECT predecessor_id, successor_id, on_date FROM agency_successions")
    )
    steps: dict[str, list[tuple[date, str]]] = {}
    for predecessor, successor, day in rows:
        steps.setdefault(predecessor, []).append((day, successor))
    return Succession(steps)


def fingerprint(rule: str, subject_kind: str, subject_key: str) -> str:
    """The stable address of a finding: rule and subject by the key of whoever sent it, never by our serial number."""
    return blake2b(f"{rule}\n{subject_kind}\n{subject_key}".encode(), digest_size=10).hexdigest()


async def statement_of(session: AsyncSession, asked: Asked, sql: str, **more: Any) -> tuple[TextClause, dict[str, Any]]:
    """A compiled text with the binds that its use has."""
    values: dict[str, Any] = {"as_of": asked.as_of, "known_at": asked.known_at, **more}
    if asked.use.scope == "nation":
        unsettled = [] if asked.use.knowledge == "then" else await _unsettled(session)
        values["unsettled"] = unsettled
    parties = [one["enterprise_id"] for one in asked.intended if one.get("enterprise_id") is not None]
    values |= {
        "records": list(asked.records),
        "projects": list(asked.projects),
        "enterprises": [*asked.enterprises, *parties],
        "intended": json_text(asked.intended),
    }
    types: dict[str, Any] = {
        "as_of": Date,
        "known_at": Instant,
        "unsettled": ARRAY(BigInteger),
        "records": ARRAY(BigInteger),
        "projects": ARRAY(BigInteger),
        "enterprises": ARRAY(BigInteger),
        "intended": Text,
        "confidential": ARRAY(Text),
    }
    statement = text(sql)
    used = [name for name in types if name in statement._bindparams]
    return statement.bindparams(*(bindparam(name, type_=types[name]) for name in used)), {
        name: values[name] for name in used
    }


async def _unsettled(session: AsyncSession) -> list[int]:
    return list((await (await session.connection()).execute(text(UNSETTLED_RECORDS))).scalars())


async def catalogue_of(session: AsyncSession, asked: Asked) -> Catalogue:
    """The rules that are asked."""
    return asked.catalogue or await catalogue_in_force(
        session, asked.known_at if asked.use.knowledge == "then" else None
    )


async def ask_flags(session: AsyncSession, asked: Asked) -> list[dict[str, Any]]:
    """Which acts the rules flag and why, without evidence: record_id, project_id, act, rule, reasons and more."""
    catalogue = await catalogue_of(session, asked)
    await _plan_for_these(session, asked)
    async with states_made(session, asked, catalogue.law) as use:
        statement, values = await statement_of(session, asked, compile_flags(use, catalogue.rules, catalogue.law))
        rows = await (await session.connection()).execute(statement, values)
        return [dict(row) for row in rows.mappings()]


# Many rows are read and few come out: what PostgreSQL takes for dear by default is not dear here.
FOR_MANY: Final = (
    ("work_mem", "'256MB'"),
    ("hash_mem_multiplier", "4"),
    ("enable_mergejoin", "off"),
    ("parallel_tuple_cost", "0.001"),
)
# Records from which on a table of its own for the states of projects is worth making.
MANY_RECORDS: Final = 50_000


@asynccontextmanager
async def states_made(session: AsyncSession, asked: Asked, by_law: Law) -> AsyncIterator[Use]:
    """Make the states of all projects before a large nation is judged: a table, which processes can read together.

    It is made and dropped in this transaction, so nobody else ever sees it.
    """
    connection = await session.connection()
    if asked.use.scope != "nation" or not (await _many(session) if asked.many is None else asked.many):
        yield asked.use
        return
    for setting, value in FOR_MANY:
        await connection.execute(text(f"SET LOCAL {setting} = {value}"))
    name = f"{WORKSHOP}.{STATES}_{await connection.scalar(text('SELECT pg_backend_pid()'))}"
    statement, values = await statement_of(
        session, asked, f"CREATE UNLOGGED TABLE {name} AS {compile_states(asked.use, by_law)}"
    )
    await connection.execute(statement, values)
    await connection.execute(text(f"ANALYZE {name} (project_id)"))
    yield replace(asked.use, states=name)
    await connection.execute(text(f"DROP TABLE {name}"))
    for setting, _ in FOR_MANY:
        await connection.execute(text(f"SET LOCAL {setting} TO DEFAULT"))


async def _many(session: AsyncSession) -> bool:
    """Whether the records are many, and who asks may make a table for them."""
    found = await (await session.connection()).execute(
        text(
            "SELECT reltuples >= :many AND to_regnamespace(:place) IS NOT NULL "
            "AND has_schema_privilege(to_regnamespace(:place), 'CREATE') "
            "FROM pg_class WHERE oid = CAST('records' AS regclass)"
        ),
        {"many": MANY_RECORDS, "place": WORKSHOP},
    )
    return bool(found.scalar())


async def _plan_for_these(session: AsyncSession, asked: Asked) -> None:
    """Plan for the values asked: a plan kept for any would read the nation where a hundred records are asked.

    What is intended is few always. Planning the catalogue takes longer than judging one intended act, so that plan is
    kept by the connection.
    """
    mode = "force_generic_plan" if asked.use.scope == "intended" else "force_custom_plan"
    # Compiling a plan of this size takes longer than it saves.
    settings = {"plan_cache_mode": mode, "jit": "off"}
    if asked.use.scope != "nation":
        # What is few is read by one process before another has started.
        settings["max_parallel_workers_per_gather"] = "0"
    chosen = ", ".join(f"set_config('{name}', '{value}', TRUE)" for name, value in settings.items())
    await (await session.connection()).execute(text(f"SELECT {chosen}"))


async def ask_flags_with_evidence(session: AsyncSession, asked: Asked) -> list[Flag]:
    """Every flag with its evidence, one for each rule and record, in order of fingerprint."""
    catalogue = await catalogue_of(session, asked)
    await _plan_for_these(session, asked)
    async with states_made(session, asked, catalogue.law) as use:
        statement, values = await statement_of(
            session,
            asked,
            compile_evidence(use, chosen=catalogue.rules, by_law=catalogue.law),
            confidential=list(CONFIDENTIAL_ACTS),
        )
        rows = (await (await session.connection()).execute(statement, values)).mappings().all()
    succession = await read_succession(session)
    by_id = {one.id: one for one in catalogue.rules}
    return _one_each(_flag(dict(row), by_id[row["rule"]], succession, asked.as_of) for row in rows)


async def ask_evidence(session: AsyncSession, asked: Asked) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """What is seen now of what is judged, flagged or not: by subject, for a record one row for each project."""
    statement, values = await statement_of(
        session, asked, compile_evidence(asked.use, only_acts=True), confidential=list(CONFIDENTIAL_ACTS)
    )
    await _plan_for_these(session, asked)
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in (await (await session.connection()).execute(statement, values)).mappings():
        found.setdefault((row["subject_kind"], row["subject_id"]), []).append(dict(row))
    return found


def _flag(row: dict[str, Any], rule: Rule, succession: Succession, as_of: date) -> Flag:
    act, acted_on = row["act"], row["acted_on"]
    basis = rule.basis_of(act)
    first_holder = rule.duty.get(act, "")
    day = row["judged_on"] if rule.day == "judged" or acted_on is None else acted_on
    evidence = evidence_of(row, rule) | {"duty_holder_on_day": succession.holder(first_holder, day)}
    kind = row["subject_kind"]
    if kind == "record":
        key, reference = f"{row['feed']}\n{row['source_key']}", f"{row['feed']}:{row['source_key']}"
    else:
        reference = row["subject_reference"]
        # An approval has its reference among those of its project alone; the project's own key is never given again.
        of_project = kind in ("approval", "project") and row["project"] is not None
        key = f"{row['project']['reference']}\n{reference if kind == 'approval' else ''}" if of_project else reference
    return Flag(
        fingerprint=fingerprint(rule.id, kind, key),
        rule=rule.id,
        rule_version=rule.version,
        basis=basis,
        severity=SEVERITIES[basis],
        lane=LANE_OF_JUDGED[act],
        subject_kind=kind,
        subject_id=row["subject_id"],
        subject_reference=reference,
        act=act,
        acted_on=acted_on,
        project_id=row["project_id"],
        enterprise_id=row["enterprise_id"] or row["owner_id"],
        sector=row["sector"],
        region=row["project_region"] or row["region"],
        reasons=tuple(sorted(set(row["reasons"]))),
        parameters=row["parameters"],
        citation=rule.citation(),
        evidence=evidence,
        evidence_hash=hash_of(evidence),
        duty_holder=succession.holder(first_holder, as_of),
        synthetic=row["synthetic"],
    )


def evidence_of(row: dict[str, Any], rule: Rule) -> dict[str, Any]:
    """The evidence as kept: the parts the rule asks for, absent ones left out; `confidential` is not for the public."""
    parts = ("record", "subject", "link", "project", "owner", *rule.evidence, "confidential")
    return {part: row[part] for part in parts if row[part] is not None}


def hash_of(evidence: dict[str, Any]) -> str:
    """The hash by which evidence is compared: equal facts give equal hashes in any database."""
    return blake2b(json_text(evidence).encode(), digest_size=16).hexdigest()


def _one_each(flags: Iterable[Flag]) -> list[Flag]:
    """One flag for each fingerprint: a record of several projects keeps all reasons and what else was seen."""
    found: dict[str, Flag] = {}
    for flag in flags:
        first = found.get(flag.fingerprint)
        if first is None:
            found[flag.fingerprint] = flag
            continue
        also = [
            *first.evidence.get("also", []),
            {part: flag.evidence.get(part) for part in ("link", "project", "owner")},
        ]
        if first.evidence_hash == flag.evidence_hash or also[-1] in also[:-1]:
            continue
        evidence = first.evidence | {"also": also}
        found[flag.fingerprint] = replace(
            first,
            reasons=tuple(sorted({*first.reasons, *flag.reasons})),
            evidence=evidence,
            evidence_hash=hash_of(evidence),
            synthetic=first.synthetic or flag.synthetic,
        )
    return [found[one] for one in sorted(found)]
