"""One list of everything that is made public: the register's own publications and the notices of others."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.publishing.titles import titles
from registry.reading import (
    UNDATED,
    Row,
    asked_for,
    day_of_cursor,
    number_of_cursor,
    read_cursor,
    region_names,
    rows,
    write_cursor,
)

# What the public sees of one publication: the text in force, else what is on display, else its tombstone.
_OWN: Final = """
SELECT 'register' AS origin, p.id, p.reference, p.kind, coalesce(p.sector, '') AS sector, p.region, '' AS title,
    v.content, coalesce(v.state, 'withdrawn') AS state,
    CAST(coalesce(p.withdrawn_at, v.published_at, v.displayed_at, p.public_since) AT TIME ZONE 'Asia/Shanghai' AS date)
        AS on_date,
    coalesce(p.withdrawn_at, v.published_at, v.displayed_at, p.public_since) AS changed_at,
    CASE WHEN v.state = 'displayed' THEN v.objections_until END AS objections_until, o.name_zh AS issuer,
    coalesce(v.number, 0) AS version, p.synthetic, false AS unverified,
    EXISTS (
        SELECT FROM publication_versions AS w WHERE w.publication_id = p.id AND w.state = 'superseded'
    ) AS corrected,
    p.withdrawn_reason, p.project_id, p.enterprise_id,
    concat_ws(' ', p.reference, v.content -> 'facts' ->> 'enterprise_name', v.content -> 'facts' ->> 'project_name',
        v.content -> 'facts' ->> 'enterprise_uscc', v.content -> 'facts' ->> 'project_code',
        v.content -> 'facts' ->> 'number',
        jsonb_path_query_array(v.content, '$.lines[*].enterprise_name')::text) AS words
FROM publications AS p
LEFT JOIN LATERAL (
    SELECT w.* FROM publication_versions AS w WHERE w.publication_id = p.id AND w.state IN ('published', 'displayed')
    ORDER BY w.state = 'published' DESC LIMIT 1
) AS v ON true
LEFT JOIN LATERAL (SELECT v.content -> 'office' ->> 'name_zh' AS name_zh) AS o ON true
WHERE p.public_since IS NOT NULL AND (v.id IS NOT NULL OR p.withdrawn_at IS NOT NULL)
"""
_OTHERS: Final = """
SELECT 'reported' AS origin, n.id, n.reference, n.kind, n.sector, NULL AS region, n.title, NULL::jsonb AS content,
    'reported' AS state, n.on_date, NULL::timestamptz AS changed_at, NULL::date AS objections_until, n.issuer,
    0 AS version, s.synthetic, n.unverified, false AS corrected, '' AS withdrawn_reason, NULL::bigint AS project_id,
    NULL::bigint AS enterprise_id, concat_ws(' ', n.reference, n.title, n.issuer, (
        SELECT string_agg(i.enterprise_name, ' ') FROM notice_items AS i WHERE i.notice_id = n.id)) AS words
FROM notices AS n JOIN sources AS s ON s.id = n.source_id
"""
_BOTH: Final = f"({_OWN} UNION ALL {_OTHERS})"
ORIGINS: Final = ("register", "reported")
SHOWN_STATES: Final = ("displayed", "published", "withdrawn", "reported")


class PublicationSummary(BaseModel):
    """One line of the list; `origin` is register for our own, reported for a notice of others as it was read."""

    origin: str
    id: int
    address: str
    reference: str
    kind: str
    title_zh: str
    title_en: str
    sector: str
    region: str | None
    region_name: str | None = None
    state: str
    on_date: date | None
    changed_at: datetime | None
    objections_until: date | None
    issuer: str
    version: int
    corrected: bool
    synthetic: bool
    unverified: bool
    withdrawn_reason: str


class PublicationPage(BaseModel):
    """One page of the list and the cursor of the next."""

    items: list[PublicationSummary]
    total: int
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class PublicationFilter:
    """What to list; None asks nothing."""

    origin: str | None = None
    kind: str | None = None
    state: str | None = None
    sector: str | None = None
    province: str | None = None
    # A part of a name, number or code; case does not matter.
    text: str | None = None
    project: int | None = None
    enterprise: int | None = None

    def conditions(self) -> tuple[str, dict[str, Any]]:
        """The WHERE text and its binds."""
        conditions, binds = asked_for(
            {
                "origin = :origin": self.origin,
                "kind = :kind": self.kind,
                "state = :state": self.state,
                "sector = :sector": self.sector,
                "left(region, 2) = :province": self.province,
                "strpos(lower(words), lower(:text)) > 0": self.text,
                # What was withdrawn no longer points at anybody.
                "state <> 'withdrawn' AND project_id = :project": self.project,
                "state <> 'withdrawn' AND enterprise_id = :enterprise": self.enterprise,
            }
        )
        return " AND ".join(["true", *conditions]), binds


async def publication_kinds(session: AsyncSession) -> list[str]:
    """The kinds that there is something of."""
    return [row["kind"] for row in await rows(session, f"SELECT DISTINCT kind FROM {_BOTH} AS b ORDER BY kind")]


async def list_publications(
    session: AsyncSession, wanted: PublicationFilter, *, cursor: str = "", limit: int = 25
) -> PublicationPage:
    """What is public, newest first; undated notices last."""
    where, binds = wanted.conditions()
    total = await rows(session, f"SELECT count(*) AS total FROM {_BOTH} AS b WHERE {where}", **binds)
    if cursor:
        day, origin, number = read_cursor(cursor, 3)
        where += f" AND (coalesce(on_date, date '{UNDATED}'), origin, id) < (:day, :before, :number)"
        binds |= {"day": day_of_cursor(day), "before": str(origin), "number": number_of_cursor(number)}
    found = await rows(
        session,
        f"SELECT *, coalesce(on_date, date '{UNDATED}') AS sorted_by FROM {_BOTH} AS b WHERE {where} "
        f"ORDER BY sorted_by DESC, origin DESC, id DESC LIMIT {int(limit) + 1}",
        **binds,
    )
    more = len(found) > limit
    found = found[:limit]
    names = await region_names(session, [row["region"] for row in found])
    return PublicationPage(
        items=[_summary(row, names) for row in found],
        total=int(total[0]["total"]),
        next_cursor=(
            write_cursor(found[-1]["sorted_by"].isoformat(), found[-1]["origin"], found[-1]["id"]) if more else None
        ),
    )


def _summary(row: Row, names: dict[str, str]) -> PublicationSummary:
    own = row["origin"] == "register"
    zh, en = titles(row["kind"], row["content"]) if row["content"] else (row["title"], row["title"])
    return PublicationSummary(
        **{name: row[name] or "" for name in ("title_zh", "title_en", "issuer") if name in row},
        **{
            name: row[name]
            for name in PublicationSummary.model_fields
            if name in row and name not in ("address", "issuer", "region_name")
        },
        address=f"/{'publications' if own else 'notices'}/{row['id']}",
        title_zh=zh,
        title_en=en,
        region_name=names.get(row["region"] or ""),
    )
