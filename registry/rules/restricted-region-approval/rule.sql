SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM acts
WHERE acts.act = ANY(:restricted_acts)
  AND (acts.act <> 'approval' OR acts.kind = ANY(:restricted_approval_kinds))
  AND (
    acts.project_region IN (SELECT r.region FROM restricted_regions AS r)
    OR acts.region IN (SELECT r.region FROM restricted_regions AS r)
  )
  AND EXISTS(
    SELECT 1 FROM restricted_regions AS r
    WHERE r.region IN (acts.project_region, acts.region) AND r.days @> acts.acted_on
  )
