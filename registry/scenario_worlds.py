"""Running scenarios: each world is registered, stored, linked and judged as in production, then rolled back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.arrivals import Refused
from registry.clock import CIVIL_ZONE
from registry.database import json_text
from registry.errors import ThreegatesError
from registry.flags import Flag
from registry.identifiers import industry
from registry.judging import replay
from registry.law_fact_writing import FACT_KINDS, tell_facts
from registry.linking import link_changed
from registry.record_fields import RECORD_FIELDS
from registry.registering import EnterpriseItem, ProjectItem, Telling, register_enterprises, register_projects
from registry.scenario_law_facts import law_facts_of, reference_of
from registry.scenarios import Capacity, Project, Record, Scenario
from registry.storing import Writer, store_page

FEED: Final = "scenario"
# What a scenario does not date was known long ago.
LONG_AGO: Final = datetime(1990, 1, 1, tzinfo=UTC)
# The name of an owner whom the scenario does not name: nobody's.
_NOBODY: Final = "scenario:nobody"


@dataclass(frozen=True, slots=True)
class Found:
    """One finding that came out of a scenario."""

    rule: str
    subject: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out of a scenario, and how it differs from what was expected."""

    scenario: str
    ok: bool
    findings: tuple[Found, ...]
    problems: tuple[str, ...] = ()


def end_of(day: date) -> datetime:
    """The last instant of a civil day: what was received on it was known."""
    return datetime.combine(day + timedelta(days=1), time(), CIVIL_ZONE) - timedelta(microseconds=1)


async def run_scenario(engine: AsyncEngine, scenario: Scenario, *, known_at: date | None = None) -> Outcome:
    """Build the world in a transaction, judge it, roll it back; `known_at` stands above the scenario's own."""
    async with AsyncSession(engine, expire_on_commit=False) as session:
        await build_world(session, scenario)
        day = known_at or scenario.known_at
        flags = await replay(
            session,
            scenario.as_of,
            datetime.max.replace(tzinfo=UTC) - timedelta(days=1) if day is None else end_of(day),
        )
        await session.rollback()
    return compare(scenario, flags)


def compare(scenario: Scenario, flags: Sequence[Flag]) -> Outcome:
    """Hold what came out against what was expected: nothing missing, nothing extra, the same reasons where given."""
    findings = tuple(
        Found(flag.rule, flag.subject_reference.removeprefix(f"{FEED}:"), flag.reasons)
        for flag in sorted(flags, key=lambda one: (one.rule, one.subject_reference))
    )
    compared, wanted = scenario.compared, dict(scenario.wanted)
    problems = []
    for found in findings:
        if found.rule not in compared:
            continue
        key = (found.rule, found.subject)
        expecting = key in wanted
        reasons = wanted.pop(key, frozenset())
        if not expecting or (reasons is not None and reasons != frozenset(found.reasons)):
            given = ", ".join(found.reasons) or "no reasons"
            expected = f"expected {', '.join(sorted(reasons or ())) or 'no reasons'}" if expecting else "not expected"
            problems.append(f"{found.rule} {found.subject}: {given}; {expected}")
    problems += [f"{rule} {subject}: expected, did not come out" for rule, subject in wanted]
    return Outcome(scenario.scenario, not problems, findings, tuple(problems))


async def build_world(session: AsyncSession, scenario: Scenario) -> None:
    """Register enterprises, projects and what was decided of them as known long ago, then store and link the records.

    Records come in the order of their receipt.
    """
    telling = Telling(actor="scenario", at=LONG_AGO)
    await register_enterprises(session, _enterprises(scenario), telling)
    await register_projects(
        session, [_project(scenario, at, one) for at, one in enumerate(scenario.projects or ())], telling
    )
    for kind, items in law_facts_of(scenario).items():
        await tell_facts(session, FACT_KINDS[kind], items, telling)
    connection = await session.connection()
    await connection.execute(
        text("INSERT INTO feeds (id, name_zh, name_en) VALUES (:id, '情景', 'Scenario')"), {"id": FEED}
    )
    by_day: dict[datetime, list[Record]] = {}
    for record in scenario.records or ():
        at = LONG_AGO if record.received is None else datetime.combine(record.received, time(), CIVIL_ZONE)
        by_day.setdefault(at, []).append(record)
    for token, at in enumerate(sorted(by_day), start=1):
        await _store(session, by_day[at], at, token)
        while (await link_changed(session, at)).claimed:
            pass


async def _store(session: AsyncSession, records: Sequence[Record], at: datetime, token: int) -> None:
    """Store records as one page of a run of their own, which then is done, so that its marks are claimed."""
    connection = await session.connection()
    run = await connection.scalar(
        text(
            "WITH fence AS (UPDATE feeds SET last_token = :token WHERE id = :feed) INSERT INTO sync_runs "
            "(feed, slot, state, token) VALUES (:feed, :at, 'running', :token) RETURNING id"
        ),
        {"feed": FEED, "at": at, "token": token},
    )
    rows = [_row(record) for record in records]
    page = _Page(
        keys=[record.id for record in records],
        raws=[json_text(record.model_dump(mode="json", exclude_none=True)).encode() for record in records],
    )

    def interpret(positions: Sequence[int]) -> list[tuple[Any, ...]]:
        return [rows[position] for position in positions]

    counts = await store_page(session, Writer(FEED, int(run or 0), token, "scenario"), page, interpret, at)
    if counts.added != len(records):
        raise ThreegatesError("A record of the scenario could not be stored.", where=", ".join(page.keys))
    await connection.execute(text("UPDATE sync_runs SET state = 'done' WHERE id = :run"), {"run": run})


@dataclass(frozen=True)
class _Page:
    """A page as a connector would yield it."""

    keys: list[str]
    raws: list[bytes]
    label: str = "scenario"
    rejected: Sequence[Refused] = ()
    checkpoint: Mapping[str, Any] = field(default_factory=dict)
    received_bytes: int = 0
    newest: datetime | None = None
    notes: list[str] = field(default_factory=list)


def _enterprises(scenario: Scenario) -> list[EnterpriseItem]:
    items = {
        one.uscc: EnterpriseItem.model_validate(
            {
                "reference": one.uscc,
                "uscc": one.uscc,
                "name": one.name or one.uscc,
                "region": one.region,
                "names": [{"name": name, "kind": "former"} for name in one.former_names or ()],
            }
        )
        for one in scenario.enterprises or ()
    }
    for project in scenario.projects or ():
        if project.owner is None:
            items[_NOBODY] = EnterpriseItem(reference=_NOBODY, name=_NOBODY)
    named = [project.owner for project in scenario.projects or ()]
    for several in (scenario.equipment, scenario.eliminations, scenario.orders):
        named += [one.enterprise for one in several or ()]
    for uscc in named:
        if uscc is not None and uscc not in items:
            items[uscc] = EnterpriseItem(reference=uscc, uscc=uscc, name=uscc)
    return list(items.values())


def _project(scenario: Scenario, at: int, project: Project) -> ProjectItem:
    owner = next((one for one in scenario.enterprises or () if one.uscc == project.owner), None)
    region = project.region or (project.code[5:11] if project.code else None) or (owner.region if owner else None)
    return ProjectItem.model_validate(
        {
            "reference": reference_of(at, project),
            "code": project.code,
            "name": project.name or project.code or f"scenario:{at}",
            "owner": project.owner or _NOBODY,
            "sector": project.sector or "other",
            "region": region or "000000",
            "nature": project.nature or "new_build",
            "stage": "construction",
            "capacities": [_capacity(one) for one in project.capacities or ()],
            "approvals": [
                {
                    "reference": one.id,
                    "kind": one.kind,
                    "issued": one.issued,
                    "expires": one.expires,
                    "revoked": one.revoked,
                    "capacities": None if one.capacities is None else [_capacity(line) for line in one.capacities],
                }
                for one in project.approvals or ()
            ],
        }
    )


def _capacity(line: Capacity) -> dict[str, str]:
    return {"product": line.product, "amount": str(line.amount), "unit": line.unit}


_DETAILS: Final = ("price", "base_price", "benchmark_price", "subsidy", "kwh_per_tonne", "meets_norm")


def _row(record: Record) -> tuple[Any, ...]:
    """The record in the order of RECORD_FIELDS. Check digits are not warned of here: a scenario means what it says."""
    details = {name: str(value) for name in _DETAILS if (value := getattr(record, name)) is not None}
    values: dict[str, Any] = {
        "source_key": record.id,
        "act": record.act,
        "acted_on": record.on,
        "project_code": record.project_code,
        "project_name": record.project_name,
        "party_name": record.party_name,
        "party_uscc": record.party,
        "region": record.region,
        "industry": record.industry,
        "industry_edition": industry.parse(record.industry).edition if record.industry else None,
        "kind": record.kind,
        "months": record.months,
        "stated_capacity": None
        if record.stated_capacity is None
        else [_capacity(one) for one in record.stated_capacity],
        "expires": record.expires,
        "revoked": record.revoked,
        "details": details or None,
        "synthetic": True,
    }
    return tuple(values.get(name) for name in RECORD_FIELDS)
