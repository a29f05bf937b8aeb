SELECT ARRAY_REMOVE(
    ARRAY[
      CASE WHEN judged_plans.has_unbuilt THEN 'never-built' END,
      CASE WHEN judged_plans.has_subsidised THEN 'already-subsidised' END,
      CASE WHEN judged_plans.first_gone < judged_plans.acted_on - :replacement_window_days THEN 'already-gone' END,
      CASE
        WHEN judged_plans.listed_by < judged_plans.acted_on
        OR (
          judged_plans.backward_by < judged_plans.acted_on
          AND EXISTS (
            SELECT 1
            FROM known_plan_units
            JOIN backward_equipment ON backward_equipment.reference = known_plan_units.reference
            WHERE known_plan_units.plan_id = judged_plans.plan_id
              AND backward_equipment.since <= judged_plans.acted_on
              AND backward_equipment.deadline < judged_plans.acted_on
          )
        )
        THEN 'already-owed'
      END
    ],
    NULL
  ) AS reasons
FROM judged_plans
WHERE judged_plans.sector = ANY(:overcapacity_sectors)
