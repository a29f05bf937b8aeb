-- Orders to close or to stop, given by the day the world is seen.
SELECT o.order_id, o.reference, o.enterprise_id, o.equipment_reference, o.kind, o.ordered, o.due,
       CASE WHEN o.ended <= :as_of THEN o.ended END AS ended,
       CASE WHEN o.last_ran <= :as_of THEN o.last_ran END AS last_ran,
       o.number, o.authority, o.synthetic
FROM enterprise_orders AS o
WHERE known(o) AND o.ordered <= :as_of AND judged_enterprise(o.enterprise_id)
