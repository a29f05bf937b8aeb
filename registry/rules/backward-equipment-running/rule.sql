SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM judged_equipment
WHERE judged_equipment.dismantled IS NULL
  AND NOT judged_equipment.still_to_come
  AND (
    (
      'class' = ANY(:elimination_deadlines)
      AND judged_equipment.backward_since <= judged_equipment.judged_on
      AND EXISTS (
        SELECT 1
        FROM backward_equipment
        WHERE backward_equipment.equipment_id = judged_equipment.subject_id
          AND backward_equipment.since <= judged_equipment.judged_on
          AND COALESCE(backward_equipment.until >= judged_equipment.judged_on, TRUE)
          AND backward_equipment.deadline < judged_equipment.judged_on
      )
    )
    OR (
      'list' = ANY(:elimination_deadlines)
      AND EXISTS (
        SELECT 1
        FROM listed_units
        WHERE listed_units.reference = judged_equipment.reference
          AND listed_units.deadline < judged_equipment.judged_on
          AND listed_units.cured IS NULL
      )
    )
  )
