-- Projects as they were on the day the world is seen, with the owner of that day.
SELECT v.project_id, v.code, v.sector, v.nature, v.asks_land, v.region, v.owner_id, v.held_from AS owned_from,
       o.uscc AS owner_uscc, o.name_normal AS owner_name
FROM project_versions AS v
LEFT JOIN enterprise_versions AS o ON o.enterprise_id = v.owner_id AND known(o) AND held(o)
WHERE known(v) AND held(v) AND judged_project(v.project_id)
