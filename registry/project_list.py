"""Projects as a list: filters, order of their numbers, pages by cursor."""

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.reading import number_of_cursor, read_cursor, rows, write_cursor


class ProjectSummary(BaseModel):
    """One project in a list."""

    id: int
    reference: str
    invented: bool
    code: str | None
    name: str
    name_en: str
    owner_id: int | None
    sector: str
    region: str | None
    nature: str
    stage: str
    synthetic_fields: list[str]
    open_findings: int


class ProjectPage(BaseModel):
    """One page of a list and the cursor of the next."""

    items: list[ProjectSummary]
    next_cursor: str | None = None


async def list_projects(
    session: AsyncSession,
    *,
    sector: str | None = None,
    province: str | None = None,
    stage: str | None = None,
    flagged: bool | None = None,
    mark: str | None = None,
    cursor: str = "",
    limit: int = 50,
) -> ProjectPage:
    """Projects as known now, by number; `flagged` asks for those with or without open findings, `mark` for those with
    an act that has this gate mark, of what the viewer may know of."""
    after = number_of_cursor(read_cursor(cursor, 1)[0]) if cursor else 0
    asked = {"v.sector = :sector": sector, "left(v.region, 2) = :province": province, "v.stage = :stage": stage}
    where = "".join(f" AND {text}" for text, value in asked.items() if value is not None)
    if flagged is not None:
        where += f" AND (flags.open > 0) IS {'TRUE' if flagged else 'FALSE'}"
    if mark is not None:
        where += (
            " AND EXISTS (SELECT FROM gate_marks AS m WHERE m.project_id = p.id AND m.known_to = 'infinity' "
            "AND m.mark = :mark)"
        )
    found = await rows(
        session,
        f"""
        SELECT p.id, p.reference, p.invented, v.code, v.name, v.name_en, v.owner_id, v.sector, v.region, v.nature,
               v.stage, v.synthetic_fields, flags.open AS open_findings
        FROM projects p
        CROSS JOIN LATERAL (
            SELECT * FROM project_versions v WHERE v.project_id = p.id AND v.known_to = 'infinity'
            ORDER BY v.held_from DESC NULLS LAST LIMIT 1
        ) v
        CROSS JOIN LATERAL (
            SELECT count(*) AS open FROM findings_shown f
            WHERE f.project_id = p.id AND f.known_to = 'infinity' AND f.state = 'open'
        ) flags
        WHERE p.id > :after{where} ORDER BY p.id LIMIT {int(limit) + 1}
        """,
        after=after,
        sector=sector,
        province=province,
        stage=stage,
        **({} if mark is None else {"mark": mark}),
    )
    more = len(found) > limit
    items = [ProjectSummary(**row) for row in found[:limit]]
    return ProjectPage(items=items, next_cursor=write_cursor(items[-1].id) if more else None)
