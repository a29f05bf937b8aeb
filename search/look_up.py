"""Looking codes, USCCs and names up in the register itself: what is left of search while Elasticsearch is away."""

from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.database import transaction
from registry.reading import Row, rows
from registry.viewers import PUBLIC, become
from search.asking import Asked
from search.queries import Search

MOST: Final = 500

# Only what anybody may see: records are not looked up here, and flags are counted as in the public index.
_PROJECTS: Final = """
WITH named AS (
    -- A name that was corrected since still stands on older papers: it is found, after what is called so now.
    SELECT v.project_id, max(CASE WHEN v.name_normal = :whole THEN 3 ELSE 1 END
                             - CASE WHEN v.known_to = 'infinity' THEN 0 ELSE 1 END) AS rank
    FROM project_versions AS v
    WHERE v.name_normal LIKE ALL(CAST(:patterns AS text[])) GROUP BY v.project_id
    UNION ALL
    SELECT c.project_id, 4 FROM project_codes AS c WHERE c.known_to = 'infinity' AND c.code = ANY(:codes)
    UNION ALL
    SELECT v.project_id, 4 FROM project_versions AS v WHERE v.known_to = 'infinity' AND v.code = ANY(:codes)
),
ranked AS (SELECT project_id, max(rank) AS rank FROM named GROUP BY project_id)
SELECT DISTINCT ON (r.rank, v.project_id) 'project' AS kind, v.project_id AS id, v.name AS title, v.code, v.sector,
       v.region, left(v.region, 2) || '0000' AS province, v.stage, v.nature, p.invented, r.rank,
       count(f.*) > 0 AS flagged, count(f.*) AS flags
FROM ranked AS r
JOIN project_versions AS v ON v.project_id = r.project_id AND v.known_to = 'infinity'
JOIN projects AS p ON p.id = r.project_id
LEFT JOIN findings_shown AS f ON f.project_id = r.project_id AND f.known_to = 'infinity' AND f.state = 'open'
GROUP BY v.version_id, r.rank, p.invented
ORDER BY r.rank DESC, v.project_id, v.held_from DESC NULLS LAST
LIMIT :most
"""
_ENTERPRISES: Final = """
WITH named AS (
    -- Every name an enterprise is registered under stands among its names.
    SELECT n.enterprise_id, max(CASE WHEN n.name_normal = :whole THEN 3 ELSE 1 END
                                - CASE WHEN n.known_to = 'infinity' THEN 0 ELSE 1 END) AS rank
    FROM enterprise_names AS n
    WHERE n.name_normal LIKE ALL(CAST(:patterns AS text[])) GROUP BY n.enterprise_id
    UNION ALL
    SELECT v.enterprise_id, 4 FROM enterprise_versions AS v WHERE v.known_to = 'infinity' AND v.uscc = ANY(:codes)
),
ranked AS (SELECT enterprise_id, max(rank) AS rank FROM named GROUP BY enterprise_id)
SELECT DISTINCT ON (r.rank, v.enterprise_id) 'enterprise' AS kind, v.enterprise_id AS id, v.name AS title, v.uscc,
       v.region, left(v.region, 2) || '0000' AS province, e.invented, r.rank,
       count(f.*) > 0 AS flagged, count(f.*) AS flags
FROM ranked AS r
JOIN enterprise_versions AS v ON v.enterprise_id = r.enterprise_id AND v.known_to = 'infinity'
JOIN enterprises AS e ON e.id = r.enterprise_id
LEFT JOIN findings_shown AS f ON f.enterprise_id = r.enterprise_id AND f.known_to = 'infinity' AND f.state = 'open'
    AND f.lane <> 'credit'
GROUP BY v.version_id, r.rank, e.invented
ORDER BY r.rank DESC, v.enterprise_id, v.held_from DESC NULLS LAST
LIMIT :most
"""
# A text that was withdrawn or never shown is not found; the policies say the same once more.
_PUBLICATIONS: Final = """
SELECT DISTINCT ON (p.id) 'publication' AS kind, p.id, v.title_zh AS title, v.title_en, p.reference AS number, p.sector,
       p.region, left(nullif(p.region, '000000'), 2) || '0000' AS province, p.kind AS publication_kind,
       v.state AS publication_state, p.synthetic, false AS flagged, 0 AS flags,
       CASE WHEN p.reference = ANY(:typed) THEN 4 WHEN v.title_normal = :whole THEN 3 ELSE 1 END AS rank
FROM publications AS p
JOIN publication_versions AS v ON v.publication_id = p.id AND v.state IN ('published', 'displayed')
WHERE p.public_since IS NOT NULL AND p.withdrawn_at IS NULL
  AND (p.reference = ANY(:typed) OR v.title_normal LIKE ALL(CAST(:patterns AS text[])))
ORDER BY p.id, v.state = 'published' DESC
LIMIT :most
"""


async def look_up(database: AsyncEngine, search: Search, asked: Asked) -> list[Row]:
    """Projects, enterprises and publications by code, USCC, number or part of a name, exact ones first, at most MOST.

    The facets that the register answers at once (kind, sector, province, stage, nature, flagged, invented, and of
    publications kind and state) hold.
    """
    if not asked.words:
        return []
    # Normal forms have no punctuation, so nothing typed is a wildcard.
    patterns = [f"%{word.normal}%" for word in asked.words if word.normal]
    codes = list(asked.codes) + [_hyphened(code) for code in asked.codes if len(code) == 20]
    values: dict[str, Any] = {
        # ALL of no pattern would let everything pass.
        "patterns": patterns or [""],
        "whole": asked.normal,
        "codes": codes,
        "most": MOST,
    }
    typed = {"typed": [word.typed for word in asked.words]}
    async with transaction(database) as session:
        # Whoever searches, what is found here is what the public sees.
        await become(session, PUBLIC)
        found = await rows(session, _PROJECTS, **values) + await rows(session, _ENTERPRISES, **values)
        del values["codes"]
        found += await rows(session, _PUBLICATIONS, **values, **typed)
    kept = [row for row in found if all(_holds(row, name, chosen) for name, chosen in search.filters.items() if chosen)]
    kept.sort(key=lambda row: (-row["rank"], -row["flags"], len(row["title"]), row["kind"], row["id"]))
    return [{name: value for name, value in row.items() if name != "rank"} for row in kept]


def _hyphened(code: str) -> str:
    return "-".join((code[:4], code[4:10], code[10:12], code[12:14], code[14:]))


def _holds(row: Row, name: str, chosen: tuple[str, ...]) -> bool:
    value = row.get(name)
    return (str(value).lower() if isinstance(value, bool) else value) in chosen
