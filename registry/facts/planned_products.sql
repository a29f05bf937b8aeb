-- What each unit of a project's plans retires, by product. A unit whose product nobody told is taken to be of the
-- project's only product.
SELECT u.project_id, u.effective, u.amount, COALESCE(u.product, (
    SELECT min(one.product) FROM known_capacities AS one
    WHERE one.project_id = u.project_id HAVING count(*) = 1
)) AS product
FROM known_plan_units AS u
