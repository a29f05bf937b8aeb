SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM acts
WHERE acts.act = ANY(:defaulter_withdrawn_permits)
  AND COALESCE(acts.revoked > acts.judged_on, TRUE)
  AND COALESCE(acts.expires >= acts.judged_on, TRUE)
  AND acts.party_id IN (SELECT d.enterprise_id FROM defaulters AS d)
  AND EXISTS(SELECT 1 FROM defaulters AS d WHERE d.enterprise_id = acts.party_id AND d.days @> acts.judged_on)
