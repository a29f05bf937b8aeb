SELECT ARRAY[acts.standing_failure] AS reasons
FROM acts
WHERE acts.act IN ('land_grant', 'land_pre_review', 'shoreline_grant', 'sea_area_grant')
  AND acts.sector = ANY(:overcapacity_sectors)
  AND acts.standing_failure IS NOT NULL
