-- Regions, with all below them, and the days on which they may be given no EIA and no approval.
SELECT named.region, range_agg(daterange(named.since, named.until, '[]')) AS days
FROM (
    SELECT r.region, r.since, r.until FROM restrictions AS r WHERE known(r) AND r.since <= :as_of
    UNION ALL
    SELECT below.inner_code, r.since, r.until
    FROM restrictions AS r
    JOIN region_within AS below ON below.outer_code = r.region
    WHERE known(r) AND r.since <= :as_of
) AS named
GROUP BY named.region
