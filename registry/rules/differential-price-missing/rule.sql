SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM acts
WHERE acts.act IN ('power_price', 'water_price')
  AND CASE
    WHEN acts.act = 'water_price'
    THEN COALESCE(acts.sector, acts.trade_sector) = ANY(:norm_water_price_sectors)
    AND NOT acts.meets_norm
    AND acts.price <= acts.base_price
    WHEN COALESCE(acts.sector, acts.trade_sector) = 'aluminium'
    THEN (
      COALESCE(acts.kwh_per_tonne > :aluminium_power_limit, FALSE)
      OR COALESCE('aluminium' = ANY(:aluminium_norm_sectors) AND NOT acts.meets_norm, FALSE)
    )
    AND acts.price < acts.base_price * :aluminium_price_factor
    -- The documents name no surcharge for these: any price above the base will do.
    ELSE COALESCE(acts.sector, acts.trade_sector) = ANY(:norm_power_price_sectors)
    AND NOT acts.meets_norm
    AND acts.price <= acts.base_price
  END
