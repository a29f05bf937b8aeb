-- What approvals speak of, and what projects make: products, and here and there a class of equipment.
SELECT said.product
FROM known_approvals AS a
CROSS JOIN LATERAL jsonb_to_recordset(a.capacities) AS said (product text)
WHERE a.capacities IS NOT NULL
UNION ALL
SELECT c.product FROM known_capacities AS c
