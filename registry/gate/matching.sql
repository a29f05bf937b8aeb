-- What each question can mean: the party it names, the projects that bear its code or fit its description.
--   :asked  [{n, code, name, region, party_uscc, organisation_code, party_name, industry}]
-- how: coded 2 by its present code, 1 by an earlier one; same_name; owned (the party, its branch or its head owns it);
--      similar, of the names, where nothing else leads anywhere; same_region NULL where one is unknown.
WITH asked AS (
    SELECT * FROM jsonb_to_recordset(CAST(:asked AS jsonb)) AS a (
        n integer, code text, name text, region text, party_uscc text, organisation_code text, party_name text,
        industry text
    )
),
parties AS (
    SELECT a.n, min(found.enterprise_id) AS enterprise_id, count(*) AS enterprises
    FROM asked AS a
    CROSS JOIN LATERAL (
        SELECT v.enterprise_id FROM enterprise_versions AS v
        WHERE v.known_to = 'infinity' AND v.uscc = a.party_uscc
        UNION
        SELECT v.enterprise_id FROM enterprise_names AS v
        WHERE v.known_to = 'infinity' AND a.party_uscc IS NULL AND v.name_normal = a.party_name
    ) AS found
    GROUP BY a.n
),
owners AS (
    SELECT p.n, p.enterprise_id AS owner_id FROM parties AS p WHERE p.enterprises = 1
    UNION
    SELECT p.n, o.owner_id FROM parties AS p
    JOIN enterprise_owners AS o ON o.enterprise_id = p.enterprise_id AND o.kind = 'branch_of' AND o.known_to = 'infinity'
    WHERE p.enterprises = 1 AND o.owner_id IS NOT NULL
    UNION
    SELECT p.n, o.enterprise_id FROM parties AS p
    JOIN enterprise_owners AS o ON o.owner_id = p.enterprise_id AND o.kind = 'branch_of' AND o.known_to = 'infinity'
    WHERE p.enterprises = 1
),
found AS (
    SELECT a.n, v.project_id, 2 AS coded FROM asked AS a
    JOIN project_versions AS v ON v.code = a.code AND v.known_to = 'infinity'
    UNION
    SELECT a.n, c.project_id, CASE c.kind WHEN 'earlier' THEN 1 ELSE 2 END FROM asked AS a
    JOIN project_codes AS c ON c.code = a.code AND c.known_to = 'infinity'
    UNION
    SELECT a.n, v.project_id, 0 FROM asked AS a
    JOIN project_versions AS v ON v.name_normal = a.name AND v.known_to = 'infinity'
    WHERE a.code IS NULL
    UNION
    SELECT o.n, v.project_id, 0 FROM owners AS o
    JOIN asked AS a ON a.n = o.n AND a.code IS NULL
    JOIN project_versions AS v ON v.owner_id = o.owner_id AND v.known_to = 'infinity'
    UNION
    SELECT a.n, near.project_id, 0 FROM asked AS a
    CROSS JOIN LATERAL (
        SELECT v.project_id FROM project_versions AS v
        WHERE v.name_normal % a.name AND v.known_to = 'infinity'
        ORDER BY similarity(v.name_normal, a.name) DESC, v.project_id
        LIMIT 5
    ) AS near
    WHERE a.code IS NULL
),
best AS (SELECT n, project_id, max(coded) AS coded FROM found GROUP BY n, project_id)
SELECT a.n, p.enterprise_id AS party_id, coalesce(p.enterprises, 0) AS parties, i.sector AS trade_sector,
       found.project_id, found.coded, found.code, found.name, found.owner_name, found.sector, found.region,
       found.same_name, found.owned, found.same_region, found.similar
FROM asked AS a
LEFT JOIN parties AS p ON p.n = a.n
LEFT JOIN LATERAL (
    SELECT min(i.sector) AS sector FROM industries AS i WHERE i.code = a.industry AND i.decides_sector
) AS i ON TRUE
LEFT JOIN LATERAL (
    SELECT b.project_id, b.coded, v.code, v.name, e.name AS owner_name, v.sector, v.region,
           coalesce(v.name_normal = a.name, FALSE) AS same_name,
           v.owner_id IN (SELECT o.owner_id FROM owners AS o WHERE o.n = a.n) AS owned,
           region_matches(v.region, a.region) AS same_region,
           coalesce(similarity(v.name_normal, a.name), 0) AS similar
    FROM best AS b
    CROSS JOIN LATERAL (
        SELECT * FROM project_versions AS v WHERE v.project_id = b.project_id AND v.known_to = 'infinity'
        ORDER BY v.held_from DESC NULLS LAST LIMIT 1
    ) AS v
    LEFT JOIN LATERAL (
        SELECT e.name FROM enterprise_versions AS e WHERE e.enterprise_id = v.owner_id AND e.known_to = 'infinity'
        ORDER BY e.held_from DESC NULLS LAST LIMIT 1
    ) AS e ON TRUE
    WHERE b.n = a.n
) AS found ON TRUE
ORDER BY a.n, found.coded DESC, found.same_name DESC, found.owned DESC, found.similar DESC, found.project_id
