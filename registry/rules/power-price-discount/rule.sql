SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM acts
WHERE acts.act = 'power_price'
  AND COALESCE(acts.sector, acts.trade_sector) = ANY(:overcapacity_sectors)
  AND (acts.price < acts.benchmark_price OR acts.subsidy > 0)
  AND COALESCE(acts.kind <> ALL(:direct_purchase_kinds), TRUE)
