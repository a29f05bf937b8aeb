SELECT ARRAY_REMOVE(
    ARRAY[
      CASE
        WHEN 'forbid_start' = ANY(:halting_dispositions)
        AND EXISTS(
          SELECT 1 FROM known_dispositions AS d
          WHERE d.project_id = acts.project_id AND d.kind = 'forbid_start' AND d.decided <= acts.acted_on
            AND NOT EXISTS(
              SELECT 1 FROM known_dispositions AS later
              WHERE later.project_id = d.project_id AND later.kind = 'recognise'
                AND later.decided > d.decided AND later.decided <= acts.acted_on
            )
        )
        THEN 'forbidden-to-start'
      END,
      CASE
        WHEN 'halt' = ANY(:halting_dispositions)
        AND EXISTS(
          SELECT 1 FROM known_dispositions AS d
          WHERE d.project_id = acts.project_id AND d.kind = 'halt' AND d.decided <= acts.acted_on
            AND NOT EXISTS(
              SELECT 1 FROM known_dispositions AS later
              WHERE later.project_id = d.project_id AND later.kind = 'recognise'
                AND later.decided > d.decided AND later.decided <= acts.acted_on
            )
        )
        THEN 'halted'
      END,
      CASE
        WHEN 'not_recognise' = ANY(:halting_dispositions)
        AND EXISTS(
          SELECT 1 FROM known_dispositions AS d
          WHERE d.project_id = acts.project_id AND d.kind = 'not_recognise' AND d.decided <= acts.acted_on
            AND NOT EXISTS(
              SELECT 1 FROM known_dispositions AS later
              WHERE later.project_id = d.project_id AND later.kind = 'recognise'
                AND later.decided > d.decided AND later.decided <= acts.acted_on
            )
        )
        THEN 'not-recognised'
      END,
      CASE
        WHEN 'concealed' = ANY(:halting_dispositions)
        AND EXISTS(
          SELECT 1 FROM known_dispositions AS d
          WHERE d.project_id = acts.project_id AND d.kind = 'concealed' AND d.decided <= acts.acted_on
            AND NOT EXISTS(
              SELECT 1 FROM known_dispositions AS later
              WHERE later.project_id = d.project_id AND later.kind = 'recognise'
                AND later.decided > d.decided AND later.decided <= acts.acted_on
            )
        )
        THEN 'concealed'
      END
    ],
    NULL
  ) AS reasons
FROM acts
WHERE acts.project_id IN (SELECT d.project_id FROM known_dispositions AS d WHERE d.kind <> 'recognise')
