SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM acts
WHERE acts.act = 'land_grant'
  AND acts.sector = ANY(:overcapacity_sectors)
  AND acts.price < acts.benchmark_price
