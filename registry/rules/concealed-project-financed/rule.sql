SELECT ARRAY['concealed'] AS reasons
FROM acts
WHERE acts.act IN ('loan', 'disbursement')
  AND acts.project_id IN (SELECT d.project_id FROM known_dispositions AS d WHERE d.kind = 'concealed')
  AND EXISTS(
    SELECT 1 FROM known_dispositions AS d
    WHERE d.project_id = acts.project_id AND d.kind = ANY(:concealment_dispositions) AND d.decided <= acts.acted_on
  )
