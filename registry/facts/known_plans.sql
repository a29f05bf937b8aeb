-- Replacement plans; a date after the day the world is seen has not happened.
-- effective: the later of confirmation and announcement, NULL until both are.
SELECT p.project_id, p.plan_id, p.reference,
       CASE WHEN p.published <= :as_of THEN p.published END AS published,
       CASE WHEN p.confirmed <= :as_of THEN p.confirmed END AS confirmed,
       CASE WHEN p.announced <= :as_of THEN p.announced END AS announced,
       CASE WHEN p.listed <= :as_of THEN p.listed END AS listed,
       CASE WHEN p.confirmed <= :as_of AND p.announced <= :as_of THEN GREATEST(p.confirmed, p.announced) END AS effective,
       p.number, p.authority, p.synthetic
FROM replacement_plans AS p
WHERE known(p) AND judged_project(p.project_id)
