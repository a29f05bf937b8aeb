SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM judged_plans
WHERE 'listed' = ANY(:replacement_publication)
  AND judged_plans.sector = ANY(:overcapacity_sectors)
  AND judged_plans.confirmed IS NOT NULL
  AND judged_plans.listed IS NULL
  AND (
    NOT EXISTS (SELECT 1 FROM known_plan_units WHERE known_plan_units.plan_id = judged_plans.plan_id)
    OR EXISTS (
      SELECT 1
      FROM known_plan_units
      WHERE known_plan_units.plan_id = judged_plans.plan_id
        AND NOT EXISTS (SELECT 1 FROM listed_units WHERE listed_units.reference = known_plan_units.reference)
    )
  )
