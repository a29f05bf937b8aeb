SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM judged_plans
WHERE judged_plans.sector = ANY(:overcapacity_sectors)
  AND judged_plans.last_ran > judged_plans.acted_on
  AND judged_plans.last_ran > (
    SELECT MIN(started.commissioned)
    FROM known_equipment AS started
    WHERE started.project_id = judged_plans.project_id
      AND started.commissioned >= judged_plans.acted_on
      AND NOT EXISTS (
        SELECT 1
        FROM known_plan_units AS offered
        WHERE offered.plan_id = judged_plans.plan_id
          AND offered.reference = started.reference
      )
  )
