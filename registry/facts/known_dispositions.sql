-- What was decided of projects that broke the rules, by the day the world is seen; what came later has not happened.
SELECT d.project_id, d.disposition_id, d.reference, d.kind, d.decided,
       CASE WHEN d.published <= :as_of THEN d.published END AS published, d.number, d.authority, d.synthetic
FROM dispositions AS d
WHERE known(d) AND d.decided <= :as_of AND judged_project(d.project_id)
