"""Drafting values of the law: one person drafts one, its backtest is seen, a second person puts it in force."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.audience import CREDIT_LANE
from registry.auditing import audit
from registry.backtesting import backtest, drafted
from registry.clock import civil_day
from registry.database import json_text
from registry.errors import BadFile, BadInput, Conflict, NotFound, ThreegatesError
from registry.history import Instant
from registry.law.reading import Law, ParameterType
from registry.law_in_force import catalogue_in_force
from registry.proposals import approve, draft, proposal
from registry.reading import Row, first, rows
from registry.reading_yaml import Document
from registry.viewers import Viewer

KIND: Final = "law-value"
# What a page shows of a difference; the command shows all.
CHANGES_KEPT: Final = 500


@dataclass(frozen=True, slots=True)
class DraftValue:
    """A value as somebody types it: `value` is text, several of them a line each; empty says that there is none."""

    parameter: str
    region: str
    since: str
    value: str
    article: str
    quote_zh: str
    quote_en: str
    note: str = ""


def content_of(value: DraftValue, by_law: Law) -> dict[str, Any]:
    """The draft as the YAML of a parameter says it; raises BadInput at the field that is not valid."""
    parameter = by_law.parameters.get(value.parameter)
    if parameter is None:
        raise BadInput("There is no such parameter.", where="parameter")
    try:
        since = date.fromisoformat(value.since)
    except ValueError:
        raise BadInput("This is not a date.", where="since", remedy="Write it like 2014-06-01.") from None
    if value.region and not (value.region.isascii() and value.region.isdecimal() and len(value.region) == 6):
        raise BadInput("A region code has six digits.", where="region")
    article = by_law.articles.get(value.article)
    if article is None:
        raise BadInput("There is no such article.", where="article")
    for name, quote, whole in (
        ("quote_zh", value.quote_zh, article.text_zh),
        ("quote_en", value.quote_en, article.text_en),
    ):
        if not quote.strip() or "".join(quote.split()) not in "".join(whole.split()):
            raise BadInput("These words do not stand in the article.", where=name, remedy="Copy them letter by letter.")
    if since < article.binds_from:
        raise BadInput("The article does not bind yet on this day.", where="since")
    return {
        "parameter": value.parameter,
        "region": value.region,
        "since": since.isoformat(),
        "value": _typed(value.value, parameter.type),
        "reference": {"article": value.article, "quote_zh": value.quote_zh, "quote_en": value.quote_en},
        "note": value.note,
    }


def _typed(given: str, kind: ParameterType) -> list[str] | str | None:
    lines = [line.strip() for line in given.replace("、", "\n").replace(",", "\n").splitlines() if line.strip()]
    if not lines:
        return None
    return lines if kind == "texts" else given.strip()


def document_of(content: dict[str, Any]) -> Document:
    """A draft as further values of the law, for registry.law.reading.with_more_values."""
    dated = {content["since"]: {name: content[name] for name in ("value", "reference", "note")}}
    more = {"regions": {content["region"]: dated}} if content["region"] else {"values": dated}
    return Document("draft", {content["parameter"]: more}, {})


async def draft_value(session: AsyncSession, viewer: Viewer, value: DraftValue, reason: str, now: datetime) -> int:
    """Draft a value and ask for its backtest; returns the proposal's number."""
    viewer.require("decide")
    if not reason.strip():
        raise BadInput("A proposal needs a reason.", where="reason")
    current = await catalogue_in_force(session)
    content = content_of(value, current.law)
    try:
        drafted(current, document_of(content))
    except BadFile:
        raise BadInput("The value is not of the parameter's type.", where="value") from None
    number = await draft(session, viewer, KIND, value.parameter, content, reason, now)
    await ask_backtest(session, number, now)
    return number


async def ask_backtest(session: AsyncSession, proposal_id: int, now: datetime) -> None:
    """Ask for a backtest of a draft; a job runs it. Raises NotFound where there is no such open draft."""
    draft = "SELECT 1 AS one FROM proposals WHERE id = :id AND kind = :kind AND state = 'open'"
    if await first(session, draft, id=proposal_id, kind=KIND) is None:
        raise NotFound("There is no such proposal.")
    await (await session.connection()).execute(
        text("INSERT INTO backtests (proposal_id, asked_at) VALUES (:proposal, :now)").bindparams(
            bindparam("now", type_=Instant)
        ),
        {"proposal": proposal_id, "now": now},
    )


async def run_backtests(session: AsyncSession, now: datetime) -> int:
    """Run one backtest that was asked for; returns how many were run (0 or 1). For the job, which sees every row."""
    waiting = await first(
        session,
        "SELECT b.id, p.content FROM backtests AS b JOIN proposals AS p ON p.id = b.proposal_id "
        "WHERE b.ran_at IS NULL ORDER BY b.id LIMIT 1 FOR UPDATE OF b SKIP LOCKED",
    )
    if waiting is None:
        return 0
    current = await catalogue_in_force(session)
    result: dict[str, Any] = {}
    problem = ""
    as_of = civil_day(now)
    try:
        found = await backtest(session, current, drafted(current, document_of(waiting["content"])), as_of)
        result = found.as_json()
        result["changes"] = [_shown(one) for one in result["changes"][:CHANGES_KEPT]]
    except ThreegatesError as error:
        problem = str(error)
    await (await session.connection()).execute(
        text(
            "UPDATE backtests SET ran_at = :now, as_of = :as_of, law_digest = :digest, problem = :problem, "
            "result = CAST(CAST(:result AS text) AS jsonb) WHERE id = :id"
        ).bindparams(bindparam("now", type_=Instant)),
        {
            "now": now,
            "as_of": as_of,
            "digest": current.digest,
            "problem": problem,
            "result": json_text(result),
            "id": waiting["id"],
        },
    )
    return 1


def _shown(change: dict[str, Any]) -> dict[str, Any]:
    """A change as any official may see it: of credit only its rule, project and place."""
    if change["lane"] != CREDIT_LANE:
        return change
    return change | {"fingerprint": "", "subject": "", "act": "", "acted_on": "", "before": [], "after": []}


async def activate(
    session: AsyncSession, viewer: Viewer, proposal_id: int, version: int, decision: str, now: datetime
) -> None:
    """Put a drafted value in force, as the second person, after its backtest by the law of now was there to be seen."""
    seen = await proposal(session, proposal_id)
    if seen["kind"] != KIND:
        raise NotFound("There is no such proposal.")
    current = await catalogue_in_force(session)
    ran = await newest_backtest(session, proposal_id)
    if ran is None or ran["ran_at"] is None:
        raise Conflict("Its backtest has not run yet.", remedy="Wait for it, look at the difference, then decide.")
    if ran["problem"] or ran["law_digest"] != current.digest:
        raise Conflict("The law has changed since the backtest.", remedy="Ask for the backtest again.")
    found = await approve(session, viewer, proposal_id, version, decision, now)
    content = found["content"]
    connection = await session.connection()
    place = {name: content[name] for name in ("parameter", "region")} | {"since": date.fromisoformat(content["since"])}
    at = bindparam("now", type_=Instant)
    await connection.execute(
        text(
            "UPDATE parameter_values SET known_to = :now WHERE parameter = :parameter AND region = :region "
            "AND since = :since AND known_to = 'infinity'"
        ).bindparams(at),
        {**place, "now": now},
    )
    kept = {name: content[name] for name in ("value", "reference", "note")}
    await connection.execute(
        text(
            "INSERT INTO parameter_values (parameter, region, since, content, proposal_id, drafted_by, activated_by, "
            "known_from) VALUES (:parameter, :region, :since, CAST(CAST(:content AS text) AS jsonb), :proposal, "
            ":drafter, :account, :now)"
        ).bindparams(at),
        {
            **place,
            "content": json_text(kept),
            "proposal": proposal_id,
            "drafter": found["drafted_by"],
            "account": viewer.account_id,
            "now": now,
        },
    )
    await audit(session, viewer, "law.activate", "parameter", content["parameter"], why=decision, after=content)


async def newest_backtest(session: AsyncSession, proposal_id: int) -> Row | None:
    """The backtest that was asked for last."""
    return await first(
        session, "SELECT * FROM backtests WHERE proposal_id = :id ORDER BY id DESC LIMIT 1", id=proposal_id
    )


async def drafts(session: AsyncSession) -> list[Row]:
    """Every draft of a value, newest first, with who drafted and who decided, and how its backtest stands."""
    return await rows(
        session,
        f"""
        SELECT p.id, p.subject, p.content, p.reason, p.state, p.version, p.drafted_at, p.decided_at, p.decision,
               drafter.name AS drafter, decider.name AS decider, p.owner_id, b.ran_at, b.problem,
               CAST(b.result ->> 'more' AS int) AS more, CAST(b.result ->> 'fewer' AS int) AS fewer,
               CAST(b.result ->> 'other' AS int) AS other
        FROM proposals AS p
        LEFT JOIN colleagues AS drafter ON drafter.id = p.drafted_by
        LEFT JOIN colleagues AS decider ON decider.id = p.decided_by
        LEFT JOIN LATERAL (
            SELECT * FROM backtests AS t WHERE t.proposal_id = p.id ORDER BY t.id DESC LIMIT 1
        ) AS b ON true
        WHERE p.kind = '{KIND}' ORDER BY p.id DESC LIMIT 200
        """,
    )


async def law_waits(session: AsyncSession) -> tuple[bool, bool]:
    """Whether a backtest waits to be run; whether a value was activated that the nation was not judged by yet."""
    found = await first(
        session,
        """
        SELECT EXISTS (SELECT FROM backtests WHERE ran_at IS NULL) AS backtest,
               EXISTS (
                   SELECT FROM parameter_values AS v WHERE v.known_from > coalesce(
                       (SELECT max(known_at) FROM judging_runs WHERE scope = 'nation'), '-infinity'
                   )
               ) AS nation
        """,
    )
    assert found is not None  # noqa: S101  # one row always
    return bool(found["backtest"]), bool(found["nation"])


def value_text(value: Any) -> str:
    """A value as it stands in a form."""
    if value is None:
        return ""
    return "\n".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
