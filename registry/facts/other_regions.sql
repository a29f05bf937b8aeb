-- The regions in which a project was registered at other times, and those of the projects that continue it or that it
-- continues: few rows.
SELECT v.project_id, v.region
FROM project_versions AS v
WHERE known(v) AND NOT (held(v)) AND judged_project(v.project_id)
UNION ALL
SELECT c.project_id, v.region
FROM project_lineage AS c
JOIN project_versions AS v ON v.project_id = c.predecessor_id AND known(v)
WHERE known(c)
UNION ALL
SELECT c.predecessor_id, v.region
FROM project_lineage AS c
JOIN project_versions AS v ON v.project_id = c.project_id AND known(v)
WHERE known(c)
