"""The publishing desk: what should be public and is not, what is on its way, and which letters await an answer."""

from datetime import date
from typing import Any, Final

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.publishing.drafting import PROPOSAL, of_publication
from registry.publishing.press import WITHDRAWAL
from registry.publishing.publication_file import VersionLine, version_line
from registry.publishing.titles import titles
from registry.reading import Row, first, rows
from registry.row_policies import within
from registry.working_days import working_days_left

MOST: Final = 200
# What the law wants public and neither others nor we have published: one line a matter.
_MISSING: Final = " UNION ALL ".join(
    f"SELECT '{kind}' AS kind, m.subject, {number} AS number, {name} AS name, m.region, m.synthetic, "
    f"{day} AS on_date FROM {view} AS m WHERE {open_} AND {within('m.region')} "
    "AND NOT EXISTS (SELECT FROM publications AS p WHERE "
    f"p.kind = '{kind}' AND p.subject = m.subject AND p.withdrawn_at IS NULL AND EXISTS (SELECT FROM "
    "publication_versions AS v WHERE v.publication_id = p.id AND v.state NOT IN ('refused', 'dropped')))"
    for kind, view, name, day, open_, number in (
        (
            "disposition",
            "publishable_dispositions",
            "concat_ws(' ', m.enterprise_name, m.project_name)",
            "m.decided",
            "m.known_published IS NULL",
            "m.number",
        ),
        (
            "rectification",
            "publishable_rectifications",
            "concat_ws(' ', m.enterprise_name, m.project_name)",
            "m.decided",
            "m.known_published IS NULL",
            "m.number",
        ),
        (
            "replacement_plan",
            "publishable_plans",
            "concat_ws(' ', m.enterprise_name, m.project_name)",
            "m.confirmed",
            "m.known_published IS NULL",
            "m.number",
        ),
        ("elimination_list", "publishable_lists", "m.number", "NULL::date", "true", "m.number"),
        ("statistics", "publishable_years", "m.subject", "make_date(m.year, 12, 31)", "m.year < :year", "m.subject"),
    )
)
_ON_THEIR_WAY: Final = f"""
SELECT p.id, p.reference, p.kind, p.region, p.synthetic, v.number, v.state, v.accuses, v.content, v.approved_by,
    v.objections_until, v.drafted_at, c.name AS drafter,
    (SELECT count(*) FROM publication_objections AS o WHERE o.version_id = v.id AND o.state = 'open') AS objections
FROM publication_versions AS v JOIN publications AS p ON p.id = v.publication_id
LEFT JOIN colleagues AS c ON c.id = v.drafted_by
WHERE v.state IN ('draft', 'submitted', 'displayed') AND {within("v.region")} ORDER BY v.drafted_at DESC LIMIT {MOST}
"""
_LETTERS: Final = " UNION ALL ".join(
    f"SELECT '{kind}' AS kind, l.id, l.publication_id, l.received_on, p.reference FROM {table} AS l "
    f"JOIN publications AS p ON p.id = l.publication_id WHERE l.state = 'open' AND {within('l.region')}"
    for kind, table in (
        ("objection", "publication_objections"),
        ("reply", "publication_replies"),
        ("appeal", "publication_appeals"),
    )
)


async def missing(session: AsyncSession, today: date) -> list[Row]:
    """What could be published and is not, latest first; statistics when their year is over."""
    return await rows(
        session,
        f"SELECT * FROM ({_MISSING}) AS m ORDER BY on_date DESC NULLS LAST, subject LIMIT {MOST}",
        year=today.year,
    )


async def on_their_way(session: AsyncSession, today: date) -> list[dict[str, Any]]:
    """Drafts, what awaits approval, and what is on display with the working days that are left."""
    return [
        {
            **row,
            "title_zh": titles(row["kind"], row["content"])[0],
            "title_en": titles(row["kind"], row["content"])[1],
            "days_left": working_days_left(today, row["objections_until"]) if row["objections_until"] else None,
        }
        for row in await rows(session, _ON_THEIR_WAY)
    ]


async def letters(session: AsyncSession) -> list[Row]:
    """Objections, replies and appeals that nobody has answered or confirmed, oldest first."""
    return await rows(session, f"SELECT * FROM ({_LETTERS}) AS l ORDER BY received_on, id LIMIT {MOST}")


async def work_file(session: AsyncSession, publication: int, today: date) -> dict[str, Any]:
    """Everything of a publication for who works on it: all versions, letters whole, and what awaits a second person."""
    found = await of_publication(session, publication)
    versions: list[tuple[Row, VersionLine]] = [
        (row, version_line(found["kind"], row, today))
        for row in await rows(
            session,
            "SELECT v.*, d.name AS drafter, a.name AS approver, b.name AS second_approver "
            "FROM publication_versions AS v LEFT JOIN colleagues AS d ON d.id = v.drafted_by "
            "LEFT JOIN colleagues AS a ON a.id = v.approved_by "
            "LEFT JOIN colleagues AS b ON b.id = v.second_approved_by WHERE v.publication_id = :id "
            "ORDER BY v.number DESC",
            id=publication,
        )
    ]
    of_it = (
        "SELECT l.*, c.name AS receiver FROM publication_{name} AS l LEFT JOIN colleagues AS c ON c.id = l.received_by "
        "WHERE l.publication_id = :id ORDER BY l.id"
    )
    said = {
        name: await rows(session, of_it.format(name=name), id=publication)
        for name in ("objections", "replies", "appeals")
    }
    proposal = await first(
        session,
        "SELECT id, version, kind, reason, drafted_by, owner_id, drafted_for FROM proposals WHERE state = 'open' "
        "AND kind = ANY(:kinds) AND subject = :reference ORDER BY id LIMIT 1",
        kinds=[PROPOSAL, WITHDRAWAL],
        reference=found["reference"],
    )
    on_way = next((one for one in versions if one[0]["state"] in ("draft", "submitted", "displayed")), None)
    return {
        "publication": found,
        "versions": versions,
        "on_way": on_way,
        "proposal": proposal,
        **said,
    }
