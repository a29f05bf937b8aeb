SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM judged_orders
WHERE judged_orders.kind = ANY(:stopping_orders)
  AND judged_orders.ended IS NULL
  AND (
    judged_orders.last_ran > judged_orders.ordered
    OR EXISTS (
      SELECT 1
      FROM known_equipment
      WHERE known_equipment.enterprise_id = judged_orders.enterprise_id
        AND COALESCE(known_equipment.reference = judged_orders.equipment_reference, TRUE)
        AND known_equipment.last_ran > judged_orders.ordered
    )
  )
