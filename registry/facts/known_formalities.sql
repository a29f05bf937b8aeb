-- The records that are formalities of a project; one that is itself flagged still counts.
SELECT l.project_id, r.version_id, r.act, r.acted_on, r.expires, r.revoked,
       LEAST(r.expires + 1, r.revoked) AS until,
       r.act IN ('land_grant', 'land_pre_review') AS is_land, r.act = 'eia_approval' AS is_eia,
       r.act = 'energy_assessment' AS is_energy
FROM records AS r
JOIN links AS l ON l.record_id = r.record_id AND known(l)
WHERE r.act IN ('land_grant', 'land_pre_review', 'eia_approval', 'energy_assessment')
  AND known(r) AND r.acted_on <= :as_of AND l.project_id IS NOT NULL AND judged_project(l.project_id)
