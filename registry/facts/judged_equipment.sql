-- One row for each furnace, kiln or pot line, with the project and the enterprise it belongs to.
--   acted_on    the day of commissioning; NULL where nobody knows it
--   built_excess   by which share of what stood approved on the day of commissioning the equipment then built is above it:
--                  by product where the unit is a yearly capacity, by class where an approval names the class
--   backward_since   the first day on which the law orders the unit to be eliminated; NULL where it does not
--   reference, equipment_class, size, unit, product, commissioned, dismantled, last_ran, traits   see known_equipment.sql
SELECT 'equipment' AS subject_kind, e.equipment_id AS subject_id, NULL::bigint AS version_id, NULL::bigint AS record_id,
       CAST(:as_of AS date) AS judged_on, 'equipment' AS act, e.commissioned AS acted_on,
       e.project_id, e.enterprise_id, p.owner_id, 'linked' AS outcome, '' AS method,
       p.sector, COALESCE(p.region, h.region) AS project_region, NULL::text AS region,
       e.reference, e.equipment_class, e.size, e.unit, e.product, e.commissioned, e.dismantled, e.last_ran, e.traits,
       CASE WHEN (p.stands_from <= e.commissioned OR p.standing_days @> e.commissioned)
            AND (e.unit LIKE '%/a' OR e.unit LIKE '%/年'
                 OR e.equipment_class IN (SELECT named.product FROM approved_products AS named)) THEN (
           SELECT CASE
               WHEN allowed.amount > 0 THEN (built.amount - allowed.amount) / allowed.amount
               WHEN built.amount > 0 THEN 'Infinity'
           END
           FROM (VALUES (e.unit LIKE '%/a' OR e.unit LIKE '%/年')) AS yearly (capacity)
           CROSS JOIN LATERAL (
               SELECT COALESCE(sum(k.amount) FILTER (
                          WHERE k.product = CASE WHEN yearly.capacity THEN e.product ELSE e.equipment_class END
                      ), 0) AS amount
               FROM approved_capacities AS k
               WHERE k.project_id = e.project_id AND k.days @> e.commissioned
               HAVING count(*) FILTER (WHERE yearly.capacity OR k.product = e.equipment_class) > 0
           ) AS allowed
           CROSS JOIN LATERAL (
               SELECT sum(b.size * CASE WHEN b.unit LIKE '万%' OR b.unit LIKE '10k%' THEN 10000 ELSE 1 END) AS amount
               FROM known_equipment AS b
               WHERE b.project_id = e.project_id AND b.commissioned <= e.commissioned
                 AND COALESCE(b.dismantled > e.commissioned, TRUE)
                 AND CASE WHEN yearly.capacity
                     THEN b.product = e.product AND (b.unit LIKE '%/a' OR b.unit LIKE '%/年')
                     ELSE b.equipment_class = e.equipment_class AND b.unit = e.unit END
           ) AS built
           WHERE CASE WHEN yearly.capacity THEN e.product IS NOT NULL ELSE TRUE END
             AND NOT EXISTS (
                 SELECT FROM known_approvals AS silent
                 WHERE silent.project_id = e.project_id
                   AND jsonb_array_length(COALESCE(silent.capacities, '[]')) = 0
                   AND NOT EXISTS (
                       SELECT FROM capacity_lines AS c WHERE c.project_id = e.project_id AND known(c) AND held(c)
                   )
             )
       ) END AS built_excess,
       e.still_to_come,
       b.since AS backward_since, p.nature, COALESCE(e.enterprise_id, p.owner_id) AS party_id
FROM known_equipment AS e
LEFT JOIN project_states AS p ON p.project_id = e.project_id
LEFT JOIN (
    SELECT w.equipment_id, min(w.since) AS since FROM backward_equipment AS w GROUP BY w.equipment_id
) AS b ON b.equipment_id = e.equipment_id
LEFT JOIN enterprise_versions AS h ON h.enterprise_id = e.enterprise_id AND known(h) AND held(h)
