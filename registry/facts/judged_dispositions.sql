-- One row for each disposition; what is found is found of its project.
--   acted_on    the day it was decided
SELECT 'project' AS subject_kind, d.project_id AS subject_id, NULL::bigint AS version_id, NULL::bigint AS record_id,
       CAST(:as_of AS date) AS judged_on, 'disposition' AS act, d.decided AS acted_on,
       d.project_id, NULL::bigint AS enterprise_id, p.owner_id, 'linked' AS outcome, '' AS method,
       p.sector, p.region AS project_region, NULL::text AS region,
       d.disposition_id, d.kind, d.decided, d.published
FROM known_dispositions AS d
LEFT JOIN project_states AS p ON p.project_id = d.project_id
