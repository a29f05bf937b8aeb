SELECT ARRAY_REMOVE(
    ARRAY[
      CASE WHEN EXISTS (
        SELECT 1
        FROM known_plan_units
        JOIN known_equipment ON known_equipment.reference = known_plan_units.reference
        WHERE known_plan_units.plan_id = judged_plans.plan_id
          AND known_equipment.commissioned IS NULL
          AND known_equipment.last_ran IS NULL
          AND known_equipment.dismantled IS NULL
      ) THEN 'never-built' END,
      CASE WHEN EXISTS (
        SELECT 1
        FROM known_plan_units
        JOIN known_equipment ON known_equipment.reference = known_plan_units.reference
        WHERE known_plan_units.plan_id = judged_plans.plan_id
          AND ('subsidised' = ANY(known_equipment.traits) OR 'subsidized' = ANY(known_equipment.traits))
      ) THEN 'already-subsidised' END,
      CASE WHEN EXISTS (
        SELECT 1
        FROM known_plan_units
        LEFT JOIN known_equipment ON known_equipment.reference = known_plan_units.reference
        WHERE known_plan_units.plan_id = judged_plans.plan_id
          AND LEAST(known_plan_units.retired, known_equipment.dismantled)
            < judged_plans.acted_on - :replacement_window_days
      ) THEN 'already-gone' END,
      CASE WHEN EXISTS (
        SELECT 1
        FROM known_plan_units
        WHERE known_plan_units.plan_id = judged_plans.plan_id
          AND (
            EXISTS (
              SELECT 1
              FROM listed_units
              WHERE listed_units.reference = known_plan_units.reference
                AND listed_units.deadline < judged_plans.acted_on
            )
            OR EXISTS (
              SELECT 1
              FROM backward_equipment
              WHERE backward_equipment.reference = known_plan_units.reference
                AND backward_equipment.since <= judged_plans.acted_on
                AND backward_equipment.deadline < judged_plans.acted_on
            )
          )
      ) THEN 'already-owed' END
    ],
    NULL
  ) AS reasons
FROM judged_plans
WHERE judged_plans.sector = ANY(:overcapacity_sectors)
