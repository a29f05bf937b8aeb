SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM judged_plans
WHERE judged_plans.sector = ANY(:overcapacity_sectors)
  -- Few plans are near any ratio at all; only for these it is asked of which product and by how much.
  AND judged_plans.least_ratio <= GREATEST(1, COALESCE(:steel_replacement_ratio, 1))
  AND EXISTS (
    SELECT 1
    FROM new_capacity
    WHERE new_capacity.project_id = judged_plans.project_id
      AND new_capacity.planned > 0
      AND EXISTS (
        SELECT 1
        FROM known_plan_units
        WHERE known_plan_units.plan_id = judged_plans.plan_id
          AND COALESCE(known_plan_units.product = new_capacity.product, TRUE)
      )
      AND (
        new_capacity.planned < new_capacity.amount
        OR (:replacement_manner = 'reduced' AND new_capacity.planned = new_capacity.amount)
        OR (
          judged_plans.sector = ANY(:steel_ratio_sectors)
          AND new_capacity.planned < new_capacity.amount * :steel_replacement_ratio
        )
      )
  )
