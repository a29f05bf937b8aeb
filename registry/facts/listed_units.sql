-- Units that stand on an elimination list, whoever they belong to: by their reference.
SELECT t.equipment_reference AS reference, t.elimination_id, t.enterprise_id, t.deadline,
       CASE WHEN t.cured <= :as_of THEN t.cured END AS cured
FROM eliminations AS t
WHERE known(t) AND t.equipment_reference IS NOT NULL
