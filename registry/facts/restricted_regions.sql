-- Regions, with all below them, and the days on which they may be given no EIA and no approval.
SELECT w.inner_code AS region, range_agg(daterange(r.since, r.until, '[]')) AS days
FROM restrictions AS r
CROSS JOIN LATERAL (
    SELECT r.region AS inner_code
    UNION
    SELECT below.inner_code FROM region_within AS below WHERE below.outer_code = r.region
) AS w
WHERE known(r) AND r.since <= :as_of
GROUP BY w.inner_code
