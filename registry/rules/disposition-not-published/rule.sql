SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM judged_dispositions
WHERE judged_dispositions.kind = ANY(:published_dispositions)
  AND judged_dispositions.decided <= judged_dispositions.judged_on
  AND judged_dispositions.published IS NULL
