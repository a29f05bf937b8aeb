-- One row for each project with a formality: the days on which it holds land, an EIA approval, an energy assessment.
-- Sea area and shoreline are not land. A formality lasts until it expires or is revoked; few do, so the open ones are
-- one day (`_from`) and only the others are ranges (`_days`).
SELECT f.project_id,
       bool_or(f.formality = 'land') AS asked_land,
       min(f.acted_on) FILTER (WHERE f.formality = 'land' AND f.until IS NULL) AS land_from,
       range_agg(daterange(f.acted_on, f.until))
           FILTER (WHERE f.formality = 'land' AND f.until > f.acted_on) AS land_days,
       min(f.acted_on) FILTER (WHERE f.formality = 'eia' AND f.until IS NULL) AS eia_from,
       range_agg(daterange(f.acted_on, f.until))
           FILTER (WHERE f.formality = 'eia' AND f.until > f.acted_on) AS eia_days,
       min(f.acted_on) FILTER (WHERE f.formality = 'energy' AND f.until IS NULL) AS energy_from,
       range_agg(daterange(f.acted_on, f.until))
           FILTER (WHERE f.formality = 'energy' AND f.until > f.acted_on) AS energy_days
FROM known_formalities AS f
GROUP BY f.project_id
