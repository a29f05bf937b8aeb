"""Reviewers' decisions: where a record belongs by a person's word, seconded above the stake, taken back by undoing.

Decisions are added and never changed. Each takes effect in the transaction that makes it: links, suspected projects,
the queue, and the marks that judging and indexing follow. Linking leaves alone what a person decided.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel
from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import dirty
from registry.auditing import audit
from registry.clock import civil_day
from registry.database import json_text
from registry.errors import BadInput, ChangedMeanwhile, Conflict, NotAllowed, NotFound
from registry.handover import with_predecessors
from registry.reading import LARGEST_NUMBER, Row, first, rows
from registry.review_stakes import stake_of
from registry.row_policies import within
from registry.suspect_placing import check_sector, open_suspected, place_record, suspected_of, take_out
from registry.suspect_summaries import summarise_suspects
from registry.turns import take_turn
from registry.viewers import Viewer

Verdict = Literal["accept", "reject", "new_project", "unsure"]

VERDICTS: Final[tuple[Verdict, ...]] = ("accept", "reject", "new_project", "unsure")
METHOD: Final = "review"
MOST_PROJECTS: Final = 20
LONGEST_REASON: Final = 2000


@dataclass(frozen=True, slots=True)
class Saying:
    """What a person says about one record.

    `seen` is the version of the item that was on the screen (registry.review_file); None does not check it.
    """

    record_id: int
    verdict: Verdict
    reason: str
    project_ids: tuple[int, ...] = ()
    suspected_id: int | None = None  # new_project: where it goes; None: where it is, or a new one
    apart: bool = False  # new_project: into a new suspected project, whichever it is in now
    sector: str | None = None  # new_project: of a new suspected project, where the record does not show it
    seen: str | None = None


class Decided(BaseModel):
    """What became of a saying: in force, or waiting for a second person."""

    decision_id: int
    record_id: int
    verdict: str
    in_force: bool
    stake: dict[str, Any]
    suspected_id: int | None = None


async def decide(session: AsyncSession, viewer: Viewer, saying: Saying, at: datetime) -> Decided:
    """Add a decision and let it take effect, or keep it for a second person.

    Raises NotFound for a record that the viewer may not see, Conflict where it is decided already or was changed.
    """
    viewer.require("decide")
    if viewer.account_id is None:
        raise NotAllowed("Only a person decides where a record belongs.")
    reason = _reason(saying.reason)
    # Batches are at it beside each other while they write; who decides waits for them to end.
    await take_turn(await session.connection(), "linking")
    record = await _record(session, saying.record_id)
    word = await present_word(session, saying.record_id)
    if saying.seen is not None and saying.seen != seen_version(record, word):
        raise ChangedMeanwhile(
            "Somebody else changed this meanwhile.",
            where=f"record {saying.record_id}",
            remedy="Read it again and repeat the change.",
        )
    if word is not None and word["in_force"] and word["verdict"] in ("accept", "new_project"):
        raise Conflict("This record is decided already.", remedy="Undo that decision first, then decide anew.")
    shown = await _shown(session, saying.record_id)
    projects = await _projects(session, saying, shown)
    stake = stake_of(record, civil_day(at)) if saying.verdict != "unsure" else {}
    hands = await with_predecessors(session, {viewer.account_id, *viewer.acts_for})
    seconded = _seconded(hands, saying, projects, word)
    in_force = not stake or seconded is not None
    suspected = saying.suspected_id
    if seconded is not None and suspected is None:
        suspected = seconded["suspected_id"]
    if saying.verdict == "new_project" and in_force:
        suspected = await _place(session, viewer, saying, suspected, reason, at)
    row = await first(
        session,
        """
        INSERT INTO link_decisions (record_id, verdict, project_ids, reason, actor, account_id, acts_for,
            organisation_id, decided_at, record_version_id, shown, in_force, seconds, stake, suspected_id)
        VALUES (:record, :verdict, CAST(:projects AS bigint[]), :reason, :actor, :account, CAST(:acts_for AS bigint[]),
            :organisation, :at, :version, CAST(CAST(:shown AS text) AS jsonb), :in_force, :seconds,
            CAST(CAST(:stake AS text) AS jsonb), :suspected)
        RETURNING id
        """,
        record=saying.record_id,
        verdict=saying.verdict,
        projects=projects,
        reason=reason,
        actor=viewer.actor,
        account=viewer.account_id,
        acts_for=sorted(viewer.acts_for),
        organisation=viewer.organisation_id,
        at=at,
        version=record["version_id"],
        shown=json_text(shown),
        in_force=in_force,
        seconds=seconded["id"] if seconded else None,
        stake=json_text(stake),
        suspected=suspected,
    )
    assert row is not None  # noqa: S101  # RETURNING gives the one row
    decided = Decided(
        decision_id=row["id"],
        record_id=saying.record_id,
        verdict=saying.verdict,
        in_force=in_force,
        stake=stake,
        suspected_id=suspected,
    )
    if in_force:
        await _take_effect(session, viewer, decided, projects, at)
    await audit(
        session,
        viewer,
        "review.decide" if seconded is None else "review.second",
        "record",
        str(saying.record_id),
        why=reason,
        after={"decision": row["id"], "verdict": saying.verdict, "projects": projects, "in_force": in_force},
    )
    return decided


async def undo(session: AsyncSession, viewer: Viewer, decision_id: int, reason: str, at: datetime) -> Decided:
    """Take a decision back: its record stands where it stood before, and linking looks at it again.

    One's own decision, or as a supervisor anybody's; only the latest word on a record can be taken back.
    """
    viewer.require("decide")
    reason = _reason(reason)
    if decision_id > LARGEST_NUMBER:
        raise NotFound("There is no such decision.", where="decision")
    await take_turn(await session.connection(), "linking")
    decision = await first(session, "SELECT * FROM link_decisions WHERE id = :id", id=decision_id)
    if decision is None or decision["verdict"] == "undo":
        raise NotFound("There is no such decision.", where="decision")
    await _record(session, decision["record_id"])
    word = await present_word(session, decision["record_id"])
    if word is None or word["id"] != decision_id:
        raise Conflict(
            "This decision is no longer the latest on its record.",
            where=f"decision {decision_id}",
            remedy="Read the record again; only the latest decision can be undone.",
        )
    hands = await with_predecessors(session, {viewer.account_id or 0, *viewer.acts_for})
    if viewer.account_id is None or (decision["account_id"] not in hands and not viewer.may("approve")):
        raise NotAllowed("Somebody else decided this.", remedy="Ask them, or a supervisor, to undo it.")
    row = await first(
        session,
        """
        INSERT INTO link_decisions (record_id, verdict, reason, actor, account_id, acts_for, organisation_id,
            decided_at, undoes)
        VALUES (:record, 'undo', :reason, :actor, :account, CAST(:acts_for AS bigint[]), :organisation, :at, :undoes)
        RETURNING id
        """,
        record=decision["record_id"],
        reason=reason,
        actor=viewer.actor,
        account=viewer.account_id,
        acts_for=sorted(viewer.acts_for),
        organisation=viewer.organisation_id,
        at=at,
        undoes=decision_id,
    )
    assert row is not None  # noqa: S101  # RETURNING gives the one row
    if decision["in_force"]:
        await _put_back(session, decision, at)
    await audit(
        session,
        viewer,
        "review.undo",
        "record",
        str(decision["record_id"]),
        why=reason,
        before={"decision": decision_id, "verdict": decision["verdict"]},
        after={"decision": row["id"]},
    )
    return Decided(decision_id=row["id"], record_id=decision["record_id"], verdict="undo", in_force=True, stake={})


def seen_version(record: Row, word: Row | None) -> str:
    """The version of a review item: the record's version and the present word on it."""
    return f"{record['version_id']}.{word['id'] if word else 0}"


async def present_word(session: AsyncSession, record_id: int) -> Row | None:
    """The latest decision on a record that was not taken back."""
    return await first(
        session,
        """
        SELECT d.* FROM link_decisions AS d
        WHERE d.record_id = :record AND d.verdict <> 'undo'
          AND NOT EXISTS (SELECT FROM link_decisions AS u WHERE u.undoes = d.id)
        ORDER BY d.id DESC LIMIT 1
        """,
        record=record_id,
    )


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise BadInput("A decision needs a reason.", where="reason", remedy="Say in a few words why.")
    if len(reason) > LONGEST_REASON:
        raise BadInput(f"The reason is longer than {LONGEST_REASON} characters.", where="reason", remedy="Shorten it.")
    return reason


async def _record(session: AsyncSession, record_id: int) -> Row:
    """The record as it is now; raises NotFound where the viewer does not see it, NotAllowed beyond the region."""
    if record_id > LARGEST_NUMBER:
        raise NotFound("There is no such record.", where="record")
    found = await first(
        session,
        f"SELECT r.*, {within('r.region')} AS mine FROM records AS r "
        "WHERE r.record_id = :id AND r.known_to = 'infinity'",
        id=record_id,
    )
    if found is None:
        raise NotFound("There is no such record.", where="record")
    if not found["mine"]:
        raise NotAllowed("This record lies outside your region.", remedy="Leave it to the office in charge.")
    return found


async def _shown(session: AsyncSession, record_id: int) -> list[dict[str, Any]]:
    """The candidates of the linker, as training reads them."""
    return await rows(
        session,
        "SELECT project_id, score, model FROM link_candidates WHERE record_id = :record AND known_to = 'infinity' "
        "ORDER BY score DESC, project_id",
        record=record_id,
    )


async def _projects(session: AsyncSession, saying: Saying, shown: list[dict[str, Any]]) -> list[int]:
    """The projects that a verdict speaks of: those accepted; those rejected, by default all that were shown."""
    if saying.verdict in ("new_project", "unsure"):
        return []
    asked = sorted(set(saying.project_ids))
    if saying.verdict == "reject" and not asked:
        asked = sorted(one["project_id"] for one in shown)
    if not asked:
        raise BadInput("No project was chosen.", where="project_ids", remedy="Choose at least one project.")
    if len(asked) > MOST_PROJECTS:
        raise BadInput(
            f"A record belongs to {MOST_PROJECTS} projects at most.", where="project_ids", remedy="Choose fewer."
        )
    found = await rows(
        session,
        "SELECT project_id FROM project_versions WHERE project_id = ANY(CAST(:ids AS bigint[])) "
        "AND known_to = 'infinity' GROUP BY project_id",
        ids=asked,
    )
    if {row["project_id"] for row in found} != set(asked):
        raise NotFound("There is no such project.", where="project_ids")
    return asked


def _seconded(hands: frozenset[int], saying: Saying, projects: list[int], word: Row | None) -> Row | None:
    """The waiting decision that this one confirms; raises NotAllowed when one of the `hands` would confirm its own."""
    if word is None or word["in_force"] or word["verdict"] != saying.verdict:
        return None
    if sorted(word["project_ids"]) != projects:
        return None
    # That it is unregistered is what two must say; where it goes may be said by the second alone.
    if None not in (saying.suspected_id, word["suspected_id"]) and saying.suspected_id != word["suspected_id"]:
        return None
    if hands & {word["account_id"], *word["acts_for"]}:
        raise NotAllowed(
            "You, or somebody you act for or took over from, gave the first opinion.",
            remedy="The second must be another person's.",
        )
    return word


async def _place(
    session: AsyncSession, viewer: Viewer, saying: Saying, suspected: int | None, reason: str, at: datetime
) -> int:
    """Put the record into its suspected project: the one chosen, the one it is in, or a new one."""
    if suspected is None and not saying.apart:
        suspected = await suspected_of(session, saying.record_id)
    if suspected is None:
        shown = await first(
            session,
            "SELECT shown_sector FROM links WHERE record_id = :record AND known_to = 'infinity' "
            "AND shown_sector IS NOT NULL LIMIT 1",
            record=saying.record_id,
        )
        sector = check_sector(saying.sector or (shown["shown_sector"] if shown else None))
        suspected = await open_suspected(session, sector, viewer.actor, reason, at)
    await place_record(session, saying.record_id, suspected, viewer.actor, {"reviewer": reason}, at)
    return suspected


async def _take_effect(
    session: AsyncSession, viewer: Viewer, decided: Decided, projects: list[int], at: datetime
) -> None:
    """Let a decision in force rule the links, the queue and what follows from them."""
    connection = await session.connection()
    record_id = decided.record_id
    if decided.verdict == "unsure":
        return
    await connection.execute(
        text(
            "UPDATE review_items SET known_to = greatest(:at, known_from) "
            "WHERE record_id = :record AND known_to = 'infinity'"
        ),
        {"record": record_id, "at": at},
    )
    if decided.verdict == "reject":
        # Linking decides again among the others.
        await dirty.mark(session, "link", "record", [record_id])
        return
    held = await first(
        session,
        "SELECT enterprise_id, shown_sector FROM links WHERE record_id = :record AND known_to = 'infinity' "
        "ORDER BY enterprise_id NULLS LAST, version_id LIMIT 1",
        record=record_id,
    )
    left = await _close_links(session, record_id, at)
    sector = held["shown_sector"] if held else None
    if decided.verdict == "accept":
        await take_out(session, record_id, at)
    elif sector is None:
        version = await first(
            session,
            "SELECT sector FROM suspected_versions WHERE suspected_id = :id AND known_to = 'infinity'",
            id=decided.suspected_id,
        )
        sector = version["sector"] if version else None
    await connection.execute(
        text(
            """
            INSERT INTO links (record_id, project_id, enterprise_id, outcome, method, shown_sector, evidence,
                decided_by, known_from)
            SELECT :record, one.project_id, coalesce(CAST(:enterprise AS bigint), (
                    SELECT v.owner_id FROM project_versions AS v WHERE v.project_id = one.project_id
                    AND v.known_to = 'infinity' ORDER BY v.held_from DESC NULLS LAST LIMIT 1)),
                :outcome, :method, CAST(:sector AS text), CAST(CAST(:evidence AS text) AS jsonb), :actor, :at
            FROM unnest(:projects) AS one (project_id)
            """
        ).bindparams(bindparam("projects", projects or [None], ARRAY(BigInteger))),
        {
            "record": record_id,
            "enterprise": held["enterprise_id"] if held else None,
            "outcome": "linked" if projects else "none",
            "method": METHOD,
            "sector": sector,
            "evidence": json_text({"decision": decided.decision_id}),
            "actor": viewer.actor,
            "at": at,
        },
    )
    if decided.suspected_id is not None:
        await summarise_suspects(session, [decided.suspected_id], at)
    await _mark(session, record_id, [*left, *projects])


async def _close_links(session: AsyncSession, record_id: int, at: datetime) -> list[int]:
    """Close the present links of a record; returns the projects it leaves."""
    found = await (await session.connection()).execute(
        text(
            "UPDATE links SET known_to = greatest(:at, known_from) "
            "WHERE record_id = :record AND known_to = 'infinity' RETURNING project_id"
        ),
        {"record": record_id, "at": at},
    )
    return [one for one in found.scalars() if one is not None]


async def _mark(session: AsyncSession, record_id: int, projects: list[int]) -> None:
    """What is judged and indexed anew, in the one order in which everybody marks."""
    for purpose in dirty.PURPOSES[1:]:
        await dirty.mark(session, purpose, "project", projects)
        await dirty.mark(session, purpose, "record", [record_id])


_ITEM_COLUMNS: Final = "record_id, cause, best_score, candidates, amount, area_hectares"
_LINK_COLUMNS: Final = (
    "record_id, project_id, enterprise_id, outcome, method, score, shown_sector, evidence, decided_by"
)
_MEMBER_COLUMNS: Final = "suspected_id, record_id, evidence, decided_by"


async def _put_back(session: AsyncSession, decision: Row, at: datetime) -> None:
    """What the decision closed stands again as it stood, until linking has looked at the record anew."""
    record_id, closed_at = decision["record_id"], decision["decided_at"]
    projects: list[int] = []
    if decision["verdict"] in ("accept", "new_project"):
        projects = await _close_links(session, record_id, at)
        projects += await _reopen(session, "links", _LINK_COLUMNS, record_id, closed_at, at, "project_id")
        left = await take_out(session, record_id, at, summarise=False)
        back = await _reopen(session, "suspected_members", _MEMBER_COLUMNS, record_id, closed_at, at, "suspected_id")
        await summarise_suspects(session, [*left, *back], at)
    if decision["verdict"] != "unsure":
        await _reopen(session, "review_items", _ITEM_COLUMNS, record_id, closed_at, at, "record_id")
    await dirty.mark(session, "link", "record", [record_id])
    await _mark(session, record_id, projects)


async def _reopen(
    session: AsyncSession, table: str, columns: str, record_id: int, closed_at: datetime, at: datetime, returned: str
) -> list[int]:
    """Add again the rows of a record that were closed at an instant, unless others stand there by now."""
    found = await (await session.connection()).execute(
        text(
            f"INSERT INTO {table} ({columns}, known_from) SELECT {columns}, :at FROM {table} AS old "
            "WHERE record_id = :record AND known_to = :closed_at AND NOT EXISTS (SELECT FROM "
            f"{table} AS held WHERE held.record_id = :record AND held.known_to = 'infinity') "
            f"RETURNING {returned}"
        ),
        {"record": record_id, "closed_at": closed_at, "at": at},
    )
    return [one for one in found.scalars() if one is not None]
