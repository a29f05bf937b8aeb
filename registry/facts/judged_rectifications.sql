-- One row for each plan for capacity built against the rules, of a project or of a region.
--   acted_on    the day it was drawn up
SELECT 'rectification' AS subject_kind, t.rectification_id AS subject_id, NULL::bigint AS version_id,
       NULL::bigint AS record_id, CAST(:as_of AS date) AS judged_on, 'rectification' AS act, t.decided AS acted_on,
       t.project_id, NULL::bigint AS enterprise_id, p.owner_id, 'linked' AS outcome, '' AS method,
       p.sector, COALESCE(p.region, t.region) AS project_region, t.region,
       t.reference, t.decided, t.published, t.filed
FROM known_rectifications AS t
LEFT JOIN project_states AS p ON p.project_id = t.project_id
