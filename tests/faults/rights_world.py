"""An invented register in two provinces with credit of two banks, and everybody who might look at it."""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.clock import now
from registry.database import transaction
from registry.import_items import ProjectItem
from registry.judging import judge_changed
from registry.linking import link_changed
from registry.names import normalise
from registry.project_writing import register_projects
from registry.restating import Telling
from registry.roles import OF_ROLE, SCOPES, Role, permissions_of, permissions_of_key
from registry.viewers import PUBLIC, Viewer
from tests.registry.pages import open_run, page, store

ROLES: tuple[Role, ...] = tuple(OF_ROLE)
REGIONS = ("130200", "320500")
BANKS = {"bank-jia": "示例甲银行", "bank-yi": "示例乙银行"}
# id -> kind, lanes, region; a bank's region says nothing of what it sees
ORGANISATIONS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "office": ("agency", ("approval",), "000000"),
    "finance": ("agency", ("credit",), "000000"),
    "finance-hebei": ("agency", ("credit",), "130000"),
    "finance-suzhou": ("agency", ("credit", "land"), "320500"),
    "land-tangshan": ("agency", ("land",), "130200"),
    "bank-jia": ("bank", (), "000000"),
    "bank-yi": ("bank", (), "320500"),
}


@dataclass(frozen=True)
class Looking:
    """Somebody who looks: the viewer as the register makes it, and how a browser or a program says who it is."""

    name: str
    viewer: Viewer
    kind: str = ""
    lenders: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    audits: bool = False

    def within(self, region: str | None) -> bool:
        """Whether a region is the viewer's own or below it, told by its digits alone."""
        mine = self.viewer.region
        return mine == "000000" or bool(mine and region and region.startswith(mine.rstrip("0").ljust(2, "0")))

    def may(self, *permissions: str) -> bool:
        """Whether the viewer has one of them."""
        return bool(self.viewer.permissions & set(permissions))

    def sees_credit_of(self, lender: str | None, region: str | None) -> bool:
        """Whether a credit record of this lender in this region is for the viewer, as the decision says it."""
        if self.kind == "bank":
            return self.may("credit_own") and lender in self.lenders
        return self.may("credit") and self.within(region)


def lookers(roles: tuple[Role, ...]) -> Iterator[tuple[str, Role | None, tuple[str, ...]]]:
    """Everybody who signs in, as (organisation, role, scopes): one person a role, and one key with all scopes."""
    for organisation in ORGANISATIONS:
        yield from ((organisation, role, ()) for role in roles)
        yield organisation, None, tuple(SCOPES)


async def people(connection: asyncpg.Connection, roles: tuple[Role, ...] = ROLES) -> list[Looking]:
    """Organisations, accounts, roles, keys and sign-ins, written into the register; the public comes first."""
    at = datetime.now(UTC)
    found = [Looking("public", PUBLIC)]
    for name, (kind, lanes, region) in ORGANISATIONS.items():
        names = [normalise(BANKS[name]).text] if name in BANKS else []
        await connection.execute(
            "INSERT INTO organisations (id, kind, name_zh, name_en, lanes, region, lender_names, invented, created_at) "
            "VALUES ($1, $2, '示例机构', 'Example', $3, $4, $5, true, $6)",
            name, kind, list(lanes), region, names, at,
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO audit_entries (at, actor, actor_kind, organisation_id, action, subject_kind, subject, why) "
            "VALUES ($1, 'someone', 'person', $2, 'project.correct', 'project', '1', $3)",
            at, name, f"因TGWHY{name}。",
        )  # fmt: skip
        await _ask_at_the_gate(connection, name, at)
        await _report(connection, name, at)
    for organisation, role, scopes in lookers(roles):
        kind, lanes, region = ORGANISATIONS[organisation]
        about: dict[str, Any] = {"organisation_id": organisation, "region": region}
        lenders = (normalise(BANKS[organisation]).text,) if organisation in BANKS else ()
        secret = secrets.token_urlsafe(16)
        digest = hashlib.sha256(secret.encode()).digest()
        if role is None:
            key = await connection.fetchval(
                "INSERT INTO api_keys (name, key_hash, scopes, organisation_id, created_at) "
                "VALUES ($1, $2, $3, $1, $4) RETURNING id",
                organisation, digest, list(scopes), at,
            )  # fmt: skip
            granted = permissions_of_key(frozenset(scopes), kind, frozenset(lanes))  # type: ignore[arg-type]  # one of the two kinds
            viewer = Viewer("key", key_id=key, actor=organisation, permissions=granted, **about)
            headers = {"authorization": f"Bearer {secret}"}
        else:
            account = await connection.fetchval(
                "INSERT INTO accounts (login, name, organisation_id, region, state, invented, created_at) "
                "VALUES ($1, $2, $3, $4, 'active', true, $5) RETURNING id",
                f"{organisation}.{role}", f"示例TGNAME{organisation}/{role}", organisation, region, at,
            )  # fmt: skip
            await connection.execute(
                "INSERT INTO role_grants (account_id, role, held_from, granted_by, granted_at) "
                "VALUES ($1, $2, date '2020-01-01', 'world', $3)",
                account, role, at,
            )  # fmt: skip
            await connection.execute(
                "INSERT INTO sign_ins (account_id, secret_hash, method, began_at, seen_at, ends_at, purpose) "
                "VALUES ($1, $2, 'provider', $3, $3, $4, '示例事项')",
                account, digest, at, at + timedelta(hours=8),
            )  # fmt: skip
            await connection.execute(
                "INSERT INTO recovery_codes (account_id, code_hash) VALUES ($1, $2)", account, secret
            )
            granted = permissions_of(frozenset({role}), kind, frozenset(lanes))  # type: ignore[arg-type]  # one of the two kinds
            viewer = Viewer("person", account_id=account, actor=organisation, permissions=granted, **about)
            headers = {"cookie": f"threegates_sign_in={secret}"}
        name = f"{organisation}/{role or 'key'}"
        found.append(Looking(name, viewer, kind, lenders, headers, audits=role == "auditor"))
    officer = next(one for one in found if one.name == "office/officer").viewer.account_id
    await connection.execute(
        "INSERT INTO proposals (kind, subject, reason, drafted_by, drafted_at, owner_id) "
        "VALUES ('merge', '1', '示例', $1, $2, $1)",
        officer, at,
    )  # fmt: skip
    for statement in (*_OF_DECIDERS, *_PUBLICATIONS, *_OF_DESKS):
        await connection.execute(statement)
    return found


# Every finding was decided once, and each region owes something.
_OF_DECIDERS = (
    "INSERT INTO finding_decisions (fingerprint, episode, decision, evidence_hash, account_id, actor, known_from) "
    "SELECT fingerprint, 1, 'confirmed', '', (SELECT min(id) FROM accounts), 'somebody', now() FROM findings "
    "WHERE known_to = 'infinity'",
    "INSERT INTO obligations (reference, measure, elimination, enterprise_id, owner, region, deadline, due, state, "
    "first_seen, known_from) SELECT concat('owed-', region), 'withdraw-permit', 'E1', "
    "(SELECT min(id) FROM enterprises), 'mep', region, date '2011-12-31', date '2012-01-31', 'open', now(), now() "
    "FROM (SELECT DISTINCT region FROM project_versions) AS r",
    # A case of every region for every desk, with and without credit, and a part of it of every kind.
    "INSERT INTO cases (number, path, title, desk_id, region, organisations, origin, credit, stage, stage_since, "
    "opened_at) SELECT concat('2026-', region, '-', o.id, c), '3-1', '示例', o.id, region, "
    "ARRAY[CASE o.id WHEN 'office' THEN 'land-tangshan' ELSE 'office' END], 'hand', c, 'verify', now(), now() "
    "FROM (SELECT DISTINCT region FROM project_versions) AS r CROSS JOIN (SELECT id FROM organisations WHERE kind = "
    "'agency') AS o CROSS JOIN (VALUES (true), (false)) AS credit(c)",
    "INSERT INTO case_subjects (case_id, kind, reference, credit, added_at) "
    "SELECT id, 'alert', number, c, now() FROM cases CROSS JOIN (VALUES (true)) AS credit(c)",
    "INSERT INTO case_tasks (case_id, kind, title, organisation_id, asked_for, asked_at, due, credit) "
    "SELECT id, 'opinion', '示例', organisations[1], desk_id, now(), current_date, NOT credit FROM cases",
    "INSERT INTO case_decisions (case_id, step, fact, reference, decided, at) "
    "SELECT id, 'halt', 'dispositions', number, current_date, now() FROM cases",
    "INSERT INTO case_notes (case_id, body, credit, at) SELECT id, '示例', id % 2 = 0, now() FROM cases",
    "INSERT INTO case_files (case_id, name, media_type, size, sha256, credit, at) "
    "SELECT id, 'a.txt', 'text/plain', 1, '', id % 3 = 0, now() FROM cases",
    "INSERT INTO case_file_contents (file_id, content) SELECT id, 'a' FROM case_files",
    "INSERT INTO case_events (case_id, kind, credit, at) SELECT id, 'opened', id % 2 = 0, now() FROM cases",
    # An alert of every lane for every desk and for none, with all that hangs on it.
    "INSERT INTO alerts (topic, rule, lane, severity, region, organisation_id, opened_at, changed_at) "
    "SELECT concat('project:', o.id, r.region, lane), 'land-without-approval', lane, 'violation', r.region, o.id, "
    "now(), now() FROM (SELECT id FROM organisations WHERE kind = 'agency' UNION ALL SELECT NULL) AS o, "
    "(SELECT DISTINCT region FROM project_versions) AS r, unnest(ARRAY['land', 'credit']) AS lane "
    "ON CONFLICT DO NOTHING",
    "UPDATE cases SET owner_id = (SELECT min(a.id) FROM accounts AS a WHERE a.organisation_id = cases.desk_id) "
    "WHERE id % 2 = 0",
    "UPDATE case_tasks SET assignee_id = (SELECT min(a.id) FROM accounts AS a WHERE a.organisation_id = "
    "case_tasks.organisation_id) WHERE id % 3 = 0",
    "UPDATE alerts SET case_id = (SELECT c.id FROM cases AS c WHERE c.id % 5 = alerts.id % 5 ORDER BY c.id LIMIT 1), "
    "state = 'in_case' WHERE id % 2 = 0",
    "INSERT INTO alert_findings (fingerprint, episode, alert_id, severity, added_at) "
    "SELECT id::text, 1, id, severity, now() FROM alerts",
    "INSERT INTO alert_events (alert_id, at, kind) SELECT id, now(), 'opened' FROM alerts",
    "INSERT INTO alert_silences (topic, rule, organisation_id, reason, began_at, ends_at, made_by) "
    "SELECT 'project:1', 'land-without-approval', id, '示例', now(), now() + interval '1 day', 'somebody' "
    "FROM organisations",
    "INSERT INTO announcements (key, kind, at, subject_kind, subject, path, organisation_id, account_ids, lane) "
    "SELECT concat(o.id, lane), 'alert.opened', now(), 'alert', '1', '/alerts/1', o.id, "
    "(SELECT array_agg(id) FROM accounts WHERE id % 3 = 0), lane "
    "FROM organisations AS o, unnest(ARRAY['land', 'credit']) AS lane",
    "INSERT INTO webhooks (organisation_id, name, url, secret_sealed, created_at, created_by) "
    "SELECT id, id, 'https://receiver.example', '', now(), 'somebody' FROM organisations",
    "INSERT INTO deliveries (announcement_id, channel, recipient, account_id, organisation_id, due_at) "
    "SELECT (SELECT min(id) FROM announcements), 'mail', concat('account:', id), id, organisation_id, now() "
    "FROM accounts",
    "INSERT INTO delivery_attempts (message_key, organisation_id, at, outcome) "
    "SELECT id, id, now(), 'sent' FROM organisations",
    "INSERT INTO notification_wishes (account_id) SELECT id FROM accounts",
)


# In each region one publication that is public and one that is a draft, with something said against both.
_SAID = (
    "INSERT INTO {table} (publication_id, {version}region, received_on, {columns}, received_by, received_at, shown) "
    "SELECT p.id, {of_version}p.region, current_date, {values}, a.first, now(), {shown} FROM publications AS p, "
    "(SELECT min(id) AS first, max(id) AS last FROM accounts) AS a{join}"
)
_PUBLICATIONS = (
    "INSERT INTO publications (reference, kind, subject, organisation_id, region, created_at, public_since) "
    "SELECT concat('P-', region, since), 'statistics', '2026', 'office', region, now(), since "
    "FROM (SELECT DISTINCT region FROM project_versions) AS r, (VALUES (now()), (NULL)) AS s (since)",
    "INSERT INTO publication_versions (publication_id, number, region, state, accuses, content, content_hash, "
    "evidence_hash, drafted_by, drafted_at, approved_by, published_at) SELECT p.id, 1, p.region, CASE WHEN "
    "public_since IS NULL THEN 'draft' ELSE 'published' END, false, '{}', '0', '0', a.first, now(), a.last, now() "
    "FROM publications AS p, (SELECT min(id) AS first, max(id) AS last FROM accounts) AS a",
    _SAID.format(
        table="publication_objections", version="version_id, ", of_version="v.id, ", columns="sender, content",
        values="'public', '示例'", shown="false", join=" JOIN publication_versions AS v ON true WHERE "
        "v.publication_id = p.id",
    ),
    _SAID.format(
        table="publication_replies", version="", of_version="", columns="enterprise_name, content, content_hash, "
        "file_hash, state, confirmed_by", values="'示例', '示例', '0', '0', CASE WHEN public_since IS NULL THEN 'open' "
        "ELSE 'confirmed' END, a.last", shown="public_since IS NOT NULL", join="",
    ),
    _SAID.format(
        table="publication_appeals", version="", of_version="", columns="grounds", values="'示例'",
        shown="public_since IS NOT NULL", join="",
    ),
    "INSERT INTO publication_chain (number, publication_id, event, item, at, content_hash, previous, digest) "
    "SELECT row_number() OVER (ORDER BY id), id, 'published', 1, now(), '0', '', id::text FROM publications "
    "WHERE public_since IS NOT NULL",
)  # fmt: skip

# Each desk has a key, and its thread is tied to a project.
_OF_DESKS = (
    "INSERT INTO tip_desk_keys (organisation_id, recipient, fingerprint, holder_id, added_by, since) "
    "SELECT organisation_id, 'age1', '00', min(id), min(id), date '2026-01-01' FROM accounts GROUP BY organisation_id",
    "INSERT INTO tip_links (thread_id, kind, reference, linked_on, linked_by) "
    "SELECT id, 'project', '1', day, (SELECT min(id) FROM accounts) FROM tip_threads",
    "INSERT INTO tip_outer_keys VALUES ('2026-01', '00', date '2026-01-01', date '2027-02-01')",
)


async def _report(connection: asyncpg.Connection, organisation: str, at: datetime) -> None:
    """A report to an organisation, with a part, and a part of a draft that was never sent."""
    await connection.execute("INSERT INTO tip_desks (organisation_id, since) VALUES ($1, $2)", organisation, at.date())
    await connection.execute(
        "INSERT INTO tip_threads (id, organisation_id, day, lookup_hash, recipient) "
        "VALUES ($1, $1, $2, $3, 'age1')",
        organisation, at.date(), organisation.encode(),
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO tip_parts (id, thread_id, draft_hash, organisation_id, day, outer_month) "
        "VALUES ($1, $1, NULL, $1, $2, '2026-01'), ('draft-' || $1, NULL, '', $1, $2, '2026-01')",
        organisation, at.date(),
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO tip_chunks (part_id, number, content) VALUES ($1, 0, ''), ('draft-' || $1, 0, '')", organisation
    )


async def _ask_at_the_gate(connection: asyncpg.Connection, organisation: str, at: datetime) -> None:
    """A gate check of an organisation, a notice about it, and a batch."""
    check = await connection.fetchval(
        "INSERT INTO gate_checks (address, asked_at, asker, organisation_id, lane, act, acted_on, answer, question, "
        "receipt, question_hash) VALUES ($1, $2, 'someone', $1, 'land', 'land_grant', $3, 'allow', '{}', '', '') "
        "RETURNING id",
        organisation, at, at.date(),
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO gate_notices (check_id, organisation_id, asker, at, answer, content) "
        "VALUES ($1, $2, 'someone', $3, 'refuse', '{}')",
        check, organisation, at,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO gate_batches (address, asked_at, asker, organisation_id, name, total, questions) "
        "VALUES ($1, $2, 'someone', $1, 'loans.csv', 0, '[]')",
        organisation, at,
    )  # fmt: skip


@dataclass(frozen=True)
class Credit:
    """What may not reach those who do not see one credit record: its number, its amount, its day."""

    key: str
    lender: str
    region: str
    number: str
    amount: Decimal
    acted_on: date

    def marks(self) -> tuple[str, ...]:
        """The texts by which it would be known again in a page, an answer or a file."""
        whole = int(self.amount)
        short = f"{whole // 10_000}"  # 万元, before the point
        day = self.acted_on
        return (
            self.number, str(whole), f"{whole:,}", f"{short[:3]},{short[3:]}", f"{short}.",
            day.isoformat(), f"{day.year}年{day.month}月{day.day}日", f"{day.day} {day:%B} {day.year}",
        )  # fmt: skip


def code(number: int) -> str:
    """The code of the invented project of this number; even ones are in the first region."""
    return f"2017-{REGIONS[number % 2]}-31-03-{number:06d}"


async def build(engine: AsyncEngine, projects: int, acts: tuple[str, ...]) -> list[Credit]:
    """Projects that nothing approves, the same acts for each in every lane, linked and judged; returns the credit."""
    telling = Telling(at=now(), reason="示例", actor="tests.faults")
    items = [
        {
            "reference": f"fault:P{number}",
            "code": code(number),
            "name": f"示例{number}号钢铁有限公司年产{number + 10}万吨炼钢项目",
            "owner_name": f"示例{number}号钢铁有限公司",
            "sector": "steel",
            "region": REGIONS[number % 2],
            "nature": "new_build",
            "stage": "construction",
            "invented": True,
        }
        for number in range(projects)
    ]
    async with transaction(engine) as session:
        await register_projects(session, [ProjectItem.model_validate(one) for one in items], telling)
    credit: list[Credit] = []
    for feed in ("land", "environment", "finance"):
        entries = list(_entries(feed, projects, acts, credit))
        writer = await open_run(engine, feed)
        broken = {"source_key": f"{feed}-broken", "broken": "TGBROKEN"}
        await store(engine, writer, page([*entries, broken], feed))
        if feed == "finance":
            # An earlier version of a loan stays in its history.
            first = dict(entries[0])
            first["months"], first["source_modified"] = 13, "2024-03-01T00:00:00+00:00"
            await store(engine, writer, page([first], "again"))
    async with transaction(engine) as session:
        await (await session.connection()).exec_driver_sql("UPDATE sync_runs SET state = 'done'")
    while True:
        async with transaction(engine) as session:
            if not (await link_changed(session, now())).claimed:
                break
    while True:
        async with transaction(engine) as session:
            if await judge_changed(session, now()) is None:
                break
    async with transaction(engine) as session:
        for statement in _FOR_PEOPLE:
            await (await session.connection()).exec_driver_sql(statement)
        await (await session.connection()).exec_driver_sql(
            "INSERT INTO gate_marks (record_id, project_id, mark, known_from) SELECT record_id, project_id, 'without', "
            "now() FROM links WHERE known_to = 'infinity' AND project_id IS NOT NULL"
        )
    return credit


# Every record awaits a person and was decided once; one suspected project of all gates, and one of credit alone.
_CREDIT_OR_NOT = "CASE WHEN act IN ('loan', 'bond') THEN 2 ELSE 1 END"
_FOR_PEOPLE = (
    "INSERT INTO review_items (record_id, cause, best_score, candidates, amount, known_from) "
    "SELECT record_id, 'likely_match', 0.5, 1, amount, now() FROM records WHERE known_to = 'infinity'",
    "INSERT INTO link_candidates (record_id, project_id, score, model, known_from) SELECT record_id, p.id, 0.5, 'm', "
    "now() FROM records, (SELECT min(id) AS id FROM projects) AS p WHERE known_to = 'infinity'",
    "INSERT INTO link_decisions (record_id, verdict, reason, actor, decided_at, in_force) "
    "SELECT record_id, 'unsure', concat('示例', number, amount), 'somebody', now(), false FROM records "
    "WHERE known_to = 'infinity'",
    "INSERT INTO suspected_projects (created_at) VALUES (now()), (now())",
    "INSERT INTO suspected_versions (suspected_id, sector, party_name, region, records, credit_only, known_from) "
    "SELECT id, 'steel', '示例疑似', '130200', 1, id = 2, now() FROM suspected_projects",
    # The first holds one record of every act, credit too; the second the rest of the credit.
    "INSERT INTO suspected_members (suspected_id, record_id, known_from) SELECT CASE WHEN record_id = first THEN 1 "
    f"ELSE {_CREDIT_OR_NOT} END, record_id, now() FROM (SELECT *, min(record_id) OVER (PARTITION BY act) AS first "
    "FROM records WHERE known_to = 'infinity') AS r",
)


def _entries(feed: str, projects: int, acts: tuple[str, ...], credit: list[Credit]) -> Iterator[dict[str, Any]]:
    for number in range(projects):
        common = {
            "project_code": code(number),
            "party_name": f"示例{number}号钢铁有限公司",
            "region": REGIONS[number % 2],
        }
        if feed == "land":
            day = date(2018, 6, number + 1)
            yield {**common, "source_key": f"land-{number}", "act": "land_grant", "acted_on": day}
        elif feed == "environment":
            day = date(2018, 8, number + 1)
            yield {**common, "source_key": f"env-{number}", "act": "discharge_permit", "acted_on": day}
        else:
            for bank, lender in BANKS.items():
                for act in acts:
                    place = len(credit)
                    one = Credit(
                        f"fin-{place}", normalise(lender).text, common["region"], f"TGLOAN{place:04d}",
                        Decimal(7_341_200_053 + place * 10_000), date(2015, 3 + place // 25, place % 25 + 2),
                    )  # fmt: skip
                    credit.append(one)
                    yield {
                        **common, "source_key": one.key, "act": act, "kind": "construction", "authority": lender,
                        "amount": one.amount, "number": one.number, "acted_on": one.acted_on, "lender_bank": bank,
                    }  # fmt: skip
