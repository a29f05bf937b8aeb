-- One row for each replacement plan with units, made of what is known of these units wherever they stand.
--   has_unbuilt      one of them is registered and was never commissioned, run or dismantled
--   has_subsidised   one of them was subsidised for its elimination already
--   first_gone       the first day on which one of them was retired or dismantled
--   last_ran         the last day on which one of them was retired or ran
--   listed_by, backward_by   the earliest deadline of one of them on an elimination list, or by its class
--   has_unlisted     one of them is on no elimination list
--   has_shared       one of them is offered by another plan too
SELECT u.plan_id,
       bool_or(e.equipment_id IS NOT NULL AND num_nonnulls(e.commissioned, e.last_ran, e.dismantled) = 0) AS has_unbuilt,
       COALESCE(bool_or(e.traits && ARRAY['subsidised', 'subsidized']), FALSE) AS has_subsidised,
       min(LEAST(u.retired, e.dismantled)) AS first_gone,
       max(GREATEST(u.retired, e.last_ran)) AS last_ran,
       min(t.deadline) AS listed_by,
       min(b.deadline) AS backward_by,
       bool_or(t.reference IS NULL) AS has_unlisted,
       bool_or(s.reference IS NOT NULL) AS has_shared
FROM known_plan_units AS u
LEFT JOIN known_equipment AS e ON e.reference = u.reference
LEFT JOIN (
    SELECT one.reference, min(one.deadline) AS deadline FROM listed_units AS one GROUP BY one.reference
) AS t ON t.reference = u.reference
LEFT JOIN (
    SELECT one.reference, min(one.deadline) AS deadline FROM backward_equipment AS one GROUP BY one.reference
) AS b ON b.reference = u.reference
LEFT JOIN (
    SELECT one.reference FROM known_plan_units AS one GROUP BY one.reference HAVING count(DISTINCT one.plan_id) > 1
) AS s ON s.reference = u.reference
GROUP BY u.plan_id
