SELECT ARRAY[acts.standing_failure] AS reasons
FROM acts
WHERE acts.act IN ('discharge_permit', 'production_licence', 'eia_approval', 'energy_assessment')
  AND acts.sector = ANY(:overcapacity_sectors)
  AND acts.standing_failure IS NOT NULL
  -- These two may lawfully come before the approval.
  AND NOT (
    acts.act IN ('eia_approval', 'energy_assessment')
    AND acts.standing_failure IN ('no-approval', 'before-approval')
  )
