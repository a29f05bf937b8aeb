"""Filling the queue of what awaits a person: candidates and review items of the batch's records."""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# Candidates by likeness, and those by exact means that likeness did not weigh.
_WANTED: Final = """
CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS
WITH open AS (
    SELECT d.record_id, d.method, d.evidence FROM decisions AS d
    WHERE d.outcome = 'unlinked' AND NOT EXISTS (
        SELECT FROM links AS l WHERE l.record_id = d.record_id AND l.known_to = 'infinity' AND l.decided_by <> 'linker')
)
SELECT o.record_id, o.method, one.project_id, coalesce(w.score, 0) AS score,
       CASE WHEN w.record_id IS NULL THEN '' ELSE CAST(:model AS text) END AS model,
       coalesce(w.explanation, '[]') AS explanation
FROM open AS o
CROSS JOIN LATERAL (
    SELECT DISTINCT CAST(project AS bigint) AS project_id
    FROM jsonb_array_elements_text(o.evidence -> 'projects') AS project
) AS one
LEFT JOIN weighed AS w ON w.record_id = o.record_id AND w.project_id = one.project_id
WHERE NOT EXISTS (SELECT FROM rejected AS r WHERE r.record_id = o.record_id AND r.project_id = one.project_id)
"""
_CLOSE_CANDIDATES: Final = """
UPDATE link_candidates AS c SET known_to = greatest(:at, c.known_from)
WHERE c.known_to = 'infinity' AND c.record_id IN (SELECT record_id FROM decisions)
  AND NOT EXISTS (SELECT FROM wanted AS w WHERE w.record_id = c.record_id AND w.project_id = c.project_id
                  AND w.score = c.score AND w.model = c.model AND w.explanation = c.explanation)
"""
_ADD_CANDIDATES: Final = """
INSERT INTO link_candidates (record_id, project_id, score, model, explanation, known_from)
SELECT w.record_id, w.project_id, w.score, w.model, w.explanation, :at FROM wanted AS w
WHERE NOT EXISTS (SELECT FROM link_candidates AS c WHERE c.known_to = 'infinity' AND c.record_id = w.record_id
                  AND c.project_id = w.project_id)
"""
_ITEMS: Final = """
CREATE TEMPORARY TABLE items ON COMMIT DROP AS
SELECT w.record_id, min(w.method) AS cause, max(w.score) AS best_score, count(*)::integer AS candidates,
       min(r.amount) AS amount, min(r.area_hectares) AS area_hectares
FROM wanted AS w JOIN records AS r ON r.record_id = w.record_id AND r.known_to = 'infinity'
GROUP BY w.record_id
"""
_CLOSE_ITEMS: Final = """
UPDATE review_items AS i SET known_to = greatest(:at, i.known_from)
WHERE i.known_to = 'infinity' AND i.record_id IN (SELECT record_id FROM decisions)
  AND NOT EXISTS (
      SELECT FROM items AS n WHERE n.record_id = i.record_id AND n.cause = i.cause AND n.best_score = i.best_score
        AND n.candidates = i.candidates AND n.amount IS NOT DISTINCT FROM i.amount
        AND n.area_hectares IS NOT DISTINCT FROM i.area_hectares)
"""
_ADD_ITEMS: Final = """
INSERT INTO review_items (record_id, cause, best_score, candidates, amount, area_hectares, known_from)
SELECT n.*, :at FROM items AS n
WHERE NOT EXISTS (SELECT FROM review_items AS i WHERE i.known_to = 'infinity' AND i.record_id = n.record_id)
"""


async def queue_reviews(connection: AsyncConnection, at: datetime, model: str) -> None:
    """Bring candidates and review items in line with `decisions`; what a person decided awaits nobody."""
    await connection.exec_driver_sql("DROP TABLE IF EXISTS wanted, items")
    await connection.execute(text(_WANTED), {"model": model})
    await connection.execute(text(_CLOSE_CANDIDATES), {"at": at})
    await connection.execute(text(_ADD_CANDIDATES), {"at": at})
    await connection.exec_driver_sql(_ITEMS)
    await connection.execute(text(_CLOSE_ITEMS), {"at": at})
    await connection.execute(text(_ADD_ITEMS), {"at": at})
