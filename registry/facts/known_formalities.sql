-- The records that are formalities of a project; one that is itself flagged still counts.
SELECT l.project_id, r.version_id, r.act, r.acted_on, LEAST(r.expires + 1, r.revoked) AS until,
       CASE r.act WHEN 'eia_approval' THEN 'eia' WHEN 'energy_assessment' THEN 'energy' ELSE 'land' END AS formality
FROM records AS r
JOIN links AS l ON l.record_id = r.record_id AND known(l)
WHERE r.act IN ('land_grant', 'land_pre_review', 'eia_approval', 'energy_assessment')
  AND known(r) AND r.acted_on <= :as_of AND l.project_id IS NOT NULL AND judged_project(l.project_id)
