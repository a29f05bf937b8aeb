-- One row for each project with a formality: since when it holds land, an EIA approval, an energy assessment by one that
-- does not end. A formality lasts until it expires or is revoked; few do, see ended_formalities.sql. Sea area and
-- shoreline are not land.
SELECT f.project_id,
       bool_or(f.is_land) AS asked_land,
       min(f.acted_on) FILTER (WHERE f.until IS NULL AND f.is_land) AS land_from,
       min(f.acted_on) FILTER (WHERE f.until IS NULL AND f.is_eia) AS eia_from,
       min(f.acted_on) FILTER (WHERE f.until IS NULL AND f.is_energy) AS energy_from
FROM known_formalities AS f
GROUP BY f.project_id
