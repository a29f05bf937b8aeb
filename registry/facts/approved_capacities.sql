-- How much of which product each approval allows, and on which days; one that says nothing allows what the project makes.
SELECT a.project_id, a.approval_id, line.product, line.amount, a.issued,
       daterange(a.issued, LEAST(a.expires + 1, a.revoked)) AS days
FROM known_approvals AS a
CROSS JOIN LATERAL (
    SELECT said.product,
           said.amount * CASE WHEN said.unit LIKE '万%' OR said.unit LIKE '10k%' THEN 10000 ELSE 1 END AS amount
    FROM jsonb_to_recordset(a.capacities) AS said (product text, amount numeric, unit text)
    UNION ALL
    SELECT c.product, c.amount FROM known_capacities AS c
    WHERE c.project_id = a.project_id AND jsonb_array_length(COALESCE(a.capacities, '[]')) = 0
) AS line
WHERE LEAST(a.expires + 1, a.revoked) IS NULL OR LEAST(a.expires + 1, a.revoked) > a.issued
