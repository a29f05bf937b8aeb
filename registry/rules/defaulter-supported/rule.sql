SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM acts
WHERE acts.act = ANY(:defaulter_refused_acts)
  AND (acts.act <> 'approval' OR acts.kind = ANY(:defaulter_approval_kinds))
  AND acts.party_id IN (SELECT d.enterprise_id FROM defaulters AS d)
  AND EXISTS(SELECT 1 FROM defaulters AS d WHERE d.enterprise_id = acts.party_id AND d.days @> acts.acted_on)
