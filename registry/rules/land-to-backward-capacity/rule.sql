SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM acts
WHERE acts.act = ANY(:backward_land_acts)
  AND acts.backward_since <= acts.acted_on
  AND EXISTS(
    SELECT 1 FROM backward_equipment AS b
    JOIN known_equipment AS e ON e.equipment_id = b.equipment_id
    WHERE b.project_id = acts.project_id
      AND b.since <= acts.acted_on
      AND COALESCE(b.until >= acts.acted_on, TRUE)
      AND COALESCE(e.dismantled > acts.acted_on, TRUE)
  )
