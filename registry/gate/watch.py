"""The watch: whoever was allowed is told when the project loses its standing, and when it has it again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.events import Happened, announce
from registry.clock import civil_day
from registry.database import json_text
from registry.gate.checks import Judged, judge_all
from registry.gate.matching import Match
from registry.gate.questions import Question
from registry.gate.words import gate_words
from registry.reading import Row, read_cursor, rows, write_cursor
from registry.viewers import Viewer

# So many are judged by one statement.
_AT_ONCE: Final = 500

# The newest allowance of each intended act, and what its asker was told last; a re-check takes the place of what it
# checks again.
_WATCHED: Final = """
SELECT c.id, c.question, c.project_id, c.enterprise_id, c.finance, c.asker, c.organisation_id,
       coalesce(told.answer, 'allow') AS told, coalesce(told.reasons, '[]') AS told_reasons
FROM gate_checks AS c
LEFT JOIN LATERAL (
    SELECT n.answer, n.content -> 'codes' AS reasons FROM gate_notices AS n WHERE n.check_id = c.id
    ORDER BY n.id DESC LIMIT 1
) AS told ON TRUE
WHERE c.answer = 'allow' AND c.project_id IS NOT NULL AND c.id > :after
  AND (CAST(:projects AS bigint[]) IS NULL OR c.project_id = ANY(CAST(:projects AS bigint[])))
  AND NOT EXISTS (
      SELECT FROM gate_checks AS later WHERE later.recheck_of = coalesce(c.recheck_of, c.id) AND later.id > c.id
  )
ORDER BY c.id LIMIT :limit
"""

_TELL: Final = text(
    """
    INSERT INTO gate_notices (check_id, organisation_id, asker, at, answer, content)
    SELECT one.check_id, one.organisation_id, one.asker, :at, one.answer, one.content
    FROM jsonb_to_recordset(CAST(:notices AS jsonb)) AS one (
        check_id bigint, organisation_id text, asker text, answer text, content jsonb
    )
    RETURNING id, check_id
    """
)


async def look_again(session: AsyncSession, projects: Sequence[int] | None, at: datetime) -> int:
    """Judge the standing allowances of these projects (None: of all) once more; how many notices were written."""
    told = 0
    after = 0
    while True:
        watched = await _watched(session, projects, after)
        if not watched:
            return told
        after = watched[-1]["id"]
        questions = [(Question.model_validate({**row["question"], "on": None}), row["finance"]) for row in watched]
        matches = [Match("code", row["project_id"], row["enterprise_id"]) for row in watched]
        judged = await judge_all(session, questions, civil_day(at), matches=matches)
        notices = [
            _notice(row, one) for row, one in zip(watched, judged, strict=True) if one.verdict.answer != row["told"]
        ]
        if notices:
            written = await (await session.connection()).execute(_TELL, {"at": at, "notices": json_text(notices)})
            await _announce(session, watched, notices, {check: notice for notice, check in written}, at)
            told += len(notices)


async def _watched(session: AsyncSession, projects: Sequence[int] | None, after: int) -> list[Row]:
    statement = text(_WATCHED).bindparams(bindparam("projects", type_=ARRAY(BigInteger)))
    values = {"projects": None if projects is None else list(projects), "after": after, "limit": _AT_ONCE}
    return [dict(row) for row in (await (await session.connection()).execute(statement, values)).mappings()]


async def _announce(
    session: AsyncSession, watched: Sequence[Row], notices: Sequence[dict[str, Any]], ids: dict[int, int], at: datetime
) -> None:
    """Let each asker be told by mail, webhook and feed: the person who asked, else the organisation's people."""
    askers = await rows(
        session, "SELECT id, login FROM accounts WHERE login = ANY(:logins)", logins=[row["asker"] for row in watched]
    )
    accounts = {row["login"]: row["id"] for row in askers}
    for notice in notices:
        check = notice["check_id"]
        person = accounts.get(notice["asker"])
        if not notice["organisation_id"] and person is None:
            continue  # the register's own key: nobody's mail, and no organisation's webhook
        words = gate_words().answers[notice["answer"]]
        happened = Happened(
            kind="gate.standing_regained" if notice["answer"] == "allow" else "gate.standing_lost",
            key=f"gate.notice:{ids[check]}",
            subject_kind="gate_check",
            # Its number: by its address anybody could read the receipt.
            subject=str(check),
            path="/gate-check/notices",
            zh=f"这次办理前核验现在的答复是：{words.zh}",
            en=f"The answer to this check would now be: {words.en}",
            organisation_id=notice["organisation_id"] or None,
            account_ids=() if person is None else (person,),
        )
        await announce(session, happened, at)


def _notice(row: Row, judged: Judged) -> dict[str, Any]:
    verdict = judged.verdict
    words = gate_words().answers[verdict.answer]
    return {
        "check_id": row["id"],
        "organisation_id": row["organisation_id"],
        "asker": row["asker"],
        "answer": verdict.answer,
        "content": {
            "answer_zh": words.zh,
            "answer_en": words.en,
            "codes": verdict.codes,
            "reasons": verdict.reasons,
            "notes": verdict.notes,
            "missing": verdict.missing,
        },
    }


class Notice(BaseModel):
    """What an asker is told of a project that it was allowed to serve."""

    id: int
    at: datetime
    check: str
    act: str
    project_id: int
    project_code: str | None
    project_name: str
    answer: str
    content: dict[str, Any]


class NoticePage(BaseModel):
    """One page of notices, newest first, and the cursor of the next."""

    items: list[Notice]
    next_cursor: str | None = None


async def list_notices(session: AsyncSession, viewer: Viewer, *, cursor: str = "", limit: int = 25) -> NoticePage:
    """The notices of the viewer's organisation (of a caller without one: its own)."""
    before = read_cursor(cursor, 1)[0] if cursor else None
    found = await rows(
        session,
        """
        SELECT n.id, n.at, c.address AS check, c.act, c.project_id, v.code AS project_code, v.name AS project_name,
               n.answer, n.content
        FROM gate_notices AS n
        JOIN gate_checks AS c ON c.id = n.check_id
        CROSS JOIN LATERAL (
            SELECT v.code, v.name FROM project_versions AS v
            WHERE v.project_id = c.project_id AND v.known_to = 'infinity' ORDER BY v.held_from DESC NULLS LAST LIMIT 1
        ) AS v
        WHERE n.organisation_id = :organisation AND (n.organisation_id <> '' OR n.asker = :asker)
          AND (CAST(:before AS bigint) IS NULL OR n.id < CAST(:before AS bigint))
        ORDER BY n.id DESC LIMIT :limit
        """,
        organisation=viewer.organisation_id,
        asker=viewer.actor,
        before=before if isinstance(before, int) else None,
        limit=limit + 1,
    )
    items = [Notice(**row) for row in found[:limit]]
    return NoticePage(items=items, next_cursor=write_cursor(items[-1].id) if len(found) > limit else None)
