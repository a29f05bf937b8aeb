-- How a project's capacity is covered by replacement, by product. (No window function: it would keep the nation from
-- being judged in parallel.)
--   planned        what all its plans retire of the product, confirmed or not
--   covered_from   the first day on which plans confirmed and announced retire at least as much; NULL where none is
SELECT c.project_id, c.product, c.amount, COALESCE(max(step.planned), 0) AS planned,
       min(step.effective) FILTER (WHERE step.retired >= c.amount) AS covered_from
FROM known_capacities AS c
LEFT JOIN (
    SELECT day.project_id, day.product, day.effective, sum(v.amount) AS planned,
           sum(v.amount) FILTER (WHERE v.effective <= day.effective) AS retired
    FROM (SELECT DISTINCT d.project_id, d.product, d.effective FROM planned_products AS d) AS day
    JOIN planned_products AS v ON v.project_id = day.project_id AND v.product = day.product
    GROUP BY day.project_id, day.product, day.effective
) AS step ON step.project_id = c.project_id AND step.product = c.product
GROUP BY c.project_id, c.product, c.amount
