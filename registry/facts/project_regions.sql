-- Every region that matches one in which a project or its kin was registered: equal, containing or contained,
-- successions included. Only rows of one project are ever asked for at a time.
SELECT family.project_id, w.inner_code AS region
FROM (
    SELECT p.id AS project_id, p.id AS member_id FROM projects AS p
    UNION ALL
    SELECT c.project_id, c.predecessor_id FROM project_lineage AS c WHERE known(c)
    UNION ALL
    SELECT c.predecessor_id, c.project_id FROM project_lineage AS c WHERE known(c)
) AS family
JOIN project_versions AS v ON v.project_id = family.member_id AND known(v)
JOIN region_within AS w ON w.outer_code = v.region
UNION ALL
SELECT family.project_id, w.outer_code AS region
FROM (
    SELECT p.id AS project_id, p.id AS member_id FROM projects AS p
    UNION ALL
    SELECT c.project_id, c.predecessor_id FROM project_lineage AS c WHERE known(c)
    UNION ALL
    SELECT c.predecessor_id, c.project_id FROM project_lineage AS c WHERE known(c)
) AS family
JOIN project_versions AS v ON v.project_id = family.member_id AND known(v)
JOIN region_within AS w ON w.inner_code = v.region
