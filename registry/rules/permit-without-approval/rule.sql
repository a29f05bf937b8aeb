SELECT ARRAY[acts.standing_failure] AS reasons
FROM acts
WHERE acts.sector = ANY(:overcapacity_sectors)
  AND (
    acts.act IN ('discharge_permit', 'production_licence') AND acts.standing_failure IS NOT NULL
    -- These two may lawfully come before the approval.
    OR acts.act IN ('eia_approval', 'energy_assessment')
    AND acts.standing_failure IN ('no-project', 'revoked', 'expired')
  )
