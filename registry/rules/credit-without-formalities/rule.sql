SELECT ARRAY_REMOVE(
    ARRAY[
      CASE WHEN acts.standing_failure IS NOT NULL THEN 'missing-approval' END,
      CASE
        WHEN NOT acts.has_land
        AND NOT COALESCE(acts.nature = ANY(:natures_without_land) AND NOT acts.asks_land, FALSE)
        THEN 'missing-land'
      END,
      CASE WHEN NOT acts.has_eia THEN 'missing-eia' END,
      CASE WHEN NOT acts.has_energy THEN 'missing-energy-assessment' END
    ],
    NULL
  ) AS reasons
FROM acts
WHERE acts.act IN ('loan', 'bond', 'listing')
  AND acts.sector = ANY(:overcapacity_sectors)
  AND COALESCE(acts.kind <> ALL(:credit_kinds_not_judged), TRUE)
