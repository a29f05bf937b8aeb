-- Every number and name under which an owner of a project may act, and the days on which it owned the project.
-- Former names and numbers count on any day; a branch and its head are one legal person; the owners of a project that
-- continues this one, or that this one continues, count as well. Only rows of one project are ever asked for at a time.
SELECT family.project_id,
       CASE
           WHEN EXISTS (
               SELECT FROM project_versions AS e
               WHERE e.project_id = v.project_id AND known(e)
                 AND COALESCE(e.held_from, '-infinity'::date) < v.held_from
           ) THEN v.held_from
           ELSE '-infinity'::date
       END AS since,
       COALESCE(v.held_to, 'infinity'::date) AS until,
       identity.uscc,
       identity.name
FROM (
    SELECT p.id AS project_id, p.id AS member_id FROM projects AS p
    UNION ALL
    SELECT c.project_id, c.predecessor_id FROM project_lineage AS c WHERE known(c)
    UNION ALL
    SELECT c.predecessor_id, c.project_id FROM project_lineage AS c WHERE known(c)
) AS family
JOIN project_versions AS v ON v.project_id = family.member_id AND known(v)
CROSS JOIN LATERAL (
    SELECT v.owner_id AS id
    UNION ALL
    SELECT b.enterprise_id FROM enterprise_owners AS b
    WHERE b.owner_id = v.owner_id AND b.kind = 'branch_of' AND known(b)
    UNION ALL
    SELECT b.owner_id FROM enterprise_owners AS b
    WHERE b.enterprise_id = v.owner_id AND b.kind = 'branch_of' AND known(b)
) AS person
CROSS JOIN LATERAL (
    SELECT number.uscc, e.name_normal AS name
    FROM enterprise_versions AS e
    CROSS JOIN LATERAL (
        VALUES (e.uscc), (e.organisation_code), (e.licence_number), (substr(e.uscc, 9, 9))
    ) AS number (uscc)
    WHERE e.enterprise_id = person.id AND known(e)
    UNION ALL
    SELECT NULL, n.name_normal FROM enterprise_names AS n WHERE n.enterprise_id = person.id AND known(n)
) AS identity
