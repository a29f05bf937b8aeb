-- The units that replacement plans retire.
SELECT p.project_id, p.plan_id, p.effective, u.reference, u.product,
       u.amount * CASE WHEN u.unit LIKE '万%' OR u.unit LIKE '10k%' THEN 10000 ELSE 1 END AS amount, u.unit,
       CASE WHEN u.retired <= :as_of THEN u.retired END AS retired, u.synthetic
FROM known_plans AS p
JOIN plan_units AS u ON u.plan_id = p.plan_id AND known(u)
