-- One row for each replacement plan, with the project whose new capacity it makes room for.
--   acted_on    the day of the plan: of its confirmation, else of its announcement; NULL where neither happened
--   plan_id, reference, published, confirmed, announced, listed, effective   see known_plans.sql
--   has_unbuilt and the others   of its units, see plan_states.sql; NULL where it has none
SELECT 'plan' AS subject_kind, k.plan_id AS subject_id, NULL::bigint AS version_id, NULL::bigint AS record_id,
       CAST(:as_of AS date) AS judged_on, 'plan' AS act, COALESCE(k.confirmed, k.announced) AS acted_on,
       k.project_id, NULL::bigint AS enterprise_id, p.owner_id, 'linked' AS outcome, '' AS method,
       p.least_ratio, p.sector, p.region AS project_region, NULL::text AS region,
       k.plan_id, k.reference, k.published, k.confirmed, k.announced, k.listed, k.effective,
       u.has_unbuilt, u.has_subsidised, u.first_gone, u.last_ran, u.listed_by, u.backward_by, u.has_unlisted, u.has_shared
FROM known_plans AS k
LEFT JOIN project_states AS p ON p.project_id = k.project_id
LEFT JOIN plan_states AS u ON u.plan_id = k.plan_id
