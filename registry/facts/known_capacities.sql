-- What a project makes, by product; lines of several processes add up.
SELECT c.project_id, c.product, sum(c.amount * CASE WHEN c.unit LIKE '万%' OR c.unit LIKE '10k%' THEN 10000 ELSE 1 END) AS amount
FROM capacity_lines AS c
WHERE known(c) AND held(c) AND judged_project(c.project_id)
GROUP BY c.project_id, c.product
