-- One row for each project with a formality: the days on which it holds land, an EIA approval, an energy assessment.
-- Sea area and shoreline are not land. A formality lasts until it expires or is revoked; few do, so the open ones are
-- one day (`_from`) and only the others are ranges (`_days`).
SELECT f.project_id,
       bool_or(f.is_land) AS asked_land,
       min(f.acted_on) FILTER (WHERE f.until IS NULL AND f.is_land) AS land_from,
       datemultirange(VARIADIC array_agg(daterange(f.acted_on, f.until))
           FILTER (WHERE f.until > f.acted_on AND f.is_land)) AS land_days,
       min(f.acted_on) FILTER (WHERE f.until IS NULL AND f.is_eia) AS eia_from,
       datemultirange(VARIADIC array_agg(daterange(f.acted_on, f.until))
           FILTER (WHERE f.until > f.acted_on AND f.is_eia)) AS eia_days,
       min(f.acted_on) FILTER (WHERE f.until IS NULL AND f.is_energy) AS energy_from,
       datemultirange(VARIADIC array_agg(daterange(f.acted_on, f.until))
           FILTER (WHERE f.until > f.acted_on AND f.is_energy)) AS energy_days
FROM known_formalities AS f
GROUP BY f.project_id
