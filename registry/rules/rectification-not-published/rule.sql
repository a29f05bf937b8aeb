SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM judged_rectifications
WHERE 'published' = ANY(:rectification_steps)
  AND judged_rectifications.published IS NULL
