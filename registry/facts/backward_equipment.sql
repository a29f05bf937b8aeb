-- Units that the law orders to be eliminated: one row for each unit and limit that covers it. A unit whose size nobody
-- knows is covered by none that has a size; a unit without a unit of measure is taken to be told in the limit's own.
--   limit_id, deadline   the limit, and the last day by which the unit is to be gone
--   since, until         the days on which the limit is law; until is NULL where it still is
SELECT e.equipment_id, e.reference, e.project_id, e.enterprise_id, l.limit_id, l.deadline, l.since, l.until,
       l.size AS limit_size, l.bound, l.unit AS limit_unit
FROM known_equipment AS e
JOIN elimination_limits AS l ON l.class = e.equipment_class
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN e.unit IN ('', l.unit) THEN e.size
        WHEN (e.unit, l.unit) IN (('m³', 'm3'), ('立方米', 'm3'), ('米', 'm'), ('吨', 't'), ('千安', 'kA'), ('千伏安', 'kVA')) THEN e.size
        WHEN (e.unit, l.unit) IN (('A', 'kA'), ('安', 'kA'), ('mm', 'm')) THEN e.size / 1000
        WHEN (e.unit, l.unit) IN (('MVA', 'kVA'), ('m', 'mm')) THEN e.size * 1000
    END AS size
) AS told
WHERE CASE l.bound
        WHEN 'every' THEN TRUE
        WHEN 'below' THEN told.size < l.size
        WHEN 'up_to' THEN told.size <= l.size
        WHEN 'above' THEN COALESCE(
            told.size > l.size,
            l.counts_age AND e.commissioned + make_interval(years => CAST(l.size AS integer)) < :as_of
        )
    END
  AND (cardinality(l.needs) = 0 OR e.traits && l.needs)
  AND NOT (e.traits && l.spared AND (l.spared_from IS NULL OR told.size >= l.spared_from))
  AND (
    l.region IS NULL OR EXISTS (
        SELECT FROM region_within AS w
        WHERE w.outer_code = l.region AND w.inner_code = COALESCE(
            (SELECT p.region FROM known_projects AS p WHERE p.project_id = e.project_id),
            (SELECT h.region FROM enterprise_versions AS h WHERE h.enterprise_id = e.enterprise_id AND known(h) AND held(h))
        )
    )
  )
