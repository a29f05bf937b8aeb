SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM judged_orders
WHERE judged_orders.kind = ANY(:closing_orders)
  AND judged_orders.due < judged_orders.judged_on
  AND judged_orders.ended IS NULL
