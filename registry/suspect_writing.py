"""Changing suspected projects: merging, splitting, registering, dismissing are drafted by one, approved by another.

Taking one record out, or putting it into another, is a decision about that record: registry.reviewing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import dirty
from registry.database import json_text
from registry.errors import BadInput, Conflict, NotAllowed, NotFound
from registry.proposals import approve, draft, proposal, refuse, withdraw
from registry.reading import LARGEST_NUMBER, Row, first, rows
from registry.reviewing import METHOD
from registry.suspect_placing import open_suspected, place_record, suspected_version
from registry.suspect_summaries import summarise_suspects
from registry.turns import take_turn
from registry.viewers import Viewer

Action = Literal["merge", "split", "register", "dismiss"]

ACTIONS: Final[tuple[Action, ...]] = ("merge", "split", "register", "dismiss")
KIND_OF: Final[dict[Action, str]] = {one: f"suspected_{one}" for one in ACTIONS}


async def draft_change(
    session: AsyncSession,
    viewer: Viewer,
    suspected_id: int,
    action: Action,
    target: int | None,
    reason: str,
    now: datetime,
    *,
    records: Sequence[int] = (),
) -> int:
    """Draft a merger into `target`, a registration as project `target`, or a dismissal; returns its number.

    A split takes `records` out together, into a new suspected project.
    """
    viewer.require("decide")
    await _check(session, suspected_id, action, target)
    apart = await _apart(session, suspected_id, records) if action == "split" else []
    waiting = await first(
        session,
        "SELECT id FROM proposals WHERE state = 'open' AND kind = ANY(CAST(:kinds AS text[])) AND subject = :subject",
        kinds=list(KIND_OF.values()),
        subject=str(suspected_id),
    )
    if waiting is not None:
        raise Conflict("A proposal about this suspected project waits already.", remedy="Settle that one first.")
    content: dict[str, Any] = {"records": apart} if apart else {}
    if target is not None and action in ("merge", "register"):
        content = {"into" if action == "merge" else "project": target}
    return await draft(session, viewer, KIND_OF[action], str(suspected_id), content, reason, now)


async def settle_change(
    session: AsyncSession,
    viewer: Viewer,
    proposal_id: int,
    version: int,
    verdict: Literal["approve", "refuse", "withdraw"],
    decision: str,
    now: datetime,
) -> int:
    """Settle a proposal as the second person, or take one's own back; returns the suspected project's number."""
    if proposal_id > LARGEST_NUMBER:
        raise NotFound("There is no such proposal.")
    found = await proposal(session, proposal_id)
    if found["kind"] not in KIND_OF.values():
        raise NotFound("There is no such proposal.")
    suspected_id = int(found["subject"])
    if verdict == "withdraw":
        await withdraw(session, viewer, proposal_id, version, now)
    elif verdict == "refuse":
        await refuse(session, viewer, proposal_id, version, decision, now)
    else:
        if not viewer.may("decide"):
            raise NotAllowed("Your roles do not allow this.", where="decide")
        await approve(session, viewer, proposal_id, version, decision, now)
        await _carry_out(session, viewer, found, now)
    return suspected_id


async def _check(session: AsyncSession, suspected_id: int, action: Action, target: int | None) -> Row:
    version = await suspected_version(session, suspected_id)
    if version["state"] != "open":
        raise Conflict("This suspected project is closed.", remedy="Choose an open one, or make a new one.")
    visible = await first(
        session,
        "SELECT count(*) AS members FROM suspected_members WHERE suspected_id = :id AND known_to = 'infinity'",
        id=suspected_id,
    )
    if visible is None or visible["members"] < version["records"]:
        # What one does not see, one cannot move.
        raise NotAllowed(
            "Part of its records is of credit.", remedy="Leave it to a reviewer of the authority in charge of credit."
        )
    if action in ("dismiss", "split"):
        return version
    if target is None:
        raise BadInput("It is not said into what.", where="target", remedy="Give the number of the other project.")
    if action == "merge":
        if target == suspected_id:
            raise BadInput("A suspected project cannot be merged into itself.", where="target")
        other = await suspected_version(session, target)
        if other["state"] != "open":
            raise Conflict("This suspected project is closed.", remedy="Choose an open one, or make a new one.")
    elif await first(session, "SELECT 1 AS one FROM projects WHERE id = :id", id=target) is None:
        raise NotFound("There is no such project.", where="target")
    return version


async def _apart(session: AsyncSession, suspected_id: int, records: Sequence[int]) -> list[int]:
    """The records to take out, each of them there; some have to stay."""
    members = await _records(session, suspected_id)
    apart = sorted({*records} & {*members})
    if not apart or len(apart) < len({*records}):
        raise BadInput("It is not said which records.", where="records", remedy="Choose among those shown.")
    if len(apart) == len(members):
        raise BadInput("A split leaves some records where they are.", where="records", remedy="Leave one at least.")
    return apart


async def _records(session: AsyncSession, suspected_id: int) -> list[int]:
    members = await rows(
        session,
        "SELECT record_id FROM suspected_members WHERE suspected_id = :id AND known_to = 'infinity' ORDER BY record_id",
        id=suspected_id,
    )
    return [int(row["record_id"]) for row in members]


async def _split(session: AsyncSession, found: Row, sector: str, actor: str, now: datetime) -> list[int]:
    """Put the records of a proposal into a new suspected project; returns them."""
    source = int(found["subject"])
    apart = await _apart(session, source, [int(one) for one in found["content"]["records"]])
    made = await open_suspected(session, sector, actor, found["reason"], now)
    for record_id in apart:
        await place_record(session, record_id, made, actor, {"split_from": source}, now)
    return apart


async def _carry_out(session: AsyncSession, viewer: Viewer, found: Row, now: datetime) -> None:
    action: Action = found["kind"].removeprefix("suspected_")
    content: dict[str, Any] = found["content"]
    target = int(content.get("into") or content.get("project") or 0)
    suspected_id = int(found["subject"])
    await take_turn(await session.connection(), "linking")
    version = await _check(session, suspected_id, action, target)
    if action == "split":
        apart = await _split(session, found, version["sector"], viewer.actor, now)
        for purpose in dirty.PURPOSES[1:]:
            await dirty.mark(session, purpose, "record", apart)
        return
    records = await _records(session, suspected_id)
    states = {"merge": "merged", "register": "registered", "dismiss": "dismissed"}
    if action == "merge":
        await _move_members(session, suspected_id, target, viewer.actor, now)
    await _restate(session, suspected_id, states[action], action, target, viewer.actor, found["reason"], now)
    await dirty.mark(session, "index", "suspected", [suspected_id])
    if action == "merge":
        await summarise_suspects(session, [suspected_id, target], now)
    if action == "register":
        await _link(session, records, target, viewer.actor, found["id"], now)
    for purpose in dirty.PURPOSES[1:]:
        await dirty.mark(session, purpose, "record", records)


async def _move_members(session: AsyncSession, source: int, target: int, actor: str, now: datetime) -> None:
    connection = await session.connection()
    moved = await connection.execute(
        text(
            "UPDATE suspected_members SET known_to = greatest(:at, known_from) "
            "WHERE suspected_id = :source AND known_to = 'infinity' RETURNING record_id, evidence"
        ),
        {"source": source, "at": now},
    )
    for record_id, evidence in moved.all():
        await connection.execute(
            text(
                "INSERT INTO suspected_members (suspected_id, record_id, evidence, decided_by, known_from) "
                "VALUES (:target, :record, CAST(CAST(:evidence AS text) AS jsonb), :actor, :at)"
            ),
            {
                "target": target,
                "record": record_id,
                "evidence": json_text({**evidence, "merged_from": source}),
                "actor": actor,
                "at": now,
            },
        )


async def _restate(
    session: AsyncSession,
    suspected_id: int,
    state: str,
    action: Action,
    target: int,
    actor: str,
    reason: str,
    now: datetime,
) -> None:
    """Follow the present version by one in the new state."""
    kept = (
        "project_name, party_name, party_name_normal, party_uscc, enterprise_id, sector, region, address, records, "
        "lanes, first_act, last_act, synthetic, credit_only"
    )
    connection = await session.connection()
    closed = await connection.execute(
        text(
            "UPDATE suspected_versions SET known_to = greatest(:at, known_from) "
            "WHERE suspected_id = :id AND known_to = 'infinity' RETURNING version_id"
        ),
        {"id": suspected_id, "at": now},
    )
    await connection.execute(
        text(
            f"INSERT INTO suspected_versions (suspected_id, {kept}, state, merged_into, project_id, decided_by, "
            f"reason, known_from) SELECT suspected_id, {kept}, :state, CAST(:into AS bigint), "
            "CAST(:project AS bigint), :actor, :reason, :at FROM suspected_versions WHERE version_id = :old"
        ),
        {
            "state": state,
            "into": target if action == "merge" else None,
            "project": target if action == "register" else None,
            "actor": actor,
            "reason": reason,
            "at": now,
            "old": closed.scalar_one(),
        },
    )


async def _link(
    session: AsyncSession, records: list[int], project_id: int, actor: str, proposal_id: int, now: datetime
) -> None:
    """The records belong to the registered project, by the word of two people."""
    connection = await session.connection()
    binds = (bindparam("records", records, ARRAY(BigInteger)),)
    await connection.execute(
        text(
            """
            CREATE TEMPORARY TABLE told ON COMMIT DROP AS
            SELECT DISTINCT ON (record_id) record_id, enterprise_id, shown_sector FROM links
            WHERE record_id = ANY(:records) AND known_to = 'infinity' ORDER BY record_id, version_id
            """
        ).bindparams(*binds)
    )
    await connection.execute(
        text(
            "UPDATE links SET known_to = greatest(:at, known_from) "
            "WHERE record_id = ANY(:records) AND known_to = 'infinity'"
        ).bindparams(*binds, at=now)
    )
    await connection.execute(
        text(
            """
            INSERT INTO links (record_id, project_id, enterprise_id, outcome, method, shown_sector, evidence,
                decided_by, known_from)
            SELECT one.record_id, :project, coalesce(t.enterprise_id, (
                    SELECT v.owner_id FROM project_versions AS v WHERE v.project_id = :project
                    AND v.known_to = 'infinity' ORDER BY v.held_from DESC NULLS LAST LIMIT 1)),
                'linked', :method, t.shown_sector, CAST(CAST(:evidence AS text) AS jsonb), :actor, :at
            FROM unnest(:records) AS one (record_id) LEFT JOIN told AS t USING (record_id)
            """
        ).bindparams(
            *binds,
            project=project_id,
            method=METHOD,
            evidence=json_text({"proposal": proposal_id}),
            actor=actor,
            at=now,
        )
    )
    await connection.execute(
        text(
            "UPDATE review_items SET known_to = greatest(:at, known_from) "
            "WHERE record_id = ANY(:records) AND known_to = 'infinity'"
        ).bindparams(*binds, at=now)
    )
    for purpose in dirty.PURPOSES[1:]:
        await dirty.mark(session, purpose, "project", [project_id])
