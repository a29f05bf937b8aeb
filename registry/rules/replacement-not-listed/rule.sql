SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM judged_plans
WHERE 'listed' = ANY(:replacement_publication)
  AND judged_plans.sector = ANY(:overcapacity_sectors)
  AND judged_plans.confirmed IS NOT NULL
  AND judged_plans.listed IS NULL
  AND COALESCE(judged_plans.has_unlisted, TRUE)
