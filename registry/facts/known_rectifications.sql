-- Plans for capacity built against the rules, drawn up by the day the world is seen.
SELECT t.rectification_id, t.reference, t.project_id, t.region, t.decided,
       CASE WHEN t.published <= :as_of THEN t.published END AS published,
       CASE WHEN t.filed <= :as_of THEN t.filed END AS filed,
       t.number, t.authority, t.synthetic
FROM rectifications AS t
-- Those of a whole region are few: whenever one of them changed, and with whatever else did, all are looked at.
WHERE known(t) AND t.decided <= :as_of AND (t.project_id IS NULL OR judged_project(t.project_id))
