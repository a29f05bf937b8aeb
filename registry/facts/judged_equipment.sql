-- One row for each furnace, kiln or pot line, with the project and the enterprise it belongs to.
--   acted_on    the day of commissioning; NULL where nobody knows it
--   reference, equipment_class, size, unit, product, commissioned, dismantled, last_ran, traits   see known_equipment.sql
SELECT 'equipment' AS subject_kind, e.equipment_id AS subject_id, NULL::bigint AS version_id, NULL::bigint AS record_id,
       CAST(:as_of AS date) AS judged_on, 'equipment' AS act, e.commissioned AS acted_on,
       e.project_id, e.enterprise_id, p.owner_id, 'linked' AS outcome, '' AS method,
       p.sector, COALESCE(p.region, h.region) AS project_region, NULL::text AS region,
       e.reference, e.equipment_class, e.size, e.unit, e.product, e.commissioned, e.dismantled, e.last_ran, e.traits,
       p.nature, p.standing_days, COALESCE(e.enterprise_id, p.owner_id) AS party_id
FROM known_equipment AS e
LEFT JOIN project_states AS p ON p.project_id = e.project_id
LEFT JOIN enterprise_versions AS h ON h.enterprise_id = e.enterprise_id AND known(h) AND held(h)
