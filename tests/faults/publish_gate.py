"""publish_gate: whatever people try, no accusation is public without two approvers and its evidence."""

import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import orjson
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.clock import civil_day, now
from registry.database import make_engine, transaction
from registry.errors import ThreegatesError
from registry.flags import hash_of
from registry.law_fact_writing import FACT_KINDS, tell_facts
from registry.publishing import chain, hearing, press
from registry.publishing.drafting import correct, draft, drop, revise, submit
from registry.publishing.hearing import Letter
from registry.reading import rows
from registry.restating import Telling
from registry.roles import Permission
from registry.settings import Settings
from registry.viewers import PUBLIC, Viewer, become
from search.client import Servers, make_client
from search.index import index_changed
from search.mapping import alias
from search.verify import verify
from tests.faults.account import Account
from tests.faults.rls_matrix import portal
from tests.registry.test_deciding_findings import person
from tests.registry.worlds import keep, project, scenario
from tests.scratch_server import database, elasticsearch

# Transitions tried, projects with a decision each, and how often pages, interfaces and files are read.
SCALES: Final = {"small": (150, 5, 75), "full": (100_000, 12, 5_000)}
# Longest that anything of a withdrawn publication may be read anywhere.
GONE_WITHIN: Final = 60.0
PAGES: Final = (
    "/notices?origin=register",
    "/publications.csv?origin=register",
    "/publications.atom",
    "/api/v1/publications?origin=register&limit=200",
    "/search?kind=publication",
    "/api/v1/search?kind=publication&limit=100",
)
_FORGERIES: Final = (
    "UPDATE publication_versions SET state = 'published', published_at = now() WHERE id = :id",
    "UPDATE publication_versions SET state = 'displayed', displayed_at = now(), objections_until = current_date "
    "WHERE id = :id",
    "UPDATE publication_versions SET accuses = false, approved_by = :other, second_approved_by = :me WHERE id = :id "
    "AND state <> 'draft'",
    "UPDATE publication_versions SET content = '{}' WHERE id = :id AND state <> 'draft'",
    "UPDATE publications SET public_since = now(), withdrawn_at = NULL, withdrawn_reason = '' WHERE id = :publication",
    "UPDATE publication_replies SET shown = true, state = 'confirmed', confirmed_by = :other WHERE "
    "publication_id = :publication",
    "DELETE FROM publication_chain",
)
# What the owner of the tables may not do either, short of taking the triggers away.
_BY_THE_OWNER: Final = (*_FORGERIES[:2], _FORGERIES[3], _FORGERIES[6])


async def run(url: str, account: Account) -> None:
    """Try so many transitions by chance, held after each against an account of our own."""
    with elasticsearch() as address:
        async with database(url, "fault_publish_gate") as dsn:
            engine = make_engine(dsn)
            prefix = f"tg-fault-publish-{os.getpid()}"
            servers = Servers(engine, make_client(Settings(elasticsearch_url=address)), prefix)
            try:
                gate = _Gate(servers, account, random.Random(f"{account.seed}/publish_gate"))
                named = {"THREEGATES_ELASTICSEARCH_URL": address, "THREEGATES_INDEX_PREFIX": prefix}
                async with portal(dsn, named) as (client, _projects):
                    await _try(gate, client, account)
            finally:
                await engine.dispose()
                for index in servers.elasticsearch.indices.get(index=f"{prefix}-*"):
                    servers.elasticsearch.indices.delete(index=index)
                servers.elasticsearch.close()


async def _try(gate: "_Gate", client: Any, account: Account) -> None:
    steps, projects, every = SCALES[account.scale]
    await gate.begin(projects)
    gate.client = client
    for number in range(1, steps + 1):
        await gate.step()
        if number % every == 0:
            await gate.look_everywhere()
    await gate.look_everywhere()
    differing = [one.target for one in await verify(gate.servers) if not one.agrees or one.waiting]
    account.expect("indices that do not agree with the register", differing, [])
    async with transaction(gate.engine) as session:
        verified = await chain.verify(session)
    account.expect("links or contents that do not verify", verified.problems, [])
    account.counters |= {
        "transitions": steps,
        **dict(sorted(gate.counted.items())),
        "links": verified.links,
        "slowest_withdrawal_seconds": round(gate.slowest, 3),
    }
    account.expect("whether accusations became public at all", gate.counted["accusations_public"] > 0, True)
    account.expect("whether accusations were in the index at all", gate.counted["found_in_index"] > 0, True)
    account.expect("whether withdrawals happened at all", gate.counted["withdrawn"] > 0, True)
    account.expect("withdrawals gone too late", gate.slowest > GONE_WITHIN, False)


class _Gate:
    """The people, what they did as it was seen from outside, and what must follow from it."""

    def __init__(self, servers: Servers, account: Account, chance: random.Random) -> None:
        self.servers, self.engine, self.account, self.chance = servers, servers.database, account, chance
        self.at = now() + timedelta(hours=1)
        self.counted: Counter[str] = Counter()
        self.slowest = 0.0
        self.client: Any = None
        self.subjects: list[tuple[str, str]] = []
        # Of each version, by its id: who approved it, and the hashes it was submitted with.
        self.approvals: dict[int, list[frozenset[int]]] = {}
        self.frozen: dict[int, tuple[str, str]] = {}
        self.withdrawn: set[int] = set()
        self.words = 0

    async def begin(self, projects: int) -> None:
        """The world and its people; some act for others."""
        codes = [f"2014-130200-31-03-{number:06d}" for number in range(1, projects + 1)]
        await keep(self.engine, scenario([], *(
            project(code=code, name=f"年产{number}00万吨炼钢示例项目", approvals=[{"id": f"A{number}", "kind": "filing",
                    "issued": "2014-06-01"}])
            for number, code in enumerate(codes, 1)
        )))  # fmt: skip
        self.codes = codes
        await self._tell([self._disposition(number, "halt") for number in range(projects)])
        self.subjects = [("disposition", f"D{number}") for number in range(projects)]
        many: tuple[tuple[Permission, ...], ...] = (
            *(("publish",),) * 3, *(("approve", "decide"),) * 4, ("decide",), ("register",),
        )  # fmt: skip
        self.people = [await person(self.engine, *permissions) for permissions in many]
        drafter, approver = self.people[0], self.people[3]
        for of in (drafter, approver):
            acting = await person(self.engine, "approve", "decide", "publish")
            acts_for = frozenset({of.account_id or 0})
            self.people.append(Viewer(**{**_fields(acting), "acts_for": acts_for}))

    def _disposition(self, number: int, kind: str) -> dict[str, Any]:
        return {"reference": f"D{number}", "project": self.codes[number], "kind": kind, "decided": "2014-07-01"}

    async def _tell(self, said: list[dict[str, Any]]) -> None:
        kind = FACT_KINDS["dispositions"]
        async with transaction(self.engine) as session:
            items = [kind.item.model_validate(one) for one in said]
            await tell_facts(session, kind, items, Telling("world", self.at, "fault"))

    async def step(self) -> None:
        """One transition by somebody; what is refused is as good as what happens."""
        self.at += timedelta(minutes=self.chance.randrange(1, 600))
        name, work = self.chance.choice(_STEPS)
        viewer = self.chance.choice(self.people)
        if self.chance.random() < 0.7:
            # Mostly somebody who may, so that there is much to go wrong.
            needed: Permission = "approve" if name in _FOR_APPROVERS else "publish"
            viewer = self.chance.choice([one for one in self.people if one.may(needed)])
        try:
            await work(self, viewer)
            self.counted["done"] += 1
            self.counted[name] += 1
        except (ThreegatesError, DBAPIError):
            self.counted["refused"] += 1
        await self._hold(await self._rows("SELECT v.*, p.withdrawn_at, p.kind FROM publication_versions AS v JOIN "
                                          "publications AS p ON p.id = v.publication_id WHERE v.publication_id = "
                                          f"{self.touched}") if self.touched else [])  # fmt: skip

    touched = 0

    async def _rows(self, statement: str) -> list[dict[str, Any]]:
        """What the public sees."""
        async with transaction(self.engine) as session:
            await become(session, PUBLIC)
            return await rows(session, statement)

    async def _some(self, states: tuple[str, ...]) -> dict[str, Any]:
        """A version in one of these states, as its owner sees it."""
        async with transaction(self.engine) as session:
            found = await rows(
                session,
                "SELECT * FROM publication_versions WHERE state = ANY(:states) ORDER BY id DESC LIMIT 40",
                states=list(states),
            )
        if not found:
            raise ThreegatesError("nothing of this kind")
        one = self.chance.choice(found)
        self.touched = int(one["publication_id"])
        return one

    async def _as(self, viewer: Viewer, work: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
        async with transaction(self.engine) as session:
            await become(session, viewer)
            return await work(session)

    def _statement(self) -> str:
        self.words += 1
        return f"示例说明TGWORD{self.words}X" if self.chance.random() < 0.5 else ""

    async def draft(self, viewer: Viewer) -> None:
        kind, subject = self.chance.choice(self.subjects)
        self.touched = await self._as(
            viewer, lambda session: draft(session, viewer, kind, subject, self._statement(), self.at)
        )

    async def revise(self, viewer: Viewer) -> None:
        one = await self._some(("draft", "submitted", "displayed"))
        words = self._statement()
        await self._as(
            viewer, lambda s: revise(s, viewer, one["publication_id"], words, "示例", one["version"], self.at)
        )

    async def submit(self, viewer: Viewer) -> None:
        one = await self._some(("draft", "submitted"))
        if self.chance.random() < 0.7:
            viewer = next((who for who in self.people if who.account_id == one["drafted_by"]), viewer)
        await self._as(viewer, lambda session: submit(session, viewer, one["publication_id"], one["version"], self.at))
        self.frozen[one["id"]] = (one["content_hash"], one["evidence_hash"])
        self.approvals[one["id"]] = []

    async def _proposal(self) -> dict[str, Any]:
        async with transaction(self.engine) as session:
            found = await rows(session, "SELECT * FROM proposals WHERE state = 'open' ORDER BY id DESC LIMIT 20")
        if not found:
            raise ThreegatesError("nothing is proposed")
        one = self.chance.choice(found)
        self.touched = int(one["content"]["publication"])
        return one

    async def approve(self, viewer: Viewer) -> None:
        one = await self._proposal()
        if one["kind"] == press.WITHDRAWAL:
            await self._withdrawing(one["content"]["publication"], lambda: self._as(
                viewer, lambda s: press.approve_withdrawal(s, viewer, one["id"], one["version"], "", self.at)
            ))  # fmt: skip
            return
        await self._as(viewer, lambda s: press.approve(s, viewer, one["id"], one["version"], "", self.at))
        hands = frozenset({viewer.account_id or 0, *viewer.acts_for})
        self.approvals[one["content"]["version"]].append(hands)

    async def refuse(self, viewer: Viewer) -> None:
        one = await self._proposal()
        work = press.refuse_withdrawal if one["kind"] == press.WITHDRAWAL else press.refuse
        await self._as(viewer, lambda s: work(s, viewer, one["id"], one["version"], "不同意", self.at))

    async def drop(self, viewer: Viewer) -> None:
        one = await self._some(("draft", "submitted", "displayed"))
        await self._as(viewer, lambda session: drop(session, viewer, one["publication_id"], self.at))

    async def correct(self, viewer: Viewer) -> None:
        one = await self._some(("published", "displayed", "withdrawn"))
        words = self._statement()
        await self._as(viewer, lambda s: correct(s, viewer, one["publication_id"], words, "示例更正", self.at))

    async def ask_withdrawal(self, viewer: Viewer) -> None:
        one = await self._some(("published", "displayed", "withdrawn"))
        await self._as(
            viewer, lambda s: press.ask_withdrawal(s, viewer, one["publication_id"], "示例撤回理由", self.at)
        )

    async def object(self, viewer: Viewer) -> None:
        one = await self._some(("displayed", "published"))
        letter = Letter(civil_day(self.at), "示例异议")
        await self._as(
            viewer, lambda s: hearing.receive_objection(s, viewer, one["publication_id"], letter, "public", self.at)
        )

    async def answer(self, viewer: Viewer) -> None:
        letter = await self._letter("publication_objections")
        upheld = self.chance.random() < 0.2
        await self._withdrawing(0, lambda: self._as(
            viewer, lambda s: hearing.answer_objection(s, viewer, letter, "示例答复", self.at, upheld=upheld)
        ))  # fmt: skip

    async def reply(self, viewer: Viewer) -> None:
        one = await self._some(("displayed", "published", "withdrawn", "submitted"))
        letter = Letter(civil_day(self.at), f"示例答复TGREPLY{self.words}X 13800138000", "0" * 64)
        await self._as(viewer, lambda s: hearing.receive_reply(s, viewer, one["publication_id"], letter, self.at))

    async def confirm(self, viewer: Viewer) -> None:
        letter = await self._letter("publication_replies")
        await self._as(viewer, lambda s: hearing.confirm_reply(s, viewer, letter, self.at, whole=True))

    async def appeal(self, viewer: Viewer) -> None:
        one = await self._some(("displayed", "published", "withdrawn"))
        letter = Letter(civil_day(self.at), "示例申诉", "0" * 64)
        await self._as(viewer, lambda s: hearing.receive_appeal(s, viewer, one["publication_id"], letter, self.at))

    async def decide(self, viewer: Viewer) -> None:
        letter = await self._letter("publication_appeals")
        outcome = self.chance.choice(("", "", "correct", "withdraw"))
        await self._withdrawing(self.touched if outcome == "withdraw" else 0, lambda: self._as(
            viewer, lambda s: hearing.answer_appeal(s, viewer, letter, "示例答复", outcome, self.at)
        ))  # fmt: skip

    async def _letter(self, table: str) -> int:
        async with transaction(self.engine) as session:
            found = await rows(session, f"SELECT id, publication_id FROM {table} WHERE state = 'open' LIMIT 20")
        if not found:
            raise ThreegatesError("nothing is open")
        one = self.chance.choice(found)
        self.touched = int(one["publication_id"])
        return int(one["id"])

    async def wait(self, viewer: Viewer) -> None:
        """Days pass, and the job looks."""
        self.at += timedelta(days=self.chance.randrange(0, 12))
        async with transaction(self.engine) as session:
            self.counted["published_by_the_job"] += len(await press.publish_due(session, self.at))

    async def change(self, viewer: Viewer) -> None:
        """What a publication rests on changes."""
        number = self.chance.randrange(len(self.codes))
        await self._tell([self._disposition(number, self.chance.choice(("halt", "concealed", "not_recognise")))])

    async def forge(self, viewer: Viewer) -> None:
        """Past all functions: by SQL as somebody, or as the owner of the tables."""
        one = await self._some(("draft", "submitted", "displayed", "withdrawn"))
        owner = self.chance.random() < 0.3
        statement = self.chance.choice(_BY_THE_OWNER if owner else _FORGERIES)
        async with transaction(self.engine) as session:
            if owner and (one["state"] == "displayed" or one["approved_by"]):
                raise ThreegatesError("the owner may do what the press may")
            if not owner:
                await become(session, viewer)
            values = {"id": one["id"], "publication": one["publication_id"], "me": viewer.account_id, "other":
                      self.people[4].account_id}  # fmt: skip
            used = {name: value for name, value in values.items() if f":{name}" in statement}
            await (await session.connection()).execute(text(statement), used)

    async def _withdrawing(self, publication: int, work: Callable[[], Awaitable[Any]]) -> None:
        """Do it; what it withdrew is gone from then on."""
        before = await self._words_of(self.touched)
        await work()
        began = time.monotonic()
        gone = await self._rows(f"SELECT id FROM publications WHERE id = {self.touched} AND withdrawn_at IS NOT NULL")
        if not gone:
            return
        self.withdrawn.add(self.touched)
        self.counted["withdrawn"] += 1
        if self.counted["withdrawn"] % (1 if self.account.scale == "small" else 25) == 0:
            for page in (*PAGES, f"/publications/{self.touched}", f"/api/v1/publications/{self.touched}"):
                answer = await self.client.get(page)
                if any(word in answer.text for word in before):
                    self.account.breaches.append(f"{page} still shows a withdrawn publication")
            # As the worker does; the pages above came before it.
            await index_changed(self.servers, visible=True)
            if self.touched in await self._indexed():
                self.account.breaches.append(f"the index still holds the withdrawn publication {self.touched}")
            self.slowest = max(self.slowest, time.monotonic() - began)

    async def _indexed(self) -> dict[int, str]:
        """What the index holds of publications, whatever a search would show: id and the whole document."""
        answer = self.servers.elasticsearch.search(
            index=alias(self.servers.prefix, "publications"),
            size=1000,
            query={"bool": {"must_not": [{"term": {"deleted": True}}]}},
        )
        return {int(hit["_id"]): orjson.dumps(hit["_source"]).decode() for hit in answer["hits"]["hits"]}

    async def _hold_index(self) -> None:
        """The index holds exactly what is in force or on display, as it reads."""
        await index_changed(self.servers, visible=True)
        held = await self._indexed()
        public = await self._rows(
            "SELECT DISTINCT ON (v.publication_id) v.publication_id, v.state, v.title_zh FROM publication_versions "
            "AS v JOIN publications AS p ON p.id = v.publication_id WHERE v.state IN ('published', 'displayed') "
            "AND p.withdrawn_at IS NULL ORDER BY v.publication_id, v.state = 'published' DESC"
        )
        self.account.expect("publications in the index", sorted(held), sorted(row["publication_id"] for row in public))
        self.counted["found_in_index"] += len(held)
        for row in public:
            document = held.get(row["publication_id"], "")
            if row["title_zh"] not in document or f'"publication_state":"{row["state"]}"' not in document:
                self.account.breaches.append(f"the index holds another text of publication {row['publication_id']}")

    async def _words_of(self, publication: int) -> set[str]:
        shown = await self._rows(
            f"SELECT content ->> 'statement' AS said FROM publication_versions WHERE publication_id = {publication} "
            f"UNION SELECT content FROM publication_replies WHERE publication_id = {publication} AND shown"
        )
        return {row["said"] for row in shown if row["said"]}

    async def _hold(self, seen: list[dict[str, Any]]) -> None:
        """What the public sees of one publication must have passed the gate."""
        for row in seen:
            drafter, given = row["drafted_by"], self.approvals.get(row["id"], [])
            others = [hands for hands in given if drafter not in hands]
            facts, statement = row["content"]["facts"], row["content"]["statement"]
            accused = bool(facts.get("enterprise_name")) and (
                row["kind"] in ("disposition", "rectification") or statement
            )
            apart = len(others) >= 2 and not others[0] & others[1]
            hashes = (hash_of(row["content"]), hash_of({"evidence": row["evidence"]}))
            self.counted["looked_at"] += 1
            self.counted["accusations_public"] += bool(accused)
            if accused and not apart:
                self.account.breaches.append(f"version {row['id']} accuses in public with {len(others)} approvers")
            if not others:
                self.account.breaches.append(f"version {row['id']} is public without approval")
            if hashes != self.frozen.get(row["id"]) or (accused and not row["evidence"]):
                self.account.breaches.append(f"version {row['id']} is public with content or evidence not frozen")
            if row["withdrawn_at"] is not None or row["publication_id"] in self.withdrawn:
                self.account.breaches.append(f"version {row['id']} is public though withdrawn")

    async def look_everywhere(self) -> None:
        """All that is public at once, and the portal's own answers."""
        await self._hold(await self._rows(
            "SELECT v.*, p.withdrawn_at, p.kind FROM publication_versions AS v JOIN publications AS p "
            "ON p.id = v.publication_id"
        ))  # fmt: skip
        hidden = {row["said"] for row in await self._all("SELECT content ->> 'statement' AS said FROM "
                  "publication_versions WHERE state NOT IN ('displayed', 'published', 'superseded') ORDER BY id DESC "
                  "LIMIT 500")}  # fmt: skip
        shown = {
            row["said"] for row in await self._rows("SELECT content ->> 'statement' AS said FROM publication_versions")
        }
        for page in PAGES:
            answer = await self.client.get(page)
            self.account.expect(f"status of {page}", answer.status_code, 200)
            for word in hidden - shown - {""}:
                if word in answer.text:
                    self.account.breaches.append(f"{page} shows what is not public")
        await self._hold_index()
        letters = await self._rows("SELECT r.id FROM publication_replies AS r JOIN publications AS p ON "
                                   "p.id = r.publication_id WHERE r.confirmed_by = r.received_by OR r.content LIKE "
                                   "'%13800138000%' OR p.withdrawn_at IS NOT NULL")  # fmt: skip
        self.account.expect("replies shown that should not be", letters, [])

    async def _all(self, statement: str) -> list[dict[str, Any]]:
        async with transaction(self.engine) as session:
            return await rows(session, statement)


def _fields(viewer: Viewer) -> dict[str, Any]:
    return {name: getattr(viewer, name) for name in Viewer.__dataclass_fields__}


_FOR_APPROVERS: Final = ("approve", "refuse", "answer", "decide", "confirm")
_WEIGHTS: Final = {
    "draft": 6, "revise": 2, "submit": 8, "approve": 16, "refuse": 1, "drop": 1, "correct": 4, "ask_withdrawal": 3,
    "object": 3, "answer": 5, "reply": 3, "confirm": 4, "appeal": 3, "decide": 5, "wait": 6, "change": 1, "forge": 6,
}  # fmt: skip
_STEPS: Final = [(name, getattr(_Gate, name)) for name, weight in _WEIGHTS.items() for _number in range(weight)]
