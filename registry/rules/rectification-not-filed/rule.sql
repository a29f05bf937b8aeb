SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM judged_rectifications
WHERE 'filed' = ANY(:rectification_steps)
  AND judged_rectifications.filed IS NULL
