-- One row for each project with a formality that ends: the days on which it holds one. Apart from those that do not end,
-- which are nearly all and have no need of ranges.
SELECT f.project_id,
       datemultirange(VARIADIC array_agg(daterange(f.acted_on, f.until)) FILTER (WHERE f.is_land)) AS land_days,
       datemultirange(VARIADIC array_agg(daterange(f.acted_on, f.until)) FILTER (WHERE f.is_eia)) AS eia_days,
       datemultirange(VARIADIC array_agg(daterange(f.acted_on, f.until)) FILTER (WHERE f.is_energy)) AS energy_days
FROM known_formalities AS f
-- The first says no more than the second, but of it the planner knows how few they are.
WHERE (f.expires IS NOT NULL OR f.revoked IS NOT NULL) AND f.until > f.acted_on
GROUP BY f.project_id
