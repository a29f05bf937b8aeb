-- One row for each order to close (`act` closure_order) or to stop for pollution (`act` stop_order).
--   acted_on    the day of the order
SELECT 'order' AS subject_kind, o.order_id AS subject_id, NULL::bigint AS version_id, NULL::bigint AS record_id,
       CAST(:as_of AS date) AS judged_on,
       CASE o.kind WHEN 'close' THEN 'closure_order' ELSE 'stop_order' END AS act, o.ordered AS acted_on,
       NULL::bigint AS project_id, o.enterprise_id, NULL::bigint AS owner_id, 'linked' AS outcome, '' AS method,
       NULL::text AS sector, h.region AS project_region, NULL::text AS region,
       o.order_id, o.reference, o.kind, o.equipment_reference, o.ordered, o.due, o.ended, o.last_ran
FROM known_orders AS o
LEFT JOIN enterprise_versions AS h ON h.enterprise_id = o.enterprise_id AND known(h) AND held(h)
