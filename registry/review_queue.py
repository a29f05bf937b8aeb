"""The queue of records that await a person: its filters, its order, what is next, how far it is."""

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.acts import LANE_OF_ACT
from registry.clock import civil_day
from registry.errors import NotAllowed
from registry.reading import Row, end_of_day, first, read_cursor, region_names, rows, write_cursor
from registry.region_matching import contains
from registry.review_stakes import above_stake
from registry.row_policies import within
from registry.viewers import Viewer

State = Literal["open", "second", "unsure", "decided", "disguised"]
Band = Literal["likely", "doubtful", "unlikely"]

STATES: Final[tuple[State, ...]] = ("open", "second", "unsure", "decided", "disguised")
# The score says how often such a pair is one: from, below.
BANDS: Final[dict[Band, tuple[float, float]]] = {"likely": (0.8, 1.01), "doubtful": (0.4, 0.8), "unlikely": (0.0, 0.4)}

# A decision that a later one took back counts no more; the latest of the others is the present word on its record.
PRESENT_WORDS: Final = """
    SELECT DISTINCT ON (d.record_id) d.* FROM link_decisions AS d
    WHERE d.verdict <> 'undo' AND NOT EXISTS (SELECT FROM link_decisions AS u WHERE u.undoes = d.id)
    ORDER BY d.record_id, d.id DESC
"""
_PRESENT_WORD: Final = """
    LEFT JOIN LATERAL (
        SELECT d.* FROM link_decisions AS d
        WHERE d.record_id = r.record_id AND d.verdict <> 'undo'
          AND NOT EXISTS (SELECT FROM link_decisions AS u WHERE u.undoes = d.id)
        ORDER BY d.id DESC LIMIT 1
    ) AS w ON TRUE
"""
# A record awaits a person while the linker says so; what was decided is listed from the decisions.
_AWAITING: Final = f"""
    FROM review_items AS i
    JOIN records AS r ON r.record_id = i.record_id AND r.known_to = 'infinity'
    JOIN feeds AS f ON f.id = r.feed
    LEFT JOIN LATERAL (SELECT l.shown_sector FROM links AS l WHERE l.record_id = i.record_id
        AND l.known_to = 'infinity' ORDER BY l.version_id LIMIT 1) AS l ON TRUE
    {_PRESENT_WORD}
    WHERE i.known_to = 'infinity'
"""
_DECIDED: Final = f"""
    FROM ({PRESENT_WORDS}) AS w
    JOIN records AS r ON r.record_id = w.record_id AND r.known_to = 'infinity'
    JOIN feeds AS f ON f.id = r.feed
    LEFT JOIN LATERAL (SELECT l.shown_sector FROM links AS l WHERE l.record_id = w.record_id
        AND l.known_to = 'infinity' ORDER BY l.version_id LIMIT 1) AS l ON TRUE
    WHERE w.in_force AND w.verdict <> 'unsure'
"""
# Whoever decided about it: the linker's own links of records with disguised names are here too.
_DISGUISED: Final = f"""
    FROM (SELECT DISTINCT ON (record_id) * FROM links WHERE known_to = 'infinity' AND evidence ? 'disguise'
          ORDER BY record_id, version_id) AS l
    JOIN records AS r ON r.record_id = l.record_id AND r.known_to = 'infinity'
    JOIN feeds AS f ON f.id = r.feed
    {_PRESENT_WORD}
    WHERE TRUE
"""
_SOURCES: Final[dict[State, str]] = {"decided": _DECIDED, "disguised": _DISGUISED}
_OF_STATE: Final[dict[State, str]] = {
    "open": "(w.id IS NULL OR w.in_force AND w.verdict = 'reject')",
    "second": "(w.id IS NOT NULL AND NOT w.in_force)",
    "unsure": "w.verdict = 'unsure'",
    "decided": "TRUE",
    "disguised": "TRUE",
}


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """What to list; None asks nothing."""

    state: State = "open"
    agency: str | None = None
    province: str | None = None
    # A city's or county's code, or a province's.
    region: str | None = None
    sector: str | None = None
    lane: str | None = None
    band: Band | None = None
    # True: above the stake, so that two people are needed.
    stake: bool | None = None

    def asked(self) -> dict[str, str]:
        """The filter as parameters of an address, without what asks nothing."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in values.items()
            if value is not None and (name, value) != ("state", "open")
        }


class ReviewLine(BaseModel):
    """One record in the queue."""

    record_id: int
    act: str
    lane: str
    acted_on: date
    number: str | None
    project_name: str | None
    party_name: str | None
    region: str | None
    region_name: str | None = None
    sector: str | None
    agency: str | None
    feed_zh: str
    feed_en: str
    synthetic: bool
    cause: str
    best_score: float | None
    candidates: int
    above_stake: bool
    amount: Decimal | None
    area_hectares: Decimal | None
    # The present word of a person, if any: who said what, and whether it awaits a second person.
    decision_id: int | None
    verdict: str | None
    in_force: bool | None
    decided_by: str | None
    decided_at: datetime | None
    # The agency changed the record after the decision.
    changed_since: bool


class ReviewPage(BaseModel):
    """One page of the queue, how many there are in all, and the cursor of the next."""

    items: list[ReviewLine]
    total: int
    next_cursor: str | None = None


class ReviewProgress(BaseModel):
    """How far the queue is, for the lanes and the region of the viewer."""

    open: int
    second: int
    unsure: int
    decided_today: int
    decided_by_me_today: int


def may_review(viewer: Viewer) -> None:
    """Raise NotAllowed for whoever has no business with the queue: it is officers' and reviewers'."""
    if not (viewer.may("decide") or viewer.may("register")):
        raise NotAllowed(
            "The review queue is for officers and reviewers.",
            remedy="Sign in with an account that may do it, or ask your administrator for the role.",
        )


async def _scope(session: AsyncSession, viewer: Viewer) -> tuple[str, dict[str, Any]]:
    """What the viewer's office is in charge of, as a condition: its region, and its lanes.

    The office of project approval keeps the register, so it has every lane; what rights hide is hidden all the same.
    """
    organisation = await first(
        session, "SELECT lanes FROM organisations WHERE id = :organisation", organisation=viewer.organisation_id
    )
    lanes = list(organisation["lanes"]) if organisation else []
    where = f" AND {within('r.region')}"
    if not lanes or "approval" in lanes:
        return where, {}
    acts = [act for act, lane in LANE_OF_ACT.items() if lane in lanes]
    return f"{where} AND r.act = ANY(:lane_acts)", {"lane_acts": acts}


def _conditions(wanted: ReviewFilter, today: date) -> tuple[str, dict[str, Any]]:
    binds: dict[str, Any] = {}
    where = f" AND {_OF_STATE[wanted.state]}"
    asked = {"f.agency_id = :agency": wanted.agency, "left(r.region, 2) = :province": wanted.province}
    asked["l.shown_sector = :sector"] = wanted.sector
    for text, value in asked.items():
        if value is not None:
            where += f" AND {text}"
            binds[text.rsplit(":", 1)[1]] = value
    if wanted.region is not None:
        where += f" AND {contains('CAST(:region AS text)', 'r.region')}"
        binds["region"] = wanted.region
    if wanted.lane is not None:
        where += " AND r.act = ANY(:acts)"
        binds["acts"] = [act for act, lane in LANE_OF_ACT.items() if lane == wanted.lane]
    if wanted.band is not None and wanted.state not in _SOURCES:
        low, high = BANDS[wanted.band]
        where += " AND i.best_score >= :low AND i.best_score < :high"
        binds |= {"low": low, "high": high}
    if wanted.stake is not None:
        where += f" AND {above_stake('r', today)} IS {'TRUE' if wanted.stake else 'FALSE'}"
    return where, binds


def _columns(wanted: ReviewFilter, today: date) -> str:
    item = "i.cause, i.best_score, i.candidates"
    if wanted.state == "decided":
        item = "w.verdict AS cause, NULL::float AS best_score, jsonb_array_length(w.shown) AS candidates"
    if wanted.state == "disguised":
        item = "l.method AS cause, l.score AS best_score, 0 AS candidates"
    return f"""
        r.record_id, r.act, r.acted_on, r.number, r.project_name, r.party_name, r.region, r.synthetic,
        l.shown_sector AS sector, f.agency_id AS agency, coalesce(nullif(f.name_zh, ''), r.feed) AS feed_zh,
        coalesce(nullif(f.name_en, ''), r.feed) AS feed_en, {item},
        {above_stake("r", today)} AS above_stake, r.amount, r.area_hectares, w.id AS decision_id, w.verdict, w.in_force,
        w.actor AS decided_by, w.decided_at, coalesce(w.record_version_id <> r.version_id, FALSE) AS changed_since
    """


async def list_reviews(
    session: AsyncSession, viewer: Viewer, wanted: ReviewFilter, now: datetime, *, cursor: str = "", limit: int = 25
) -> ReviewPage:
    """The queue: what is likeliest right first, since it is quickest said; decided ones latest first."""
    may_review(viewer)
    today = civil_day(now)
    scope, scope_binds = await _scope(session, viewer)
    where, binds = _conditions(wanted, today)
    where, binds = where + scope, binds | scope_binds
    source = _SOURCES.get(wanted.state, _AWAITING)
    total = await first(session, f"SELECT count(*) AS total {source}{where}", **binds)
    if cursor:
        where += _AFTER.get(wanted.state, _AFTER["open"])
        binds |= _cursor_binds(cursor, _BY_NUMBER.get(wanted.state))
    order = _ORDER.get(wanted.state, "i.best_score DESC, r.record_id")
    found = await rows(
        session,
        f"SELECT {_columns(wanted, today)} {source}{where} ORDER BY {order} LIMIT {int(limit) + 1}",
        **binds,
    )
    more = len(found) > limit
    found = found[:limit]
    names = await region_names(session, [row["region"] for row in found])
    items = [_line(row, names) for row in found]
    next_cursor = None
    if more:
        last = found[-1]
        number = _BY_NUMBER.get(wanted.state)
        next_cursor = write_cursor(last[number]) if number else write_cursor(last["best_score"], last["record_id"])
    return ReviewPage(items=items, total=int(total["total"]) if total else 0, next_cursor=next_cursor)


_ORDER: Final[dict[State, str]] = {"decided": "w.id DESC", "disguised": "r.record_id DESC"}
# Lists in order of one number alone.
_BY_NUMBER: Final[dict[State, str]] = {"decided": "decision_id", "disguised": "record_id"}
_AFTER: Final[dict[State, str]] = {
    "decided": " AND w.id < :after",
    "disguised": " AND r.record_id < :after",
    "open": " AND (i.best_score < :after_score OR (i.best_score = :after_score AND r.record_id > :after))",
}


def _cursor_binds(cursor: str, number: str | None) -> dict[str, Any]:
    if number is not None:
        return {"after": _whole(read_cursor(cursor, 1)[0])}
    score, record_id = read_cursor(cursor, 2)
    return {"after_score": float(score) if isinstance(score, int | float) else 0.0, "after": _whole(record_id)}


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**63 else 0


def _line(row: Row, names: dict[str, str]) -> ReviewLine:
    return ReviewLine(**row, lane=LANE_OF_ACT.get(row["act"], "approval"), region_name=names.get(row["region"] or ""))


async def next_review(
    session: AsyncSession, viewer: Viewer, wanted: ReviewFilter, now: datetime, *, after: int | None = None
) -> int | None:
    """The record to look at next: the first that the viewer can still say something about, after one that is skipped.

    What this person said already waits for somebody else and is passed over.
    """
    may_review(viewer)
    scope, scope_binds = await _scope(session, viewer)
    where, binds = _conditions(wanted, civil_day(now))
    where += scope + " AND (w.id IS NULL OR w.account_id IS DISTINCT FROM :me)"
    binds |= scope_binds | {"me": viewer.account_id}
    if after is not None:
        place = await first(
            session,
            "SELECT best_score FROM review_items WHERE record_id = :after "
            "ORDER BY known_to DESC, version_id DESC LIMIT 1",
            after=after,
        )
        if place is not None:
            where += _AFTER["open"]
            binds |= {"after_score": float(place["best_score"]), "after": after}
    found = await first(
        session, f"SELECT r.record_id {_AWAITING}{where} ORDER BY i.best_score DESC, r.record_id LIMIT 1", **binds
    )
    return int(found["record_id"]) if found else None


async def review_progress(session: AsyncSession, viewer: Viewer, now: datetime) -> ReviewProgress:
    """Counts for the head of the page."""
    may_review(viewer)
    scope, binds = await _scope(session, viewer)
    counted = ", ".join(f"count(*) FILTER (WHERE {_OF_STATE[state]}) AS {state}" for state in STATES[:3])
    awaiting = await first(session, f"SELECT {counted} {_AWAITING}{scope}", **binds)
    midnight = end_of_day(civil_day(now) - timedelta(days=1))
    said = await first(
        session,
        f"""
        SELECT count(*) AS decided_today, count(*) FILTER (WHERE d.account_id = :me) AS decided_by_me_today
        FROM link_decisions AS d JOIN records AS r ON r.record_id = d.record_id AND r.known_to = 'infinity'
        WHERE d.decided_at >= :midnight AND d.verdict <> 'undo'
          AND NOT EXISTS (SELECT FROM link_decisions AS u WHERE u.undoes = d.id){scope}
        """,
        me=viewer.account_id,
        midnight=midnight,
        **binds,
    )
    return ReviewProgress(**(awaiting or {}), **(said or {}))
