"""The register at a glance: how much it holds, what is flagged by gate and province, how fresh it is."""

from datetime import datetime

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.reading import rows


class ProvinceCount(BaseModel):
    """Projects of a province (first two digits) and how many of them are flagged, by gate."""

    province: str
    projects: int
    flagged: int
    land: int
    environment: int
    credit: int


class Freshness(BaseModel):
    """When an agency was last read in full."""

    feed: str
    name_zh: str
    name_en: str
    finished_at: datetime | None


class Overview(BaseModel):
    """Everything on the home page."""

    enterprises: int
    projects: int
    records: int
    open_findings: int
    flagged_projects: int
    by_lane: dict[str, int]
    by_sector: dict[str, int]
    provinces: list[ProvinceCount]
    freshness: list[Freshness]


async def overview(session: AsyncSession) -> Overview:
    """Counts of what is known now."""
    totals = (
        await rows(
            session,
            """
            SELECT (SELECT count(*) FROM enterprises) AS enterprises,
                   (SELECT count(*) FROM projects) AS projects,
                   (SELECT coalesce(sum(records), 0)::bigint FROM record_counts) AS records,
                   (SELECT count(*) FROM findings_shown
                    WHERE known_to = 'infinity' AND state = 'open') AS open_findings,
                   (SELECT count(DISTINCT project_id) FROM findings_shown
                    WHERE known_to = 'infinity' AND state = 'open') AS flagged_projects
            """,
        )
    )[0]
    lanes = await rows(
        session,
        """
        SELECT lane, count(*) AS open FROM findings_shown WHERE known_to = 'infinity' AND state = 'open' GROUP BY lane
        """,
    )
    sectors = await rows(
        session,
        """
        SELECT sector, count(*) AS projects FROM (
            SELECT DISTINCT ON (project_id) project_id, sector FROM project_versions WHERE known_to = 'infinity'
            ORDER BY project_id, held_from DESC NULLS LAST
        ) current GROUP BY sector
        """,
    )
    provinces = await rows(
        session,
        """
        WITH current AS (
            SELECT DISTINCT ON (project_id) project_id, left(region, 2) AS province FROM project_versions
            WHERE known_to = 'infinity' ORDER BY project_id, held_from DESC NULLS LAST
        ), flagged AS (
            SELECT project_id, bool_or(lane = 'land') AS land, bool_or(lane = 'environment') AS environment,
                   bool_or(lane = 'credit') AS credit
            FROM findings_shown WHERE known_to = 'infinity' AND state = 'open' AND project_id IS NOT NULL
            GROUP BY project_id
        )
        SELECT province, count(*) AS projects, count(f.project_id) AS flagged,
               count(*) FILTER (WHERE f.land) AS land, count(*) FILTER (WHERE f.environment) AS environment,
               count(*) FILTER (WHERE f.credit) AS credit
        FROM current LEFT JOIN flagged f USING (project_id) WHERE province IS NOT NULL GROUP BY province
        """,
    )
    freshness = await rows(
        session,
        """
        SELECT f.id AS feed, f.name_zh, f.name_en,
               max(r.finished_at) FILTER (WHERE r.state IN ('done', 'released')) AS finished_at
        FROM feeds f LEFT JOIN sync_runs r ON r.feed = f.id GROUP BY f.id, f.name_zh, f.name_en ORDER BY f.id
        """,
    )
    return Overview(
        **totals,
        by_lane={row["lane"]: row["open"] for row in lanes},
        by_sector={row["sector"]: row["projects"] for row in sectors},
        provinces=[ProvinceCount(**row) for row in provinces],
        freshness=[Freshness(**row) for row in freshness],
    )
