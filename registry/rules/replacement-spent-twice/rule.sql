SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM judged_plans
WHERE judged_plans.sector = ANY(:overcapacity_sectors)
  AND judged_plans.has_shared
  AND EXISTS (
    SELECT 1
    FROM known_plan_units AS mine
    JOIN known_plan_units AS other ON other.reference = mine.reference AND other.plan_id <> mine.plan_id
    JOIN known_plans AS earlier ON earlier.plan_id = other.plan_id
    WHERE mine.plan_id = judged_plans.plan_id
      AND (
        COALESCE(earlier.confirmed, CAST('infinity' AS date)),
        COALESCE(earlier.announced, CAST('infinity' AS date)),
        earlier.reference
      ) < (
        COALESCE(judged_plans.confirmed, CAST('infinity' AS date)),
        COALESCE(judged_plans.announced, CAST('infinity' AS date)),
        judged_plans.reference
      )
  )
