SELECT ARRAY[
    CASE
      WHEN NOT EXISTS(SELECT 1 FROM known_plans AS k WHERE k.project_id = acts.project_id)
      THEN 'no-replacement-plan'
      WHEN :plan_coverage = 'announced'
      AND NOT EXISTS(
        SELECT 1 FROM known_plans AS k WHERE k.project_id = acts.project_id AND k.effective <= acts.acted_on
      )
      THEN 'plan-not-announced'
      ELSE 'capacity-not-covered'
    END
  ] AS reasons
FROM acts
WHERE acts.act = 'approval'
  AND acts.acted_on < acts.new_until
  AND EXISTS(
    SELECT 1 FROM new_capacity AS n
    WHERE n.project_id = acts.project_id
      AND n.product = ANY(:new_capacity_products)
      AND CASE
        WHEN :plan_coverage = 'announced'
        THEN n.amount > 0 AND COALESCE(n.covered_from > acts.acted_on, TRUE)
        ELSE n.planned < n.amount
      END
  )
