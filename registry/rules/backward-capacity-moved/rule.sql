SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM judged_equipment
WHERE judged_equipment.backward_since <= judged_equipment.commissioned
  AND EXISTS (
    SELECT 1
    FROM backward_equipment
    WHERE backward_equipment.equipment_id = judged_equipment.subject_id
      AND backward_equipment.since <= judged_equipment.commissioned
      AND COALESCE(backward_equipment.until >= judged_equipment.commissioned, TRUE)
  )
  AND EXISTS (
    SELECT 1
    FROM known_equipment AS gone
    WHERE gone.equipment_class = judged_equipment.equipment_class
      AND gone.reference <> judged_equipment.reference
      AND COALESCE(gone.size = judged_equipment.size, gone.size IS NULL AND judged_equipment.size IS NULL)
      AND gone.dismantled <= judged_equipment.commissioned
      AND (gone.enterprise_id <> judged_equipment.party_id OR gone.project_id <> judged_equipment.project_id)
  )
