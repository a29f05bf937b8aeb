SELECT ARRAY['act-over-approval'] AS reasons
FROM acts
WHERE acts.stated_capacity IS NOT NULL
  AND acts.standing_failure IS NULL
  AND acts.says_capacity
  AND acts.stated_excess > :capacity_tolerance
UNION ALL
SELECT ARRAY['built-over-approval'] AS reasons
FROM judged_equipment
WHERE judged_equipment.built_excess > :capacity_tolerance
