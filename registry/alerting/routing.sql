-- Which desk each way leads to: the office of the agency that has the duty, nearest around the region; else the nearest
-- office of the lane; else none, and the operators are told. A credit alert only reaches an office of the credit lane.
--   ways       holder, agency (who has the holder's duty today, or stands in for it), level (of a stand-in), lane, region
--   offices    id, agency (whose duties it has today), lanes, region
CREATE TEMPORARY TABLE routed ON COMMIT DROP AS
SELECT w.holder, w.lane, w.region, w.agency, o.id AS organisation_id,
    CASE
        WHEN o.id IS NULL THEN 'none'
        WHEN o.agency IS DISTINCT FROM w.agency THEN 'lane'
        WHEN o.region = '000000' THEN 'national'
        ELSE 'region'
    END AS routed_by
FROM ways AS w
LEFT JOIN LATERAL (
    SELECT o.id, o.agency, o.region FROM offices AS o
    WHERE (o.agency = w.agency OR w.lane = ANY(o.lanes))
      AND (w.lane <> 'credit' OR 'credit' = ANY(o.lanes))
      AND (o.region = '000000' OR o.region = w.region OR EXISTS (
          SELECT FROM region_within AS r WHERE r.outer_code = o.region AND r.inner_code = w.region))
      AND (w.level IS NULL OR o.region LIKE '__0000')
    ORDER BY o.agency IS DISTINCT FROM w.agency,
        -- The county's office before the city's, that before the province's, that before the nation's.
        o.region = '000000', o.region LIKE '__0000', o.region LIKE '____00', o.id
    LIMIT 1
) AS o ON true
