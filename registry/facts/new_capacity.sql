-- How a project's capacity is covered by replacement, by product. A unit whose product nobody told is taken to be of the
-- project's only product.
--   planned        what all its plans retire of the product, confirmed or not
--   covered_from   the first day on which plans confirmed and announced retire at least as much; NULL where none is
SELECT c.project_id, c.product, c.amount, COALESCE(max(step.planned), 0) AS planned,
       min(step.effective) FILTER (WHERE step.retired >= c.amount) AS covered_from
FROM known_capacities AS c
LEFT JOIN (
    SELECT v.project_id, v.product, v.effective,
           sum(v.amount) OVER (PARTITION BY v.project_id, v.product) AS planned,
           sum(v.amount) FILTER (WHERE v.effective IS NOT NULL)
               OVER (PARTITION BY v.project_id, v.product ORDER BY v.effective) AS retired
    FROM (
        SELECT u.project_id, u.effective, u.amount, COALESCE(u.product, (
            SELECT min(one.product) FROM known_capacities AS one
            WHERE one.project_id = u.project_id HAVING count(*) = 1
        )) AS product
        FROM known_plan_units AS u
    ) AS v
) AS step ON step.project_id = c.project_id AND step.product = c.product
GROUP BY c.project_id, c.product, c.amount
