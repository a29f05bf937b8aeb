SELECT ARRAY_REMOVE(
    ARRAY[
      CASE
        WHEN 'forbid_start' = ANY(:halting_dispositions)
        AND EXISTS(
          SELECT 1 FROM standing_dispositions AS d
          WHERE d.project_id = acts.project_id AND d.kind = 'forbid_start' AND d.days @> acts.acted_on
        )
        THEN 'forbidden-to-start'
      END,
      CASE
        WHEN 'halt' = ANY(:halting_dispositions)
        AND EXISTS(
          SELECT 1 FROM standing_dispositions AS d
          WHERE d.project_id = acts.project_id AND d.kind = 'halt' AND d.days @> acts.acted_on
        )
        THEN 'halted'
      END,
      CASE
        WHEN 'not_recognise' = ANY(:halting_dispositions)
        AND EXISTS(
          SELECT 1 FROM standing_dispositions AS d
          WHERE d.project_id = acts.project_id AND d.kind = 'not_recognise' AND d.days @> acts.acted_on
        )
        THEN 'not-recognised'
      END,
      CASE
        WHEN 'concealed' = ANY(:halting_dispositions)
        AND EXISTS(
          SELECT 1 FROM standing_dispositions AS d
          WHERE d.project_id = acts.project_id AND d.kind = 'concealed' AND d.days @> acts.acted_on
        )
        THEN 'concealed'
      END
    ],
    NULL
  ) AS reasons
FROM acts
WHERE acts.disposed_days @> acts.acted_on
