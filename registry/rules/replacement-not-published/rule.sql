SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM judged_plans
WHERE 'published' = ANY(:replacement_publication)
  AND judged_plans.sector = ANY(:overcapacity_sectors)
  AND judged_plans.confirmed IS NOT NULL
  AND COALESCE(judged_plans.published >= judged_plans.confirmed, TRUE)
